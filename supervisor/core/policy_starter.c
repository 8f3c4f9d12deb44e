/* SPDX-License-Identifier: Apache-2.0 */
/* policy_starter: see policy_starter.h. The schema is in policy_schema.c. */
#include "supervisor/core/policy_starter.h"

#include "base/units.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/prose.h"

#include <stdio.h>
#include <string.h>

#define STARTER_MIN_BYTES (256 * MIB)
#define STARTER_MAX_BYTES (2 * GIB)
#define STARTER_STEP_BYTES (64 * MIB)
#define HELP_COLUMN 26

uint64_t policy_starter_memory_max(const struct host *host)
{
	uint64_t smallest = host->mem_total_bytes;
	for (size_t i = 0; i < host->level_count; i++)
		if (host->levels[i].max_bytes < smallest)
			smallest = host->levels[i].max_bytes;
	if (smallest == SIZE_UNKNOWN || smallest / 4 > STARTER_MAX_BYTES)
		return STARTER_MAX_BYTES;
	uint64_t quarter = smallest / 4 / STARTER_STEP_BYTES * STARTER_STEP_BYTES;
	return quarter < STARTER_MIN_BYTES ? STARTER_MIN_BYTES : quarter;
}

/* A word of a flow list: plain where no YAML reader could take it for anything else, else in double quotes. */
static void add_word(struct prose *text, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
	bool begins_plain = (word[0] >= 'a' && word[0] <= 'z') || word[0] == '/';
	static const char *const taken[] = { "true", "false", "yes", "no", "on", "off", "null", "y", "n" };
	bool is_plain = begins_plain && word[strspn(word, plain)] == '\0';
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		is_plain = is_plain && strcmp(word, taken[i]) != 0;
	if (is_plain) {
		prose_raw(text, "%s", word);
		return;
	}
	prose_raw(text, "\"");
	for (; *word != '\0'; word++) {
		unsigned char byte = (unsigned char)*word;
		if (byte == '"' || byte == '\\')
			prose_raw(text, "\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			prose_raw(text, "\\x%02x", byte);
		else
			prose_raw(text, "%c", byte);
	}
	prose_raw(text, "\"");
}

static void add_command(struct prose *text, char *const *command)
{
	prose_raw(text, "  command: [");
	for (size_t i = 0; command[i] != NULL; i++) {
		prose_raw(text, "%s", i == 0 ? "" : ", ");
		add_word(text, command[i]);
	}
	prose_raw(text, "]\n");
}

/* What a policy file that does not have the key gets; "" where nothing can stand for it. Two defaults depend on there being
 * a file at all. */
static const char *default_of(enum policy_key key, const struct policy_key_row *row)
{
	return key == KEY_SANDBOX_SYSCALLS ? "server" : key == KEY_SANDBOX_CAPABILITIES ? "none" : row->standard;
}

/* Of a word that no line has room for, such as a long list of choices, what stands before a "|" and fits. */
static size_t piece_of(const char *words)
{
	size_t length = strcspn(words, " "), room = PROSE_COLUMNS - HELP_COLUMN - 3;
	for (const char *bar; length > room && (bar = memrchr(words, '|', length - 1)) != NULL;)
		length = (size_t)(bar - words) + 1;
	return length;
}

/* Goes on behind what stands in `column`, and below it where the width does not do. */
static void add_wrapped(struct prose *text, size_t column, const char *words)
{
	for (; *words != '\0'; words += strspn(words, " ")) {
		size_t length = piece_of(words);
		if (column + 1 + length > PROSE_COLUMNS) {
			prose_raw(text, "\n#%*s#", HELP_COLUMN, "");
			column = HELP_COLUMN + 2;
		}
		prose_raw(text, " %.*s", (int)length, words);
		column += 1 + length;
		words += length;
	}
	prose_raw(text, "\n");
}

/* "#  when: failure       # deaths after which to restart"; what may stand there, too, where it is not in the help. The one
 * key that most servers want and that has no default shows what most servers want. */
static void add_comment(struct prose *text, enum policy_key key, const struct policy_key_row *row)
{
	char line[POLICY_PATH_MAX + 32], words[512];
	const char *dot = strchr(row->name, '.'), *standard = default_of(key, row);
	if (standard[0] == '\0')
		standard = row->type == POLICY_TYPE_LISTEN ? "[\"tcp:3000\"]" : "...";
	int length = snprintf(line, sizeof(line), "#  %s%s: %s", dot == NULL ? "" : "  ",
			      dot == NULL ? row->name : dot + 1, standard);
	snprintf(words, sizeof(words), "%s%s%s%s", row->help, row->range[0] == '\0' ? "" : " (", row->range,
		 row->range[0] == '\0' ? "" : ")");
	int gap = length < HELP_COLUMN ? HELP_COLUMN - length : 0;
	prose_raw(text, "%s%*s #", line, gap, "");
	add_wrapped(text, (size_t)(length + gap) + 2, words);
}

/* A key two groups deep, such as budget.by_verdict.seccomp.deaths, shows its second group once: one line for many keys. */
static void add_deep_group(struct prose *text, const char *name, char shown[static POLICY_PATH_MAX])
{
	const char *group = strchr(name, '.') + 1;
	size_t length = strcspn(group, ".");
	if (strncmp(shown, group, length) == 0 && shown[length] == '\0')
		return;
	snprintf(shown, POLICY_PATH_MAX, "%.*s", (int)length, group);
	prose_raw(text, "#    %s: {}     # {VERDICT: {%s: ...}}; see heapward-policy(5)\n", shown, strrchr(name, '.') + 1);
}

/* One section: its live lines, made by the caller, first; then the keys that are left as comments. */
static void add_section(struct prose *text, const char *section, bool live, const enum policy_key *set,
			size_t set_count)
{
	char group[POLICY_PATH_MAX] = "", deep[POLICY_PATH_MAX] = "";
	if (!live)
		prose_raw(text, "#%s:\n", section);
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		struct policy_key_row row = policy_key_row(key);
		bool is_set = false;
		for (size_t i = 0; i < set_count; i++)
			is_set = is_set || set[i] == key;
		if (strcmp(row.section, section) != 0 || is_set)
			continue;
		size_t length = strcspn(row.name, ".");
		if (row.name[length] == '.' && (strncmp(group, row.name, length) != 0 || group[length] != '\0')) {
			snprintf(group, sizeof(group), "%.*s", (int)length, row.name);
			prose_raw(text, "#  %s:\n", group);
		}
		if (strchr(row.name, '.') != strrchr(row.name, '.'))
			add_deep_group(text, row.name, deep);
		else
			add_comment(text, key, &row);
	}
}

