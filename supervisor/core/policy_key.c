/* SPDX-License-Identifier: Apache-2.0 */
/* policy_key: see policy_key.h. The one place that ties a key to its member of struct policy; what a value of a type
 * may be is policy_value.c. */
#include "supervisor/core/policy_key.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MEMBER(member) { offsetof(struct policy, member), sizeof(((struct policy *)NULL)->member) }

#define BUDGET(ID) \
	[KEY_RESTART_BUDGET_##ID##_DEATHS] = MEMBER(restart.by_verdict[VERDICT_##ID].deaths), \
	[KEY_RESTART_BUDGET_##ID##_WITHIN] = MEMBER(restart.by_verdict[VERDICT_##ID].within_usec)

static const struct {
	size_t offset, size;
} members[POLICY_KEY_COUNT] = {
	[KEY_SERVICE_NAME] = MEMBER(service.name),
	[KEY_SERVICE_COMMAND] = MEMBER(service.command),
	[KEY_SERVICE_DIRECTORY] = MEMBER(service.directory),
	[KEY_SERVICE_ENVIRONMENT_SET] = MEMBER(service.environment_set),
	[KEY_SERVICE_ENVIRONMENT_KEEP] = MEMBER(service.environment_keep),
	[KEY_SERVICE_ENVIRONMENT_DROP] = MEMBER(service.environment_drop),
	[KEY_SERVICE_ENVIRONMENT_FILE] = MEMBER(service.environment_file),
	[KEY_SERVICE_LISTEN] = MEMBER(service.listen),
	[KEY_SERVICE_HOLD_FOR] = MEMBER(service.hold_for_usec),
	[KEY_SERVICE_SINGLETON] = MEMBER(service.singleton),
	[KEY_SERVICE_INSTANCES] = MEMBER(service.instances),
	[KEY_MEMORY_MAX] = MEMBER(memory.max_bytes),
	[KEY_MEMORY_HIGH] = MEMBER(memory.high_bytes),
	[KEY_MEMORY_SWAP] = MEMBER(memory.swap_bytes),
	[KEY_MEMORY_ENFORCE] = MEMBER(memory.enforce),
	[KEY_MEMORY_CHECK] = MEMBER(memory.check),
	[KEY_MEMORY_SPARE] = MEMBER(memory.spare),
	[KEY_MEMORY_REPLACE_AT] = MEMBER(memory.replace_at_percent),
	[KEY_HEAP_RUNTIME] = MEMBER(heap.runtime),
	[KEY_HEAP_OLD_SPACE] = MEMBER(heap.old_space),
	[KEY_HEAP_PROCESSES] = MEMBER(heap.processes),
	[KEY_HEAP_HEADROOM] = MEMBER(heap.headroom_bytes),
	[KEY_HEAP_NEAR_LIMIT] = MEMBER(heap.near_limit),
	[KEY_HEAP_LEAD] = MEMBER(heap.lead_usec),
	[KEY_HEAP_LIVE_MAX] = MEMBER(heap.live_max_percent),
	[KEY_HEAP_GC_TIME] = MEMBER(heap.gc_time_percent),
	[KEY_HEAP_AT_LIMIT] = MEMBER(heap.at_limit),
	[KEY_HEAP_RAISE_BY] = MEMBER(heap.raise_by),
	[KEY_HEAP_RAISE_UP_TO] = MEMBER(heap.raise_up_to_bytes),
	[KEY_RESTART_WHEN] = MEMBER(restart.when),
	[KEY_RESTART_BACKOFF_FROM] = MEMBER(restart.backoff_from_usec),
	[KEY_RESTART_BACKOFF_UP_TO] = MEMBER(restart.backoff_up_to_usec),
	[KEY_RESTART_BACKOFF_FACTOR] = MEMBER(restart.backoff_factor),
	[KEY_RESTART_BUDGET_DEATHS] = MEMBER(restart.budget_deaths),
	[KEY_RESTART_BUDGET_WITHIN] = MEMBER(restart.budget_within_usec),
	BUDGET(HEAP_LIMIT),
	BUDGET(OOM_KILL),
	BUDGET(OOM_KILL_HOST),
	BUDGET(SECCOMP),
	BUDGET(EXIT),
	BUDGET(SIGNAL),
	BUDGET(EXEC),
	BUDGET(UNKNOWN_KILL),
	BUDGET(NOT_READY),
	BUDGET(WATCHDOG),
	[KEY_RESTART_EXHAUSTED] = MEMBER(restart.exhausted),
	[KEY_RESTART_HEALTHY_AFTER] = MEMBER(restart.healthy_after_usec),
	[KEY_STOP_SIGNAL] = MEMBER(stop.signal),
	[KEY_STOP_TIMEOUT] = MEMBER(stop.timeout_usec),
	[KEY_DRAIN_TIMEOUT] = MEMBER(drain.timeout_usec),
	[KEY_READY_WHEN] = MEMBER(ready.when),
	[KEY_READY_WITHIN] = MEMBER(ready.within_usec),
	[KEY_WATCHDOG_EVENT_LOOP] = MEMBER(watchdog.event_loop_usec),
	[KEY_SANDBOX_SYSCALLS] = MEMBER(sandbox.syscalls),
	[KEY_SANDBOX_VIOLATION] = MEMBER(sandbox.violation),
	[KEY_SANDBOX_USER] = MEMBER(sandbox.user),
	[KEY_SANDBOX_CAPABILITIES] = MEMBER(sandbox.capabilities),
	[KEY_SANDBOX_PROTECT_SYSTEM] = MEMBER(sandbox.protect_system),
	[KEY_SANDBOX_READ_WRITE] = MEMBER(sandbox.read_write),
	[KEY_SANDBOX_READ_ONLY] = MEMBER(sandbox.read_only),
	[KEY_SANDBOX_HIDDEN] = MEMBER(sandbox.hidden),
	[KEY_SANDBOX_PRIVATE_TMP] = MEMBER(sandbox.private_tmp),
	[KEY_SANDBOX_PRIVATE_DEV] = MEMBER(sandbox.private_dev),
	[KEY_SANDBOX_PROC] = MEMBER(sandbox.proc),
	[KEY_SANDBOX_ABSTRACT_SOCKETS] = MEMBER(sandbox.abstract_sockets),
	[KEY_SANDBOX_NETWORK] = MEMBER(sandbox.network),
	[KEY_SANDBOX_CONNECT] = MEMBER(sandbox.connect),
	[KEY_SANDBOX_BIND] = MEMBER(sandbox.bind),
	[KEY_SANDBOX_REQUIRE] = MEMBER(sandbox.require),
	[KEY_LIMITS_TASKS] = MEMBER(limits.tasks),
	[KEY_LIMITS_FILES] = MEMBER(limits.files),
	[KEY_LIMITS_CPU] = MEMBER(limits.cpu_percent),
	[KEY_LIMITS_CORE] = MEMBER(limits.core_bytes),
	[KEY_LIMITS_LOCKED] = MEMBER(limits.locked_bytes),
	[KEY_LOG_EVENTS] = MEMBER(log.events),
};

static const struct policy_key_row rows[POLICY_KEY_COUNT] = {
#define X(id, section_, name_, type_, standard_, range_, help_) \
	[KEY_##id] = { .section = section_, .name = name_, .type = POLICY_TYPE_##type_, .standard = standard_, \
		       .range = range_, .help = help_ },
	POLICY_KEYS(X)
#undef X
};

struct policy_key_row policy_key_row(enum policy_key key)
{
	assert(key < POLICY_KEY_COUNT);
	struct policy_key_row row = rows[key];
	row.offset = members[key].offset;
	row.size = members[key].size;
	return row;
}

void policy_key_path(enum policy_key key, char ret_path[static POLICY_PATH_MAX])
{
	assert(key < POLICY_KEY_COUNT);
	snprintf(ret_path, POLICY_PATH_MAX, "%s.%s", rows[key].section, rows[key].name);
}

enum policy_key policy_key_find(const char *path)
{
	char own[POLICY_PATH_MAX];
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		policy_key_path(key, own);
		if (strcmp(own, path) == 0)
			return key;
	}
	return POLICY_KEY_COUNT;
}

/* The part of `path` behind "group.", NULL where it is not below the group. */
static const char *below(const char *path, const char *group)
{
	size_t length = strlen(group);
	if (length == 0)
		return path;
	return strncmp(path, group, length) == 0 && path[length] == '.' ? path + length + 1 : NULL;
}

bool policy_key_is_group(const char *path)
{
	char own[POLICY_PATH_MAX];
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		policy_key_path(key, own);
		if (below(own, path) != NULL)
			return true;
	}
	return false;
}

