/* SPDX-License-Identifier: Apache-2.0 */
/* plan_flags: the V8 options that the user has set already, in NODE_OPTIONS or behind a direct `node`. The command line
 * wins over NODE_OPTIONS, and of equals the last (measured on 18 to 26). What a launcher's script adds is out of
 * sight here; the worker's hello record tells. */
#include "supervisor/core/plan_parts.h"

#include <stdio.h>
#include <string.h>

#include "supervisor/core/environment.h"

#define FLAG_MIB_MAX ((uint64_t)1 << 30)

/* "64" -> 64. V8 takes digits only; 0 and "" mean its default. Returns 1, 0 for the default, -1 for what Node refuses. */
static int parse_mib(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	for (; *text >= '0' && *text <= '9' && value <= FLAG_MIB_MAX; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	if (*text != '\0')
		return -1;
	*ret = value * MIB;
	return value != 0;
}

/* "62.5" -> 6250 hundredths of a percent; further decimals are dropped. */
static int parse_percent(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	int decimals = -1;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && decimals < 0); text++) {
		if (*text == '.')
			decimals = 0;
		else if (decimals < 2 && value <= 1000000)
			value = value * 10 + (uint64_t)(*text - '0'), decimals += decimals >= 0;
	}
	for (decimals = decimals < 0 ? 0 : decimals; decimals < 2; decimals++)
		value *= 10;
	if (*text != '\0' || value > 10000)
		return -1;
	*ret = value;
	return value != 0;
}

static void take(struct plan *plan, struct node_flag *ret, const char *name, const char *value, const char *from)
{
	bool percent = strstr(name, "percentage") != NULL;
	uint64_t number = 0;
	if (value == NULL)
		return;
	int known = percent ? parse_percent(value, &number) : parse_mib(value, &number);
	if (known < 0)
		plan_warn(plan, "%s (%s): \"%.40s\" is not a number of %s; Node will refuse to start with it", name,
			  from, value, percent ? "percent" : "MiB");
	*ret = (struct node_flag){ .given = known > 0, .value = number, .from = from };
	snprintf(ret->text, sizeof(ret->text), "%s=%.20s", name, value);
}

static void take_all(struct planning *planning, char *const *words, size_t count, const char *from)
{
	struct node_flags *flags = &planning->flags;
	const struct {
		const char *name;
		struct node_flag *flag;
	} rows[] = {
		{ "--max-old-space-size", &flags->old_space },
		{ "--max-semi-space-size", &flags->semi_space },
		{ "--max-heap-size", &flags->heap_size },
		{ "--max-old-space-size-percentage", &flags->percent },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		take(planning->plan, rows[i].flag, rows[i].name, node_options_find(words, count, rows[i].name), from);
	flags->permission |= node_options_find(words, count, "--permission") != NULL ||
			     node_options_find(words, count, "--experimental-permission") != NULL;
	if (node_options_find(words, count, "--heapsnapshot-near-heap-limit") != NULL) {
		flags->snapshot_near_limit = true;
		flags->snapshot_from = from;
	}
}

static bool is_node(const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *name = slash != NULL ? slash + 1 : word;
	return strcmp(name, "node") == 0 || strcmp(name, "nodejs") == 0;
}

/* Options of Node (not of V8) whose value is the next word: that word is not the script yet. */
static bool takes_next_word(const char *word)
{
	static const char *const names[] = { "-r", "--require", "--import", "--loader", "--experimental-loader", "-C",
					     "--conditions", "--env-file", "--inspect-port", "--title", "--icu-data-dir",
					     "--input-type", "--stack-trace-limit", "--max-http-header-size",
					     "--unhandled-rejections", "--dns-result-order", "--report-dir",
					     "--report-directory", "--report-filename", "--diagnostic-dir",
					     "--watch-path", "-e", "--eval", "-p", "--print", "-pe" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(word, names[i]) == 0)
			return true;
	}
	return false;
}

/* Node's own options end at the script, at "--" or at the end. */
static size_t count_node_words(char *const *words)
{
	size_t count = 0;
	while (words[count] != NULL && words[count][0] == '-' && strcmp(words[count], "--") != 0) {
		if (takes_next_word(words[count]) && words[count + 1] != NULL)
			count++;
		count++;
	}
	return count;
}

static void take_node_options(struct planning *planning)
{
	struct failure why;
	struct words words;
	if (node_options_split(planning->host->node_options, &words, &why) < 0) {
		plan_refuse(planning->plan, "%s; correct NODE_OPTIONS", why.text);
		return;
	}
	take_all(planning, words.list, words.count, "NODE_OPTIONS");
	words_finish(&words);
}

void plan_flags_find(struct planning *planning, char *const *command)
{
	if (planning->policy->heap.runtime != RUNTIME_NODE)
		return;
	if (planning->host->node_options_cut)
		plan_refuse(planning->plan, "NODE_OPTIONS is longer than %d bytes, so its options cannot be adopted; "
			    "shorten it, or set heap.runtime: none", HOST_OPTIONS_MAX - 1);
	else
		take_node_options(planning);
	planning->runs_node = command != NULL && command[0] != NULL && is_node(command[0]);
	if (planning->runs_node)
		take_all(planning, command + 1, count_node_words(command + 1), "command line");
	planning->plan->agent_needs_read = planning->flags.permission;
	if (planning->flags.snapshot_near_limit)
		plan_warn(planning->plan, "--heapsnapshot-near-heap-limit (%s) writes no snapshot under heapward, whose "
			  "own callback answers near the limit first; remove it", planning->flags.snapshot_from);
}
