/* SPDX-License-Identifier: Apache-2.0 */
/* explain: the text for people; see explain.h. The JSON is in explain_json.c. */
#include "supervisor/core/explain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"

#define PARAGRAPH_MAX 8192
#define INDENT 2
#define HANGING_INDENT 6

/* A text that grows; once memory is out it stays as it is and `failed` says so. */
struct text {
	char *bytes;
	size_t length, capacity;
	bool failed;
};

static void add_bytes(struct text *text, const char *bytes, size_t count)
{
	if (!text->failed && text->length + count + 1 > text->capacity) {
		size_t capacity = 2 * (text->length + count + 1);
		char *grown = realloc(text->bytes, capacity);
		text->failed = grown == NULL;
		if (grown != NULL)
			text->bytes = grown, text->capacity = capacity;
	}
	if (text->failed)
		return;
	memcpy(text->bytes + text->length, bytes, count);
	text->length += count;
	text->bytes[text->length] = '\0';
}

static void add_indent(struct text *text, size_t columns)
{
	while (columns-- > 0)
		add_bytes(text, " ", 1);
}

/* Bytes of the next piece that must stay on one line: a word, with its unit ("512 MiB"); a longer one is cut hard. */
static size_t piece_length(const char *words)
{
	size_t length = strcspn(words, " ");
	if (strncmp(words + length, " MiB", 4) == 0 || strncmp(words + length, " GiB", 4) == 0)
		length += 1 + strcspn(words + length + 1, " ");
	return length < EXPLAIN_COLUMNS - HANGING_INDENT ? length : EXPLAIN_COLUMNS - HANGING_INDENT;
}

static void add_wrapped(struct text *text, const char *words)
{
	size_t column = INDENT, gap = 0;
	add_indent(text, INDENT);
	while (*words != '\0') {
		size_t length = piece_length(words);
		if (column + gap + length > EXPLAIN_COLUMNS) {
			add_bytes(text, "\n", 1);
			add_indent(text, HANGING_INDENT);
			column = HANGING_INDENT;
			gap = 0;
		}
		add_indent(text, gap);
		add_bytes(text, words, length);
		column += gap + length;
		words += length;
		gap = *words == ' ';
		words += strspn(words, " ");
	}
	add_bytes(text, "\n", 1);
}

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct text *text, const char *format, ...)
{
	char paragraph[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(paragraph, sizeof(paragraph), format, args);
	va_end(args);
	for (char *at = paragraph; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	}
	add_wrapped(text, paragraph);
}

static void add_title(struct text *text, const char *title)
{
	if (text->length > 0)
		add_bytes(text, "\n", 1);
	add_bytes(text, title, strlen(title));
	add_bytes(text, "\n", 1);
}

/* Numbers */

static bool joins_word(char byte)
{
	return isalnum((unsigned char)byte) || byte == '.' || byte == '_' || byte == '-';
}

/* The place where `rule` calls the input by its whole name, NULL where it does not. */
static const char *find_name(const char *rule, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = strstr(rule, name); at != NULL && length > 0; at = strstr(at + 1, name)) {
		if ((at == rule || !joins_word(at[-1])) && !joins_word(at[length]))
			return at;
	}
	return NULL;
}

static void print(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

static void print(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
}

/* " 512 MiB (web.yaml:12)"; a default needs no origin beside its value. */
static void print_input(char *text, size_t size, const struct plan_input *input, bool with_value)
{
	char value[UNITS_TEXT_MAX];
	if (with_value)
		print(text, size, " %s", plan_value_text(value, input->unit, input->value));
	if (input->from[0] != '\0' && (!with_value || strcmp(input->from, "default") != 0))
		print(text, size, " (%s)", input->from);
}

/* The rule with value and origin behind each input that it names; true in `named` for those. */
static void print_rule(char *text, size_t size, const struct plan_number *number, bool *named)
{
	const char *rule = number->rule;
	while (*rule != '\0') {
		const struct plan_input *next = NULL;
		const char *next_at = NULL;
		for (size_t i = 0; i < number->input_count; i++) {
			const char *at = named[i] ? NULL : find_name(rule, number->inputs[i].name);
			if (at != NULL && (next_at == NULL || at < next_at))
				next = &number->inputs[i], next_at = at;
		}
		if (next == NULL)
			break;
		size_t length = (size_t)(next_at - rule) + strlen(next->name);
		bool alone = length == strlen(number->rule) && next->value == number->value;
		print(text, size, "%.*s", (int)length, rule);
		print_input(text, size, next, !alone);
		named[next - number->inputs] = true;
		rule += length;
	}
	print(text, size, "%s", rule);
}

void explain_number(const struct plan *plan, enum plan_number_id id, char *text, size_t size)
{
	const struct plan_number *number = &plan->numbers[id];
	bool named[PLAN_INPUTS_MAX] = { false };
	char value[UNITS_TEXT_MAX];
	snprintf(text, size, "%s", plan_number_name(id));
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '_')
			*at = id == PLAN_SEMI_SPACE || id == PLAN_OFF_HEAP ? '-' : ' ';
	}
	if (number->value != SIZE_UNKNOWN)
		print(text, size, " %s", plan_value_text(value, number->unit, number->value));
	print(text, size, " = ");
	print_rule(text, size, number, named);
	for (size_t i = 0; i < number->input_count; i++) {
		if (named[i])
			continue;
		print(text, size, "; %s", number->inputs[i].name);
		print_input(text, size, &number->inputs[i], true);
	}
}

