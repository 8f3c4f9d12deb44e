/* SPDX-License-Identifier: Apache-2.0 */
/* policy: layers of text into one struct policy: files, settings, the command line. Knows where a key may stand and
 * who may set it; what a value may be is policy_value.c, how YAML is read policy_yaml.c. */
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/policy_text.h"
#include "supervisor/core/policy_value.h"
#include "supervisor/core/policy_words.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/suggest.h"

#include <stdio.h>
#include <string.h>

#define SETTING_NODES_MAX 1024
#define SETTING_BYTES_MAX (16 * 1024)

static const char variable_prefix[] = "service.environment.set.";

static void *member_of(struct policy *policy, const struct policy_key_row *row)
{
	return (char *)policy + row->offset;
}

/* The default of the key table, read by the reader of its type: a default that does not parse is a bug. */
static void set_standard(struct policy *policy, enum policy_key key, struct policy_errors *errors)
{
	struct policy_key_row row = policy_key_row(key);
	if (row.standard[0] == '\0')
		return;
	struct policy_text *text = policy_text_create("default", row.standard, strlen(row.standard), 1, errors);
	if (text == NULL)
		return;
	text->setting = true;
	policy_text_take_scalar(text);
	int result = policy_value_set(policy, key, text, policy_text_root(text));
	assert(result == 0);
	(void)result;
	policy->origins[key] = (struct origin){ 0 };
	policy_text_destroy(text);
}

void policy_init(struct policy *policy)
{
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	memset(policy, 0, sizeof(*policy));
	if (errors == NULL)
		return;
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++)
		set_standard(policy, key, errors);
	free(errors);
}

void policy_finish(struct policy *policy)
{
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		struct policy_key_row row = policy_key_row(key);
		void *member = member_of(policy, &row);
		if (policy_key_is_list(row.type))
			words_finish(member);
		if (row.type != POLICY_TYPE_PATH && row.type != POLICY_TYPE_USER &&
		    row.type != POLICY_TYPE_CAPABILITIES && row.type != POLICY_TYPE_SYSCALLS)
			continue;
		free(*(char **)member);
		*(char **)member = NULL;
	}
}

/* Offers what may stand below `group`; a key of another section is offered with its whole path. */
static const char *suggest_key(struct suggest *suggest, const char *group, const char *name)
{
	char candidate[POLICY_PATH_MAX] = "";
	size_t at = 0;
	suggest_init(suggest, name);
	if (group[0] == '\0')
		suggest_offer(suggest, "version", strlen("version"));
	while (policy_key_next_below(group, &at, candidate) > 0)
		suggest_offer(suggest, candidate, strlen(candidate));
	return suggest_best(suggest);
}

/* The path of the key whose last word is `name` in another place: "headroom" under memory is heap.headroom. */
static bool find_elsewhere(const char *name, char ret_path[static POLICY_PATH_MAX])
{
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		policy_key_path(key, ret_path);
		const char *last = strrchr(ret_path, '.');
		if (strcmp(last + 1, name) == 0)
			return true;
	}
	return false;
}

static void refuse_key(const struct policy_text *text, const struct policy_node *node, const char *group,
		       const char *name)
{
	char shown[POLICY_SHOWN_MAX], elsewhere[POLICY_PATH_MAX];
	struct suggest suggest;
	const char *dot = group[0] == '\0' ? "" : ".";
	const char *best = suggest_key(&suggest, group, name);
	printable_copy(shown, sizeof(shown), name);
	if (best != NULL) /* a setting is typed with its section, a file's key stands below it */
		policy_text_error(text, node, false, "unknown key \"%s%s%s\"; did you mean \"%s%s%s\"?", group, dot, shown,
				  text->setting ? group : "", text->setting ? dot : "", best);
	else if (find_elsewhere(name, elsewhere))
		policy_text_error(text, node, false, "unknown key \"%s%s%s\"; did you mean \"%s\"?", group, dot, shown,
				  elsewhere);
	else
		policy_text_error(text, node, false, "unknown key \"%s%s%s\"; see heapward-policy(5)", group, dot,
				  shown);
}

