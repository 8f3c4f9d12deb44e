/* SPDX-License-Identifier: Apache-2.0 */
/* policy_schema: the key table as a JSON Schema, for completion in editors, and as the manual page's list of keys. What
 * a schema cannot say (an order of layers, two keys that contradict) heapward check does. */
#include "supervisor/core/policy_starter.h"

#include "supervisor/core/json_text.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/prose.h"

#include <json.h>
#include <stdio.h>
#include <string.h>

static struct json_object *typed(const char *type)
{
	struct json_object *object = json_object_new_object();
	json_put(object, "type", json_text(type));
	return object;
}

static struct json_object *pattern(const char *expression)
{
	struct json_object *object = typed("string");
	json_put(object, "pattern", json_text(expression));
	return object;
}

/* A choice that YAML reads as a boolean is one for who checks by the schema, too. */
static struct json_object *choice_value(const char *choice, size_t length)
{
	for (int truth = 0; truth < 2; truth++)
		if (length == strlen(truth ? "true" : "false") && strncmp(choice, truth ? "true" : "false", length) == 0)
			return json_object_new_boolean(truth);
	return json_bytes(choice, length);
}

static struct json_object *choices(const char *range)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	const char *choice;
	size_t length;
	while ((choice = policy_key_next_choice(&range, &length)) != NULL)
		json_object_array_add(list, choice_value(choice, length));
	json_put(object, "enum", list);
	return object;
}

static struct json_object *list_of(struct json_object *items)
{
	struct json_object *object = typed("array");
	json_put(object, "items", items);
	json_put(object, "maxItems", json_number(POLICY_WORDS_MAX));
	return object;
}

static struct json_object *map_of_strings(void)
{
	struct json_object *object = typed("object"), *values = json_object_new_object();
	struct json_object *types = json_object_new_array();
	json_object_array_add(types, json_text("string"));
	json_object_array_add(types, json_text("number"));
	json_put(values, "type", types);
	json_put(object, "additionalProperties", values);
	return object;
}

/* One address, or a list of them. */
static struct json_object *addresses(void)
{
	static const char address[] = "^(tcp:([0-9.]+:|\\[[0-9A-Fa-f:.]+\\]:)?[0-9]+|unix:/.+)$";
	struct json_object *object = json_object_new_object(), *list = json_object_new_array(), *many = typed("array");
	json_put(many, "items", pattern(address));
	json_put(many, "maxItems", json_number(LISTEN_MAX));
	json_object_array_add(list, many);
	json_object_array_add(list, pattern(address));
	json_put(object, "anyOf", list);
	return object;
}

/* Either a number or one word. */
static struct json_object *count_or(const char *word)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	struct json_object *constant = json_object_new_object();
	json_put(constant, "const", json_text(word));
	json_object_array_add(list, typed("integer"));
	json_object_array_add(list, constant);
	json_put(object, "anyOf", list);
	return object;
}

/* "any", "none", or a list of numbers. */
static struct json_object *ports(void)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	json_object_array_add(list, list_of(typed("integer")));
	json_object_array_add(list, choices("any|none"));
	json_put(object, "anyOf", list);
	return object;
}

static struct json_object *value_schema(const struct policy_key_row *row)
{
	static const char size[] = "^[0-9]+(K|M|G|KiB|MiB|GiB)$";
	switch (row->type) {
	case POLICY_TYPE_NAME:
		return pattern("^[a-z0-9][a-z0-9-]{0,31}$");
	case POLICY_TYPE_WORDS:
	case POLICY_TYPE_PATHS:
		return list_of(typed("string"));
	case POLICY_TYPE_VARIABLES:
		return list_of(pattern("^[A-Za-z_][A-Za-z0-9_]*\\*?$|^\\*$"));
	case POLICY_TYPE_FEATURES:
		return list_of(choices(row->range));
	case POLICY_TYPE_PORTS:
		return ports();
	case POLICY_TYPE_PAIRS:
		return map_of_strings();
	case POLICY_TYPE_PATH:
	case POLICY_TYPE_USER:
	case POLICY_TYPE_SYSCALLS:
		return typed("string");
	case POLICY_TYPE_SIZE:
		return pattern(size);
	case POLICY_TYPE_SIZE_OR_NONE:
		return pattern("^([0-9]+(K|M|G|KiB|MiB|GiB)|none)$");
	case POLICY_TYPE_SIZE_OR_INHERIT:
		return pattern("^([0-9]+(K|M|G|KiB|MiB|GiB)|inherit)$");
	case POLICY_TYPE_OLD_SPACE:
		return pattern("^([0-9]+(K|M|G|KiB|MiB|GiB)|[0-9]+% of memory\\.max|auto)$");
	case POLICY_TYPE_STEP:
		return pattern("^([0-9]+(K|M|G|KiB|MiB|GiB)|[0-9]+%)$");
	case POLICY_TYPE_TIME:
		return pattern("^[0-9]+(ms|s|min|h|d)$");
	case POLICY_TYPE_TIME_OR_NEVER:
		return pattern("^([0-9]+(ms|s|min|h|d)|never)$");
	case POLICY_TYPE_COUNT:
		return typed("integer");
	case POLICY_TYPE_COUNT_OR_INHERIT:
		return count_or("inherit");
	case POLICY_TYPE_CPU:
		return pattern("^([0-9]+%|inherit)$");
	case POLICY_TYPE_PERCENT_OR_NONE:
		return pattern("^([0-9]+%|none)$");
	case POLICY_TYPE_CHOICE:
	case POLICY_TYPE_SIGNAL:
		return choices(row->range);
	case POLICY_TYPE_TRUTH:
		return typed("boolean");
	case POLICY_TYPE_LISTEN:
		return addresses();
	case POLICY_TYPE_READY:
		return pattern("^(auto|listening|started|notify|tcp:[0-9]+|http:[0-9]*/.*)$");
	case POLICY_TYPE_CAPABILITIES:
		return json_object_new_object(); /* a word or a list of names; check names the wrong ones */
	case POLICY_TYPES:
		break;
	}
	assert(false && "a type beyond the table");
	return NULL;
}

