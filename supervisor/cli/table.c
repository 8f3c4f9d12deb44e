/* SPDX-License-Identifier: Apache-2.0 */
/* table: see table.h. Which columns there are is one list; where a value comes from is its JSON path. */
#include "supervisor/cli/table.h"
#include "base/units.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/printable.h"

#include <json.h>
#include <libsmartcols.h>
#include <string.h>

enum form { FORM_TEXT, FORM_SIZE, FORM_TIME, FORM_NUMBER };

static const struct field {
	const char *name, *head, *path;
	enum form form;
	const char *of_path; /* a second size, "41 MiB/112 MiB"; NULL: none */
	bool usual, right;
} fields[] = {
	{ "name", "NAME", "name", FORM_TEXT, NULL, true, false },
	{ "state", "STATE", "state", FORM_TEXT, NULL, true, false },
	{ "pid", "PID", "instances.0.pid", FORM_NUMBER, NULL, true, true },
	{ "uptime", "UP", "instances.0.uptime_seconds", FORM_TIME, NULL, true, true },
	{ "heap", "HEAP/LIMIT", "instances.0.heap.used_bytes", FORM_SIZE, "instances.0.heap.limit_bytes", true, true },
	{ "memory", "MEMORY/MAX", "instances.0.memory.current_bytes", FORM_SIZE, "instances.0.memory.max_bytes", true,
	  true },
	{ "restarts", "RESTARTS", "restarts.total", FORM_NUMBER, NULL, true, true },
	{ "last_death", "LAST END", "last_death.verdict", FORM_TEXT, NULL, true, false },
	{ "heap_used", "HEAP", "instances.0.heap.used_bytes", FORM_SIZE, NULL, false, true },
	{ "heap_limit", "HEAP LIMIT", "instances.0.heap.limit_bytes", FORM_SIZE, NULL, false, true },
	{ "old_space", "OLD SPACE", "instances.0.heap.old_space_bytes", FORM_SIZE, NULL, false, true },
	{ "external", "EXTERNAL", "instances.0.heap.external_bytes", FORM_SIZE, NULL, false, true },
	{ "memory_current", "MEMORY", "instances.0.memory.current_bytes", FORM_SIZE, NULL, false, true },
	{ "memory_max", "MAX", "instances.0.memory.max_bytes", FORM_SIZE, NULL, false, true },
	{ "memory_peak", "PEAK", "instances.0.memory.peak_bytes", FORM_SIZE, NULL, false, true },
	{ "budget_left", "BUDGET", "restarts.budget_left", FORM_NUMBER, NULL, false, true },
	{ "next_in", "NEXT IN", "restarts.next_in_seconds", FORM_TIME, NULL, false, true },
	{ "supervisor_pid", "SUPERVISOR", "supervisor_pid", FORM_NUMBER, NULL, false, true },
	{ "command", "COMMAND", "command", FORM_TEXT, NULL, false, false },
	{ "policy", "POLICY", "policy_file", FORM_TEXT, NULL, false, false },
	{ "cgroup", "CGROUP", "cgroup", FORM_TEXT, NULL, false, false },
};

static const struct field *find_field(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
			return &fields[i];
	return NULL;
}

void table_fields_print(void)
{
	fputs("\nFields:", stdout);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		printf("%s%s", i % 6 == 0 ? "\n  " : " ", fields[i].name);
	fputs("\n", stdout);
}

int table_fields_check(const char *names)
{
	char shown[64];
	for (const char *at = names;; at++) {
		size_t length = strcspn(at, ",");
		if (find_field(at, length) == NULL) {
			fprintf(stderr, "heapward: unknown field in \"%s\"; heapward status --help lists them\n",
				printable_copy(shown, sizeof(shown), names));
			return EXIT_USAGE;
		}
		at += length;
		if (*at == '\0')
			return 0;
	}
}