static void read_version(const struct policy_text *text, const struct policy_node *node)
{
	char wanted[16], shown[POLICY_SHOWN_MAX];
	snprintf(wanted, sizeof(wanted), "%d", POLICY_VERSION);
	if (node->kind == POLICY_NODE_BROKEN)
		return;
	if (node->kind != POLICY_NODE_SCALAR || strcmp(node->text, wanted) != 0)
		policy_text_error(
			text, node, false, "version: \"%s\" is not known here; this heapward reads version: %s",
			node->kind == POLICY_NODE_SCALAR ? printable_copy(shown, sizeof(shown), node->text) : "",
			wanted);
}

static void read_group(struct policy *policy, const struct policy_text *text, const struct policy_node *map,
		       const char *group);

static void read_entry(struct policy *policy, const struct policy_text *text, const struct policy_node *name,
		       const struct policy_node *value, const char *group)
{
	char path[POLICY_PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s%s%s", group, group[0] == '\0' ? "" : ".", name->text);
	bool whole = length > 0 && (size_t)length < sizeof(path) && strchr(name->text, '.') == NULL;
	enum policy_key key = whole ? policy_key_find(path) : POLICY_KEY_COUNT;
	if (whole && strcmp(path, "version") == 0)
		read_version(text, value);
	else if (key < POLICY_KEY_COUNT)
		(void)policy_value_set(policy, key, text, value);
	else if (!whole || !policy_key_is_group(path))
		refuse_key(text, name, group, name->text);
	else if (value->kind == POLICY_NODE_MAP)
		read_group(policy, text, value, path);
	else if (value->kind == POLICY_NODE_SCALAR && value->plain && value->text[0] == '\0')
		policy_text_error(text, name, true, "%s: holds no keys", path);
	else if (value->kind != POLICY_NODE_BROKEN)
		policy_text_error(text, value, false, "%s: is no value of its own; its keys stand below it", path);
}

static void read_group(struct policy *policy, const struct policy_text *text, const struct policy_node *map,
		       const char *group)
{
	const struct policy_node *name = policy_text_child(text, map);
	while (name != NULL) {
		const struct policy_node *value = policy_text_next(text, name);
		if (value == NULL)
			return;
		if (name->kind == POLICY_NODE_SCALAR)
			read_entry(policy, text, name, value, group);
		else if (name->kind != POLICY_NODE_BROKEN)
			policy_text_error(text, name, false, "a key is one word, not a list or a mapping");
		name = policy_text_next(text, value);
	}
}

static bool has_version(const struct policy_text *text, const struct policy_node *map)
{
	const struct policy_node *name = policy_text_child(text, map);
	while (name != NULL) {
		if (name->text != NULL && strcmp(name->text, "version") == 0)
			return true;
		const struct policy_node *value = policy_text_next(text, name);
		name = value == NULL ? NULL : policy_text_next(text, value);
	}
	return false;
}

static void read_root(struct policy *policy, const struct policy_text *text)
{
	const struct policy_node *root = policy_text_root(text);
	struct policy_node top = { .line = 1, .column = 1 };
	if (root != NULL && root->kind == POLICY_NODE_MAP) {
		read_group(policy, text, root, "");
		if (!text->cut && !has_version(text, root))
			policy_text_error(text, &top, false, "no version; write \"version: %d\" at the top",
					  POLICY_VERSION);
	} else if (root != NULL && root->kind != POLICY_NODE_BROKEN && !(root->plain && root->text[0] == '\0')) {
		policy_text_error(text, root, false, "a policy is a mapping; begin with \"version: %d\"",
				  POLICY_VERSION);
	} else if (!text->cut && (root == NULL || root->kind == POLICY_NODE_SCALAR)) {
		policy_text_error(text, &top, false, "the policy is empty; begin with \"version: %d\"", POLICY_VERSION);
	}
}

int policy_apply_text(struct policy *policy, const char *file, const char *bytes, size_t length,
		      struct policy_errors *errors)
{
	size_t first = errors->count, refusals = errors->refusals;
	policy->from_file = true;
	if (length > POLICY_TEXT_MAX) {
		policy_errors_add_file(errors, file, false, "%zu bytes; a policy has at most %d KiB", length,
				       POLICY_TEXT_MAX / 1024);
		return -1;
	}
	struct policy_text *text = policy_text_create(file, bytes, length, POLICY_NODES_MAX, errors);
	if (text == NULL) {
		policy_errors_add_file(errors, file, false, "memory is out");
		return -1;
	}
	policy_text_read(text);
	read_root(policy, text);
	policy_errors_sort(errors, first);
	policy_text_destroy(text);
	policy->incomplete = policy->incomplete || errors->refusals > refusals;
	return errors->refusals > refusals ? -1 : 0;
}

/* Lists and mappings are written as in YAML; every other value is taken as it stands. */
static bool reads_as_yaml(enum policy_key key, const char *value)
{
	enum policy_type type = policy_key_row(key).type;
	return (value[0] == '[' || value[0] == '{') &&
	       (policy_key_is_list(type) || type == POLICY_TYPE_CAPABILITIES || type == POLICY_TYPE_LISTEN ||
		type == POLICY_TYPE_PORTS);
}

static void apply_value(struct policy *policy, struct policy_text *text, const char *path)
{
	enum policy_key key = policy_key_find(path);
	struct policy_node top = { .line = 1, .column = 1 };
	bool is_variable = strncmp(path, variable_prefix, strlen(variable_prefix)) == 0;
	if (key == POLICY_KEY_COUNT && !is_variable) {
		char group[POLICY_PATH_MAX];
		const char *dot = strrchr(path, '.');
		snprintf(group, sizeof(group), "%.*s", dot == NULL ? 0 : (int)(dot - path), path);
		bool known = dot != NULL && policy_key_is_group(group);
		refuse_key(text, &top, known ? group : "", known ? dot + 1 : path);
		return;
	}
	if (!is_variable && reads_as_yaml(key, text->bytes + text->start))
		policy_text_read(text);
	else
		policy_text_take_scalar(text);
	const struct policy_node *root = policy_text_root(text);
	if (root != NULL && is_variable)
		(void)policy_value_set_variable(policy, path + strlen(variable_prefix), text, root);
	else if (root != NULL)
		(void)policy_value_set(policy, key, text, root);
}

int policy_apply_setting(struct policy *policy, const char *source, const char *setting, struct policy_errors *errors)
{
	char path[POLICY_PATH_MAX + POLICY_SHOWN_MAX], shown[POLICY_SHOWN_MAX];
	size_t refusals = errors->refusals, length = strlen(setting);
	const char *equals = strchr(setting, '=');
	if (equals == NULL || length > SETTING_BYTES_MAX || (size_t)(equals - setting) >= sizeof(path)) {
		policy_errors_add_file(errors, source, false,
				       "\"%s\" is no setting; write SECTION.KEY=VALUE, such as memory.max=512M",
				       printable_copy(shown, sizeof(shown), setting));
		return -1;
	}
	struct policy_text *text = policy_text_create(source, setting, length, SETTING_NODES_MAX, errors);
	if (text == NULL) {
		policy_errors_add_file(errors, source, false, "memory is out");
		return -1;
	}
	text->setting = true;
	text->start = (size_t)(equals - setting) + 1;
	snprintf(path, sizeof(path), "%.*s", (int)(equals - setting), setting);
	apply_value(policy, text, path);
	policy_text_destroy(text);
	policy->incomplete = policy->incomplete || errors->refusals > refusals;
	return errors->refusals > refusals ? -1 : 0;
}

/* The end of the setting that begins at `text`: the next blank outside of brackets and double quotes. */
static size_t setting_length(const char *text)
{
	int depth = 0;
	bool quoted = false;
	size_t i = 0;
	for (; text[i] != '\0'; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '[' || text[i] == '{'))
			depth++;
		else if (!quoted && (text[i] == ']' || text[i] == '}'))
			depth--;
		else if (!quoted && depth <= 0 && strchr(" \t\r\n", text[i]) != NULL)
			break;
	}
	return i;
}

