/* SPDX-License-Identifier: Apache-2.0 */
/* shield: see shield.h. A pidfd is denied where it is made of a number. It can also be a directory of /proc, which no filter sees: so
 * signals by pidfd are denied as a whole. Who uses them (Go, some of Rust) takes kill(2) where they fail. */
#include "supervisor/core/shield.h"

enum aim { AT_PROCESS, AT_GROUP, AT_ALL, AT_VALUE };

#define ANY_WAY SYSCALL_ARGUMENTS /* whatever the other arguments are */

static const struct row {
	const char *call;
	unsigned argument; /* its low 32 bits are compared, as the kernel reads an int */
	enum aim aim;
	uint32_t value;    /* of AT_VALUE */
	unsigned unless_0; /* not where this argument is 0: signal 0 only asks, and without new limits they are only read */
	bool noticed;      /* an honest program may have tried, and got an answer that it could go on from */
} rows[] = {
	{ "kill", 0, AT_PROCESS, 0, 1, false },
	{ "kill", 0, AT_GROUP, 0, 1, false },
	{ "kill", 0, AT_ALL, 0, 1, false }, /* -1: everything that this user runs */
	{ "tkill", 0, AT_PROCESS, 0, 1, false },
	{ "tgkill", 0, AT_PROCESS, 0, 2, false },
	{ "rt_sigqueueinfo", 0, AT_PROCESS, 0, 1, false },
	{ "rt_tgsigqueueinfo", 0, AT_PROCESS, 0, 2, false },
	{ "pidfd_open", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "fcntl", 1, AT_VALUE, 10, ANY_WAY, true }, /* F_SETSIG: a signal of its choice to whom F_SETOWN names, by pointer too */
	{ "prlimit64", 0, AT_PROCESS, 0, 2, false }, /* RLIMIT_CPU ends it, RLIMIT_NOFILE cripples it */
	{ "sched_setscheduler", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "sched_setparam", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "sched_setattr", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "sched_setaffinity", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "setpriority", 1, AT_PROCESS, 0, ANY_WAY, false },
	{ "setpriority", 0, AT_VALUE, 2, ANY_WAY, true }, /* PRIO_USER: everything that this user runs */
	{ "ioprio_set", 1, AT_PROCESS, 0, ANY_WAY, false },
	{ "pidfd_send_signal", 3, AT_VALUE, 0, ANY_WAY, true },
	{ "pidfd_send_signal", 3, AT_VALUE, 1, ANY_WAY, true }, /* PIDFD_SIGNAL_THREAD, and so on */
	{ "pidfd_send_signal", 3, AT_VALUE, 2, ANY_WAY, true },
	{ "pidfd_send_signal", 3, AT_VALUE, 4, ANY_WAY, true },
	{ "move_pages", 0, AT_PROCESS, 0, ANY_WAY, false },
	{ "migrate_pages", 0, AT_PROCESS, 0, ANY_WAY, false },
};

static uint32_t value_of(const struct row *row, int32_t pid, int32_t group)
{
	switch (row->aim) {
	case AT_PROCESS:
		return (uint32_t)pid;
	case AT_GROUP:
		return (uint32_t)-group;
	case AT_ALL:
		return UINT32_MAX;
	case AT_VALUE:
	default:
		return row->value;
	}
}

static void add_unless(struct syscall_rule *rule, unsigned argument)
{
	rule->conditions[rule->condition_count++] =
		(struct syscall_condition){ .argument = (uint8_t)argument, .differs = true, .mask = UINT64_MAX };
}

int shield_add(struct syscall_list *list, const struct syscall_names *names, int32_t pid, int32_t group, bool noticed)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		int number = names->number(names, row->call);
		if (number < 0 || (row->noticed && !noticed))
			continue;
		if (syscall_list_deny(list, row->call, number, row->argument, value_of(row, pid, group)) < 0)
			return -1;
		if (row->unless_0 != ANY_WAY)
			add_unless(&list->rules[list->rule_count - 1], row->unless_0);
	}
	return 0;
}
