/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_learnt_text: what was learnt, as the text of a list: first what a reviewer has to look at, then by the
 * groups of the base, each line in an order that does not change from run to run. */
#include "supervisor/core/syscall_learnt.h"

#include "base/units.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/syscall_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RULE_COLUMNS 34 /* a count stands behind them */
#define COMMAND_MAX 77

static void add_line(struct prose *prose, const struct syscall_rule *rule, const char *comment)
{
	char text[SYSCALL_RULE_TEXT_MAX];
	prose_raw(prose, "%-*s # %s\n", RULE_COLUMNS, syscall_rule_text(rule, text), comment);
}

static void add_count(struct prose *prose, const struct syscall_rule *rule, uint64_t count, const char *more)
{
	char comment[128];
	snprintf(comment, sizeof(comment), "%" PRIu64 "%s", count, more);
	add_line(prose, rule, count == 0 ? "not seen" : comment);
}

/* What to do with it, and what it is not. */
static void add_advice(struct prose *prose, const struct syscall_learnt_source *source)
{
	char file[64] = "FILE", base[64];
	const char *slash = source->file == NULL || strchr(source->file, '/') != NULL ? "" : "./";
	if (source->file != NULL)
		printable_copy(file, sizeof(file), source->file);
	printable_copy(base, sizeof(base), source->base);
	prose_raw(prose,
		  "# What it did not do in that time is not here, but for a floor: the calls under\n"
		  "# \"Always\" are in every learnt list, whether or not the program makes them.\n"
		  "# It was looked at as closely as the list \"%s\" does.\n"
		  "# Compare: heapward check --diff %s\n"
		  "# Then: sandbox: {syscalls: \"%s%s\", violation: audit}, as seen from the\n"
		  "# policy's folder; and errno once audit has been silent for long enough.\n",
		  base, file, slash, file);
}

static void add_head(struct prose *prose, const struct syscall_learnt *learnt,
		     const struct syscall_learnt_source *source)
{
	char time[UNITS_TEXT_MAX], command[COMMAND_MAX], node[32], kernel[96];
	printable_copy(command, sizeof(command), source->command);
	printable_copy(node, sizeof(node), source->node);
	printable_copy(kernel, sizeof(kernel), source->kernel);
	prose_raw(prose, "# Learnt by heapward %s on %s, in %s, with counts, from:\n#   %s\n", HEAPWARD_VERSION,
		  source->date, units_format_time(time, source->duration_usec), command);
	uint64_t processes = learnt->processes + source->workers;
	prose_raw(prose, "# %s%s%s.\n# %" PRIu64 " calls, %" PRIu64 " process%s, %" PRIu64 " start%s of it.\n", kernel,
		  node[0] == '\0' ? "" : ", Node ", node, learnt->total, processes, processes == 1 ? "" : "es",
		  source->workers, source->workers == 1 ? "" : "s");
	add_advice(prose, source);
	if (learnt->foreign > 0)
		prose_raw(prose, "# Denied, and no list can allow them: %" PRIu64 " calls of another architecture.\n",
			  learnt->foreign);
	if (learnt->lost > 0)
		prose_raw(prose, "# Not in it for want of room: %" PRIu64 " calls.\n", learnt->lost);
}

/* By name, then by conditions as they are written. */
static int compare(const void *one, const void *other)
{
	const struct syscall_learnt_call *a = *(const struct syscall_learnt_call *const *)one;
	const struct syscall_learnt_call *b = *(const struct syscall_learnt_call *const *)other;
	char text_a[SYSCALL_RULE_TEXT_MAX], text_b[SYSCALL_RULE_TEXT_MAX];
	int result = strcmp(a->rule.name, b->rule.name);
	return result != 0 ? result : strcmp(syscall_rule_text(&a->rule, text_a), syscall_rule_text(&b->rule, text_b));
}

struct sorted {
	const struct syscall_learnt_call *calls[SYSCALL_LEARNT_MAX];
	size_t count;
};

static void sort(const struct syscall_learnt *learnt, struct sorted *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < learnt->count; i++)
		if (learnt->calls[i].rule.kind == SYSCALL_ALLOW)
			ret->calls[ret->count++] = &learnt->calls[i];
	qsort(ret->calls, ret->count, sizeof(ret->calls[0]), compare);
}