int policy_apply_settings(struct policy *policy, const char *source, const char *settings, struct policy_errors *errors)
{
	int result = 0;
	for (const char *at = settings + strspn(settings, " \t\r\n"); *at != '\0'; at += strspn(at, " \t\r\n")) {
		size_t length = setting_length(at);
		cleanup_free char *setting = strndup(at, length);
		if (setting == NULL || policy_apply_setting(policy, source, setting, errors) < 0)
			result = -1;
		at += length;
	}
	return result;
}

int policy_set_command(struct policy *policy, char *const *argv, struct failure *why)
{
	cleanup(words_finish) struct words words = { 0 };
	for (size_t i = 0; argv[i] != NULL; i++)
		if (words_add(&words, argv[i], why) < 0)
			return -1;
	words_finish(&policy->service.command);
	policy->service.command = words;
	words = (struct words){ 0 };
	policy->origins[KEY_SERVICE_COMMAND] = (struct origin){ .file = "command line" };
	return 0;
}

void policy_finish_defaults(struct policy *policy)
{
	if (policy->from_file && policy->origins[KEY_SANDBOX_CAPABILITIES].file[0] == '\0' &&
	    policy->sandbox.capabilities == NULL)
		policy->sandbox.capabilities = strdup("");
}

const char *policy_syscalls(const struct policy *policy)
{
	if (policy->sandbox.syscalls != NULL)
		return policy->sandbox.syscalls;
	return policy->from_file ? "server" : "compat";
}

