/* SPDX-License-Identifier: Apache-2.0 */
/* policy_change: see policy_change.h. */
#include "supervisor/core/policy_change.h"

#include "supervisor/core/policy_key.h"

#include <stdio.h>
#include <string.h>

static const enum policy_key of_a_worker[] = {
	KEY_SERVICE_COMMAND, KEY_SERVICE_DIRECTORY, KEY_SERVICE_ENVIRONMENT_SET, KEY_SERVICE_ENVIRONMENT_FILE,
	KEY_MEMORY_MAX, KEY_MEMORY_HIGH, KEY_MEMORY_SWAP, KEY_HEAP_RUNTIME, KEY_HEAP_OLD_SPACE, KEY_HEAP_PROCESSES,
	KEY_HEAP_HEADROOM, KEY_SANDBOX_SYSCALLS, KEY_SANDBOX_VIOLATION, KEY_SANDBOX_USER, KEY_SANDBOX_CAPABILITIES, KEY_LIMITS_TASKS,
	KEY_LIMITS_FILES, KEY_LIMITS_CPU, KEY_WATCHDOG_EVENT_LOOP,
	KEY_SERVICE_ENVIRONMENT_KEEP, KEY_SERVICE_ENVIRONMENT_DROP, KEY_SANDBOX_PROTECT_SYSTEM, KEY_SANDBOX_READ_WRITE,
	KEY_SANDBOX_READ_ONLY, KEY_SANDBOX_HIDDEN, KEY_SANDBOX_PRIVATE_TMP, KEY_SANDBOX_PRIVATE_DEV, KEY_SANDBOX_PROC,
	KEY_SANDBOX_ABSTRACT_SOCKETS,
	KEY_SANDBOX_NETWORK, KEY_SANDBOX_CONNECT, KEY_SANDBOX_BIND, KEY_LIMITS_CORE, KEY_LIMITS_LOCKED,
};

static bool same_text(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static bool same_words(const struct words *one, const struct words *other)
{
	bool same = one->count == other->count && (one->list == NULL) == (other->list == NULL);
	for (size_t i = 0; same && i < one->count; i++)
		same = strcmp(one->list[i], other->list[i]) == 0;
	return same;
}

static bool same_old_space(const struct old_space *one, const struct old_space *other)
{
	return one->kind == other->kind && one->bytes == other->bytes && one->percent == other->percent;
}

/* By the type of the key's member in struct policy. */
static bool same_value(const struct policy_key_row *row, const struct policy *before, const struct policy *after)
{
	const void *one = (const char *)before + row->offset, *other = (const char *)after + row->offset;
	if (policy_key_is_list(row->type))
		return same_words(one, other);
	if (row->type == POLICY_TYPE_PATH || row->type == POLICY_TYPE_USER || row->type == POLICY_TYPE_CAPABILITIES ||
	    row->type == POLICY_TYPE_SYSCALLS)
		return same_text(*(char *const *)one, *(char *const *)other);
	if (row->type == POLICY_TYPE_OLD_SPACE)
		return same_old_space(one, other);
	return memcmp(one, other, row->size) == 0;
}

bool policy_change_takes_worker(enum policy_key key)
{
	for (size_t i = 0; i < ARRAY_LEN(of_a_worker); i++)
		if (of_a_worker[i] == key)
			return true;
	return false;
}

size_t policy_change_for_worker(const struct policy *before, const struct policy *after, char *text, size_t size)
{
	char path[POLICY_PATH_MAX];
	size_t count = 0, length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(of_a_worker); i++) {
		struct policy_key_row row = policy_key_row(of_a_worker[i]);
		if (same_value(&row, before, after))
			continue;
		policy_key_path(of_a_worker[i], path);
		if (length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s", count > 0 ? ", " : "", path);
		count++;
	}
	return count;
}