/* The calls of one group (0: of none), or all that are beyond the base. */
static void add_calls(struct prose *prose, const struct sorted *sorted, const char *title, bool beyond, uint16_t group)
{
	bool titled = false;
	for (size_t i = 0; i < sorted->count; i++) {
		const struct syscall_learnt_call *call = sorted->calls[i];
		if (call->beyond != beyond || (!beyond && call->rule.group != group))
			continue;
		if (!titled)
			prose_raw(prose, "\n# %s\n", title);
		titled = true;
		add_count(prose, &call->rule, call->count,
			  call->wide ? ": too many different arguments, so all of them" : "");
	}
}

/* What was read last is the most general. */
static void add_groups(struct prose *prose, const struct syscall_list *base, const struct sorted *sorted)
{
	for (size_t text = base->text_count; text-- > 0;)
		for (size_t i = 0; i < base->group_count; i++)
			if (base->groups[i].text == text)
				add_calls(prose, sorted, base->groups[i].title, false, (uint16_t)(i + 1));
	add_calls(prose, sorted, "Others", false, 0);
}

static bool was_seen(const struct syscall_learnt *learnt, int number)
{
	for (size_t i = 0; i < learnt->count; i++)
		if (learnt->calls[i].rule.number == number)
			return true;
	return false;
}

static void add_always(struct prose *prose, const struct syscall_learnt *learnt, const struct syscall_names *names)
{
	bool titled = false;
	for (const struct syscall_learnt_always *always = syscall_learnt_always; always->name != NULL; always++) {
		struct syscall_rule rule = { .kind = SYSCALL_ALLOW, .number = names->number(names, always->name) };
		snprintf(rule.name, sizeof(rule.name), "%s", always->name);
		if (rule.number < 0 || was_seen(learnt, rule.number) || !syscall_learnt_is_plain(learnt, rule.number))
			continue;
		if (!titled)
			prose_raw(prose, "\n# Always: what every program needs, seen or not; in every learnt list\n");
		titled = true;
		add_line(prose, &rule, always->why);
	}
}

static uint64_t count_of(const struct syscall_learnt *learnt, enum syscall_rule_kind kind,
			 const struct syscall_rule *rule)
{
	char text[SYSCALL_RULE_TEXT_MAX], other[SYSCALL_RULE_TEXT_MAX];
	syscall_rule_text(rule, text);
	for (size_t i = 0; i < learnt->count; i++)
		if (learnt->calls[i].rule.kind == kind && learnt->calls[i].rule.number == rule->number &&
		    strcmp(syscall_rule_text(&learnt->calls[i].rule, other), text) == 0)
			return learnt->calls[i].count;
	return 0;
}

/* What the base does not allow in words of its own stays as it is: it was answered so while the program ran. */
static void add_refused(struct prose *prose, const struct syscall_learnt *learnt, enum syscall_rule_kind kind,
			const char *title)
{
	bool titled = false;
	for (size_t i = 0; i < learnt->base->rule_count; i++) {
		const struct syscall_rule *rule = &learnt->base->rules[i];
		if (rule->kind != kind || (kind == SYSCALL_ABSENT && syscall_list_allows(learnt->base, rule->number)))
			continue;
		if (!titled)
			prose_raw(prose, "\n# %s\n", title);
		titled = true;
		add_count(prose, rule, count_of(learnt, kind, rule), "");
	}
}

char *syscall_learnt_text(const struct syscall_learnt *learnt, const struct syscall_names *names,
			  const struct syscall_learnt_source *source)
{
	char beyond[128], base[64];
	struct prose prose = { 0 };
	cleanup_free struct sorted *sorted = malloc(sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	sort(learnt, sorted);
	printable_copy(base, sizeof(base), source->base);
	snprintf(beyond, sizeof(beyond), "Not in the list %s: look at each of these before you allow it", base);
	add_head(&prose, learnt, source);
	add_calls(&prose, sorted, beyond, true, 0);
	add_always(&prose, learnt, names);
	add_groups(&prose, learnt->base, sorted);
	add_refused(&prose, learnt, SYSCALL_ABSENT, "As by a kernel that does not have them");
	add_refused(&prose, learnt, SYSCALL_DENY, "Denied, whatever allows them");
	return prose_take(&prose);
}