bool policy_filters(const struct policy *policy)
{
	return strcmp(policy_syscalls(policy), "none") != 0;
}

const char *policy_violation_name(enum violation violation)
{
	static const char *const names[] = {
		[VIOLATION_ERRNO] = "errno", [VIOLATION_KILL] = "kill", [VIOLATION_AUDIT] = "audit"
	};
	return names[violation];
}

/* Whether none of these keys stands somewhere with a value that is none. */
static bool is_read(const struct policy *policy, const enum policy_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (policy->misread[keys[i]])
			return false;
	return true;
}

static void check_memory(const struct policy *policy, struct policy_errors *errors)
{
	static const enum policy_key keys[] = { KEY_MEMORY_MAX, KEY_MEMORY_HIGH, KEY_HEAP_HEADROOM, KEY_HEAP_OLD_SPACE };
	uint64_t max = policy->memory.max_bytes;
	if (!is_read(policy, keys, ARRAY_LEN(keys)))
		return;
	if (max == SIZE_NONE && policy->heap.old_space.kind == OLD_SPACE_PERCENT && !policy->incomplete)
		policy_errors_add_key(errors, policy, KEY_HEAP_OLD_SPACE, false,
				      "heap.old_space: a percentage is of memory.max, which is not set");
	if (max == SIZE_NONE)
		return;
	if (policy->memory.high_bytes != SIZE_NONE && policy->memory.high_bytes > max)
		policy_errors_add_key(errors, policy, KEY_MEMORY_HIGH, true,
				      "memory.high: above memory.max, so it never takes effect");
	if (policy->heap.headroom_bytes >= max)
		policy_errors_add_key(errors, policy, KEY_HEAP_HEADROOM, false,
				      "heap.headroom: not below memory.max, which leaves no heap");
	if (policy->heap.old_space.kind == OLD_SPACE_BYTES && policy->heap.old_space.bytes >= max)
		policy_errors_add_key(
			errors, policy, KEY_HEAP_OLD_SPACE, false,
			"heap.old_space: not below memory.max; the kernel would kill long before V8's limit");
}