static void describe(struct json_object *schema, const struct policy_key_row *row)
{
	char text[400];
	snprintf(text, sizeof(text), "%s%s%s%s", row->help, row->range[0] == '\0' ? "" : " (", row->range,
		 row->range[0] == '\0' ? "" : ")");
	json_put(schema, "description", json_text(text));
	if (row->standard[0] == '\0')
		return;
	/* Numbers and booleans as such, so that an editor that inserts the default inserts a valid one. */
	if (row->type == POLICY_TYPE_COUNT)
		json_put(schema, "default", json_number(strtol(row->standard, NULL, 10)));
	else if (row->type == POLICY_TYPE_TRUTH)
		json_put(schema, "default", json_object_new_boolean(strcmp(row->standard, "true") == 0));
	else
		json_put(schema, "default", json_text(row->standard));
}

static struct json_object *closed_object(void)
{
	struct json_object *object = typed("object");
	json_put(object, "additionalProperties", json_object_new_boolean(false));
	json_put(object, "properties", json_object_new_object());
	return object;
}

/* The object of `name` below `parent`, made where it is not there. */
static struct json_object *below(struct json_object *parent, const char *name)
{
	struct json_object *properties = json_find(parent, "properties"), *child = NULL;
	if (json_object_object_get_ex(properties, name, &child))
		return child;
	child = closed_object();
	json_put(properties, name, child);
	return child;
}

static void add_key(struct json_object *root, enum policy_key key)
{
	char part[POLICY_PATH_MAX];
	struct policy_key_row row = policy_key_row(key);
	struct json_object *parent = below(root, row.section), *schema = value_schema(&row);
	const char *name = row.name, *dot;
	while ((dot = strchr(name, '.')) != NULL) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - name), name);
		parent = below(parent, part);
		name = dot + 1;
	}
	describe(schema, &row);
	json_put(json_find(parent, "properties"), name, schema);
}

char *policy_schema(void)
{
	struct json_object *root = closed_object(), *version = json_object_new_object();
	struct json_object *required = json_object_new_array();
	json_put(root, "$schema", json_text("https://json-schema.org/draft/2020-12/schema"));
	json_put(root, "title", json_text("heapward policy"));
	json_put(version, "const", json_number(POLICY_VERSION));
	json_put(json_find(root, "properties"), "version", version);
	json_object_array_add(required, json_text("version"));
	json_put(root, "required", required);
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++)
		add_key(root, key);
	const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *copy = NULL;
	if (asprintf(&copy, "%s\n", text) < 0)
		copy = NULL;
	json_object_put(root);
	return copy;
}

/* scdoc reads some bytes as its own. */
static void add_escaped(struct prose *text, const char *words)
{
	for (; *words != '\0'; words++)
		prose_raw(text, "%s%c", strchr("\\*_[]#.+-|<>", *words) != NULL ? "\\" : "", *words);
}

char *policy_manual(void)
{
	struct prose text = { 0 };
	const char *section = "";
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		struct policy_key_row row = policy_key_row(key);
		if (strcmp(section, row.section) != 0) {
			section = row.section;
			prose_raw(&text, "## %s\n\n", section);
		}
		prose_raw(&text, "*");
		add_escaped(&text, row.name);
		prose_raw(&text, "*\n\t");
		add_escaped(&text, row.help);
		prose_raw(&text, ".");
		if (row.range[0] != '\0') {
			prose_raw(&text, " Values: ");
			add_escaped(&text, row.range);
			prose_raw(&text, ".");
		}
		if (row.standard[0] != '\0') {
			prose_raw(&text, " Default: ");
			add_escaped(&text, row.standard);
			prose_raw(&text, ".");
		}
		prose_raw(&text, "\n\n");
	}
	return prose_take(&text);
}