/* A figure of all instances together; SIZE_UNKNOWN where one has none. "instances.0." in a path stands for each of them. */
static uint64_t find_sum(struct json_object *service, const char *path)
{
	static const char each[] = "instances.0.";
	struct json_object *list = json_find(service, "instances");
	size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	uint64_t sum = 0;
	if (strncmp(path, each, strlen(each)) != 0 || count <= 1)
		return json_find_size(service, path);
	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = json_find_size(json_object_array_get_idx(list, i), path + strlen(each));
		if (bytes == SIZE_UNKNOWN)
			return SIZE_UNKNOWN;
		sum += bytes;
	}
	return sum;
}

static void write_size(struct json_object *service, const struct field *field, char *text, size_t size)
{
	char used[UNITS_TEXT_MAX], of[UNITS_TEXT_MAX];
	uint64_t bytes = find_sum(service, field->path);
	uint64_t of_bytes = field->of_path == NULL ? SIZE_UNKNOWN : find_sum(service, field->of_path);
	if (bytes == SIZE_UNKNOWN)
		snprintf(text, size, "-");
	else if (of_bytes == SIZE_UNKNOWN)
		snprintf(text, size, "%s", units_format_size(used, bytes));
	else if (bytes >= MIB && bytes < GIB && of_bytes >= MIB)
		/* The unit once: columns are few. */
		snprintf(text, size, "%.0f/%.0f MiB", (double)bytes / MIB, (double)of_bytes / MIB);
	else
		snprintf(text, size, "%s/%s", units_format_size(used, bytes), units_format_size(of, of_bytes));
}

static void write_cell(struct json_object *service, const struct field *field, char *text, size_t size)
{
	struct json_object *found = json_find(service, field->path);
	double seconds = json_object_get_double(found);
	snprintf(text, size, "-");
	if (found == NULL)
		return;
	if (field->form == FORM_SIZE)
		write_size(service, field, text, size);
	else if (field->form == FORM_NUMBER)
		snprintf(text, size, "%lld", (long long)json_object_get_int64(found));
	else if (field->form == FORM_TEXT)
		printable_copy(text, size, json_object_get_string(found));
	else if (seconds >= 0 && seconds < 1e9)
		units_format_time(text, (int64_t)seconds * USEC_PER_SEC);
}

static int add_columns(struct libscols_table *table, const char *names, const struct field **ret, size_t max)
{
	size_t count = 0;
	for (size_t i = 0; names == NULL && i < ARRAY_LEN(fields) && count < max; i++)
		if (fields[i].usual)
			ret[count++] = &fields[i];
	for (const char *at = names; at != NULL && count < max;) {
		size_t length = strcspn(at, ",");
		ret[count] = find_field(at, length);
		assert(ret[count] != NULL);
		count++;
		at = at[length] == ',' ? at + length + 1 : NULL;
	}
	for (size_t i = 0; i < count; i++) {
		/* Chosen fields are for scripts: no head, and no room for one. */
		const char *head = names == NULL ? ret[i]->head : "";
		if (scols_table_new_column(table, head, 0, names == NULL && ret[i]->right ? SCOLS_FL_RIGHT : 0) == NULL)
			return -1;
	}
	return (int)count;
}

static void add_line(struct libscols_table *table, const struct field *const *columns, size_t count,
		     const char *document)
{
	struct json_object *service = json_parse(document, strlen(document));
	struct libscols_line *line = service == NULL ? NULL : scols_table_new_line(table, NULL);
	char text[512];
	for (size_t i = 0; line != NULL && i < count; i++) {
		write_cell(service, columns[i], text, sizeof(text));
		scols_line_set_data(line, i, text);
	}
	json_object_put(service);
}

int table_print(const char *names, char *const *documents, size_t count)
{
	const struct field *columns[2 * ARRAY_LEN(fields)];
	struct libscols_table *table = scols_new_table();
	if (table == NULL)
		return EXIT_SUPERVISOR;
	scols_table_enable_noheadings(table, names != NULL);
	int column_count = add_columns(table, names, columns, ARRAY_LEN(columns));
	for (size_t i = 0; column_count > 0 && i < count; i++)
		add_line(table, columns, (size_t)column_count, documents[i]);
	int result = column_count < 0 ? -1 : scols_print_table(table);
	scols_unref_table(table);
	return result == 0 ? EXIT_OK : EXIT_SUPERVISOR;
}