static void check_backoff(const struct policy *policy, struct policy_errors *errors)
{
	static const enum policy_key keys[] = { KEY_RESTART_BACKOFF_FROM, KEY_RESTART_BACKOFF_UP_TO };
	if (is_read(policy, keys, ARRAY_LEN(keys)) &&
	    policy->restart.backoff_from_usec > policy->restart.backoff_up_to_usec)
		policy_errors_add_key(errors, policy, KEY_RESTART_BACKOFF_FROM, false,
				      "restart.backoff.from: longer than restart.backoff.up_to");
}

static void check_heap(const struct policy *policy, struct policy_errors *errors)
{
	static const enum policy_key keys[] = { KEY_HEAP_RUNTIME, KEY_HEAP_RAISE_UP_TO };
	if (!is_read(policy, keys, ARRAY_LEN(keys)))
		return;
	if (policy->heap.at_limit == AT_LIMIT_RAISE && policy->heap.raise_up_to_bytes == SIZE_NONE && !policy->incomplete)
		policy_errors_add_key(errors, policy, KEY_HEAP_AT_LIMIT, false,
				      "heap.at_limit: raise needs heap.raise.up_to, the largest old space it may reach");
	if (policy->heap.runtime == RUNTIME_NONE && policy->origins[KEY_HEAP_OLD_SPACE].file[0] != '\0')
		policy_errors_add_key(errors, policy, KEY_HEAP_OLD_SPACE, true,
				      "heap.old_space: has no effect with heap.runtime: none");
}

/* What hangs on held sockets, or on there being none. */
static void check_sockets(const struct policy *policy, struct policy_errors *errors)
{
	static const enum policy_key keys[] = { KEY_SERVICE_LISTEN, KEY_SERVICE_SINGLETON,   KEY_READY_WHEN,  KEY_HEAP_RUNTIME,
						KEY_HEAP_HEADROOM,  KEY_HEAP_NEAR_LIMIT,     KEY_MEMORY_SPARE,
						KEY_WATCHDOG_EVENT_LOOP };
	if (!is_read(policy, keys, ARRAY_LEN(keys)) || (policy->incomplete && policy->service.listen.count == 0))
		return;
	policy_check_ready(policy, errors);
	policy_check_listen(policy, errors);
}

static void check_network(const struct policy *policy, struct policy_errors *errors)
{
	static const enum policy_key keys[] = { KEY_SERVICE_LISTEN, KEY_SANDBOX_NETWORK };
	if (is_read(policy, keys, ARRAY_LEN(keys)) && !policy->incomplete && policy->sandbox.network == NETWORK_NONE &&
	    policy->service.listen.count == 0)
		policy_errors_add_key(errors, policy, KEY_SANDBOX_NETWORK, true,
				      "sandbox.network: none without service.listen: nobody can reach the server over the network");
}

int policy_check(const struct policy *policy, struct policy_errors *errors)
{
	size_t refusals = errors->refusals;
	check_memory(policy, errors);
	check_sockets(policy, errors);
	check_network(policy, errors);
	check_backoff(policy, errors);
	check_heap(policy, errors);
	return errors->refusals > refusals ? -1 : 0;
}

bool policy_name_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = strlen(name);
	return length > 0 && length < POLICY_NAME_MAX && name[0] != '-' && strspn(name, allowed) == length;
}

void policy_name_from_directory(const char *directory, char ret_name[static POLICY_NAME_MAX])
{
	const char *slash = strrchr(directory, '/');
	const char *last = slash == NULL ? directory : slash + 1;
	size_t out = 0;
	for (; *last != '\0' && out < POLICY_NAME_MAX - 1; last++) {
		char c = *last >= 'A' && *last <= 'Z' ? (char)(*last - 'A' + 'a') : *last;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain)
			ret_name[out++] = c;
		else if (out > 0 && ret_name[out - 1] != '-')
			ret_name[out++] = '-';
	}
	while (out > 0 && ret_name[out - 1] == '-')
		out--;
	ret_name[out] = '\0';
	if (out == 0)
		snprintf(ret_name, POLICY_NAME_MAX, "service");
}