size_t policy_key_next_below(const char *group, size_t *at, char ret_name[static POLICY_PATH_MAX])
{
	while (*at < POLICY_KEY_COUNT) {
		char own[POLICY_PATH_MAX];
		policy_key_path((enum policy_key)(*at)++, own);
		const char *name = below(own, group);
		if (name == NULL)
			continue;
		size_t length = strcspn(name, ".");
		/* The keys of a group stand together in the table, so comparing with the one before is enough. */
		if (strncmp(ret_name, name, length) == 0 && ret_name[length] == '\0')
			continue;
		snprintf(ret_name, POLICY_PATH_MAX, "%.*s", (int)length, name);
		return length;
	}
	return 0;
}

bool policy_key_is_list(enum policy_type type)
{
	return type == POLICY_TYPE_WORDS || type == POLICY_TYPE_PAIRS || type == POLICY_TYPE_PATHS ||
	       type == POLICY_TYPE_VARIABLES || type == POLICY_TYPE_FEATURES;
}

const char *policy_key_next_choice(const char **choices, size_t *ret_length)
{
	const char *choice = *choices;
	if (*choice == '\0')
		return NULL;
	*ret_length = strcspn(choice, "|");
	*choices += *ret_length + (choice[*ret_length] == '|' ? 1 : 0);
	return choice;
}

bool policy_key_range(enum policy_key key, char ret_low[static 16], char ret_high[static 16])
{
	assert(key < POLICY_KEY_COUNT);
	const char *range = rows[key].range, *to = strstr(range, " to ");
	if (to == NULL)
		return false;
	snprintf(ret_low, 16, "%.*s", (int)(to - range), range);
	snprintf(ret_high, 16, "%.*s", (int)strcspn(to + 4, ","), to + 4);
	return true;
}

const char *policy_key_capability(size_t index)
{
	static const char *const names[] = {
		"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill",
		"cap_setgid", "cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service",
		"cap_net_broadcast", "cap_net_admin", "cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module",
		"cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot",
		"cap_sys_nice", "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease",
		"cap_audit_write", "cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin",
		"cap_syslog", "cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf",
		"cap_checkpoint_restore",
	};
	return index < ARRAY_LEN(names) ? names[index] : NULL;
}

int policy_key_signal(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "SIGTERM", SIGTERM }, { "SIGINT", SIGINT }, { "SIGQUIT", SIGQUIT }, { "SIGHUP", SIGHUP },
		{ "SIGUSR1", SIGUSR1 }, { "SIGUSR2", SIGUSR2 }, { "SIGKILL", SIGKILL },
	};
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (strcmp(signals[i].name, name) == 0)
			return signals[i].number;
	return 0;
}