static void add_numbers(struct text *text, const struct plan *plan, const char *title, enum plan_number_id first,
			enum plan_number_id last)
{
	add_title(text, title);
	for (unsigned id = first; id <= last; id++) {
		char paragraph[PARAGRAPH_MAX];
		/* What follows from an old space that Node chooses by itself is not known here: one line says so. */
		if (plan->numbers[id].value == SIZE_UNKNOWN && id > PLAN_OLD_SPACE && id <= PLAN_HEAP_SIZE_LIMIT)
			continue;
		explain_number(plan, (enum plan_number_id)id, paragraph, sizeof(paragraph));
		add(text, "%s", paragraph);
	}
}

/* The rest */

static void add_command(struct text *text, const struct policy *policy)
{
	char command[1024] = "";
	for (size_t i = 0; i < policy->service.command.count; i++)
		print(command, sizeof(command), "%s%s", i > 0 ? " " : "", policy->service.command.list[i]);
	if (command[0] != '\0')
		add(text, "command: %s", command);
}

static void add_worker(struct text *text, const struct plan *plan, const struct policy *policy, const struct host *host)
{
	const struct host_runtime *runtime = &host->runtime;
	add_title(text, "Worker");
	add_command(text, policy);
	if (runtime->found && runtime->major != 0)
		add(text, "Node: %d.%d.%d, %s", runtime->major, runtime->minor, runtime->patch, runtime->path);
	else
		add(text, "Node: %s%s%s", runtime->found ? runtime->path : "none", runtime->problem[0] != '\0' ? ": " : "",
		    runtime->problem);
	if (plan->manages_heap)
		add(text, "NODE_OPTIONS: --require AGENT %s%s%s", plan->node_options, plan->node_options[0] != '\0' ? " " : "",
		    host->node_options);
	add(text, "cgroup: %s, %s %s", cgroup_version_name(host->cgroup_version),
	    host->cgroup_writable ? "the worker gets a group of its own below" : "no group of its own: the worker stays in",
	    host->level_count > 0 ? host->levels[0].path : "ours");
	if (!host->cgroup_writable && host->cgroup_problem[0] != '\0')
		add(text, "cgroup problem: %s", host->cgroup_problem);
}

static void add_sandbox(struct text *text, const struct policy *policy, const struct host *host)
{
	const char *capabilities = policy->sandbox.capabilities;
	add_title(text, "Sandbox");
	if (policy->sandbox.user != NULL)
		add(text, "user: %s", policy->sandbox.user);
	else
		add(text, "user: unchanged (%s%suid %" PRIu32 ")", host->user, host->user[0] != '\0' ? ", " : "", host->uid);
	if (capabilities == NULL)
		add(text, "capabilities: unchanged");
	else
		add(text, "capabilities: %s", capabilities[0] != '\0' ? capabilities : "none");
	add(text, "system calls: %s", policy->sandbox.syscalls == SYSCALLS_COMPAT ?
		    "compat: what no server needs (ptrace, bpf, mount, ...) gets an errno" : "none: no filter");
	add(text, "no_new_privs: on");
}

static void add_remarks(struct text *text, const struct plan *plan)
{
	if (plan->remark_count == 0)
		return;
	add_title(text, plan_is_startable(plan) ? "Warnings" : "Warnings and refusals: heapward run will not start this");
	for (size_t i = 0; i < plan->remark_count; i++)
		add(text, "%s: %s", plan->remarks[i].refusal ? "refused" : "warning", plan->remarks[i].text);
}

char *explain_text(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name)
{
	struct text text = { 0 };
	char title[128];
	snprintf(title, sizeof(title), "Plan of %s%s", name, plan->bare ? " (no policy: old space is only ever lowered)" : "");
	add_title(&text, title);
	add_numbers(&text, plan, "Memory", PLAN_MEMORY_MAX, PLAN_MEMORY_NEED);
	add_numbers(&text, plan, "Heap, of each process", PLAN_NODE_ALONE, PLAN_PROCESSES);
	add_numbers(&text, plan, "Limits", PLAN_TASKS, PLAN_CPU);
	add_numbers(&text, plan, "Restart and stop", PLAN_BACKOFF_FROM, PLAN_STOP_TIMEOUT);
	add(&text, "restarts used up: %s", plan->exit_when_exhausted ? "exit" : "hold (state failed)");
	add_worker(&text, plan, policy, host);
	add_sandbox(&text, policy, host);
	add_remarks(&text, plan);
	if (!text.failed)
		return text.bytes;
	free(text.bytes);
	return NULL;
}