char *policy_starter(const char *name, char *const *command, const struct host *host)
{
	static const enum policy_key set[] = { KEY_SERVICE_NAME, KEY_SERVICE_COMMAND, KEY_MEMORY_MAX, KEY_MEMORY_ENFORCE };
	struct prose text = { 0 };
	const char *before = "service memory";
	uint64_t max_mib = policy_starter_memory_max(host) / MIB;
	prose_raw(&text,
		  "# A policy of heapward(1); heapward-policy(5) explains every key, and heapward\n"
		  "# explain -p with the name of this file the numbers that follow from it. Lines\n"
		  "# that begin with # show what is taken without them (... where that is nothing,\n"
		  "# and for listen what most servers want): take the # away to change one.\n"
		  "version: 1\n\nservice:\n  name: %s\n",
		  name);
	if (command != NULL && command[0] != NULL)
		add_command(&text, command);
	else
		prose_raw(&text, "  command: [node, server.js]\n");
	add_section(&text, "service", true, set, ARRAY_LEN(set));
	prose_raw(&text,
		  "\nmemory:\n  # kernel cap for one worker and all its children; old space fits below it\n"
		  "  max: %lluM\n",
		  (unsigned long long)max_mib);
	if (!host->cgroup_writable)
		prose_raw(&text, "  # As who ran init, no cgroup can be made here: max is no cap in the kernel then,\n"
				 "  # and still decides V8's old space. Where one can be made, take the line away.\n"
				 "  enforce: best_effort\n");
	add_section(&text, "memory", true, set, ARRAY_LEN(set) - (host->cgroup_writable ? 1 : 0));
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		struct policy_key_row row = policy_key_row(key);
		if (strstr(before, row.section) != NULL)
			continue;
		before = row.section;
		prose_raw(&text, "\n");
		if (strcmp(row.section, "memory") != 0 && strcmp(row.section, "service") != 0)
			add_section(&text, row.section, false, NULL, 0);
	}
	return prose_take(&text);
}
