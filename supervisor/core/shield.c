/* SPDX-License-Identifier: Apache-2.0 */
/* shield: see shield.h. A pidfd is denied where it is made of a number. It can also be a directory of /proc, or come from a
 * socket (SO_PEERPIDFD), which no filter sees: so signals by pidfd are denied as a whole. Who uses them (Go, some of Rust)
 * takes kill(2) where they fail. Whom the kernel tells of a descriptor by a signal is named by number (F_SETOWN) and by
 * pointers that no filter sees (F_SETOWN_EX, FIOSETOWN); which signal that is (F_SETSIG) is a number. A lease on a file holds up
 * everybody else who opens it, until its holder lets go or lease-break-time is over; a descriptor to read is enough for it. */
#include "supervisor/core/shield.h"

#include "supervisor/core/syscall_match.h"

#include <stdio.h>

enum aim { AT_PROCESS, AT_GROUP, IN_GROUP, AT_ALL, AT_VALUE };

/* ALWAYS; NOTICED: an honest program may have tried, and got an answer that it could go on from; WALLED: the
 * same, of whatever user; UNPASSED: a list may allow it, but none that is to be found out about does. */
enum manner { ALWAYS, NOTICED, WALLED, UNPASSED };

#define ANY_WAY SYSCALL_ARGUMENTS /* whatever the other arguments are */
#define WHERE(argument, value) { true, argument, value }
#define OWNER WHERE(1, 8)   /* F_SETOWN */
#define SIGNAL WHERE(1, 10) /* F_SETSIG */

static const struct row {
	const char *call;
	unsigned argument; /* its low 32 bits are compared, as the kernel reads an int */
	enum aim aim;
	uint32_t value;    /* of AT_VALUE */
	unsigned unless_0; /* not where this argument is 0: signal 0 only asks, and without new limits they are only read */
	enum manner manner;
	struct {
		bool given;
		unsigned argument;
		uint32_t value;
	} where; /* only there */
} rows[] = {
	{ "kill", 0, AT_PROCESS, 0, 1, ALWAYS, { 0 } },
	{ "kill", 0, AT_GROUP, 0, 1, ALWAYS, { 0 } },
	{ "kill", 0, AT_ALL, 0, 1, ALWAYS, { 0 } }, /* -1: everything that this user runs */
	{ "tkill", 0, AT_PROCESS, 0, 1, ALWAYS, { 0 } },
	{ "tgkill", 0, AT_PROCESS, 0, 2, ALWAYS, { 0 } },
	{ "rt_sigqueueinfo", 0, AT_PROCESS, 0, 1, ALWAYS, { 0 } },
	{ "rt_tgsigqueueinfo", 0, AT_PROCESS, 0, 2, ALWAYS, { 0 } },
	{ "pidfd_open", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "fcntl", 2, AT_PROCESS, 0, ANY_WAY, ALWAYS, OWNER },
	{ "fcntl", 2, AT_GROUP, 0, ANY_WAY, ALWAYS, OWNER },
	/* The owner can be named by pointer, too: so no signal that ends or stops a supervisor, which ignores all others. */
	{ "fcntl", 2, AT_VALUE, 9, ANY_WAY, ALWAYS, SIGNAL },  /* SIGKILL */
	{ "fcntl", 2, AT_VALUE, 19, ANY_WAY, ALWAYS, SIGNAL }, /* SIGSTOP */
	{ "fcntl", 2, AT_VALUE, 20, ANY_WAY, ALWAYS, SIGNAL }, /* SIGTSTP, SIGTTIN, SIGTTOU */
	{ "fcntl", 2, AT_VALUE, 21, ANY_WAY, ALWAYS, SIGNAL },
	{ "fcntl", 2, AT_VALUE, 22, ANY_WAY, ALWAYS, SIGNAL },
	{ "fcntl", 2, AT_VALUE, 2, ANY_WAY, ALWAYS, SIGNAL },  /* SIGINT and SIGTERM stop the service */
	{ "fcntl", 2, AT_VALUE, 15, ANY_WAY, ALWAYS, SIGNAL },
	{ "fcntl", 1, AT_VALUE, 10, ANY_WAY, NOTICED, { 0 } }, /* F_SETSIG */
	{ "fcntl", 1, AT_VALUE, 15, ANY_WAY, NOTICED, { 0 } }, /* F_SETOWN_EX */
	{ "fcntl", 1, AT_VALUE, 1024, ANY_WAY, WALLED, { 0 } }, /* F_SETLEASE */
	{ "fcntl", 1, AT_VALUE, 1040, ANY_WAY, WALLED, { 0 } }, /* F_SETDELEG, from Linux 6.19 on */
	{ "ioctl", 1, AT_VALUE, 0x8901, ANY_WAY, NOTICED, { 0 } }, /* FIOSETOWN */
	{ "ioctl", 1, AT_VALUE, 0x8902, ANY_WAY, NOTICED, { 0 } }, /* SIOCSPGRP */
	{ "prlimit64", 0, AT_PROCESS, 0, 2, ALWAYS, { 0 } }, /* RLIMIT_CPU ends it, RLIMIT_NOFILE cripples it */
	{ "sched_setscheduler", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "sched_setparam", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "sched_setattr", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "sched_setaffinity", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "setpriority", 1, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "setpriority", 1, IN_GROUP, 0, ANY_WAY, ALWAYS, WHERE(0, 1) },   /* PRIO_PGRP */
	{ "setpriority", 0, AT_VALUE, 2, ANY_WAY, NOTICED, { 0 } }, /* PRIO_USER: everything that this user runs */
	{ "ioprio_set", 1, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "ioprio_set", 1, IN_GROUP, 0, ANY_WAY, ALWAYS, WHERE(0, 2) },    /* IOPRIO_WHO_PGRP */
	{ "ioprio_set", 0, AT_VALUE, 3, ANY_WAY, NOTICED, { 0 } },  /* IOPRIO_WHO_USER */
	{ "pidfd_send_signal", 3, AT_VALUE, 0, ANY_WAY, NOTICED, { 0 } },
	{ "pidfd_send_signal", 3, AT_VALUE, 1, ANY_WAY, NOTICED, { 0 } }, /* PIDFD_SIGNAL_THREAD, and so on */
	{ "pidfd_send_signal", 3, AT_VALUE, 2, ANY_WAY, NOTICED, { 0 } },
	{ "pidfd_send_signal", 3, AT_VALUE, 4, ANY_WAY, NOTICED, { 0 } },
	{ "move_pages", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "migrate_pages", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "ptrace", 1, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "process_vm_readv", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "process_vm_writev", 0, AT_PROCESS, 0, ANY_WAY, ALWAYS, { 0 } },
	{ "ptrace", 0, AT_VALUE, 0, ANY_WAY, UNPASSED, { 0 } }, /* PTRACE_TRACEME: it would wait for its parent, the supervisor */
};

static bool has(const struct row *row, const struct shield_of *of)
{
	switch (row->manner) {
	case ALWAYS:
		return of->same_user;
	case NOTICED:
		return of->same_user && of->noticed;
	case WALLED:
		return of->noticed;
	case UNPASSED:
	default:
		return true;
	}
}

static void add_condition(struct syscall_rule *rule, unsigned argument, bool differs, uint64_t mask, uint32_t value)
{
	rule->conditions[rule->condition_count++] = (struct syscall_condition){
		.argument = (uint8_t)argument, .differs = differs, .mask = mask, .value = value
	};
}

static void add(struct shield *shield, const struct row *row, int number, uint32_t value, bool silently)
{
	assert(shield->count < SHIELD_RULES_MAX);
	struct syscall_rule *rule = &shield->rules[shield->count++];
	*rule = (struct syscall_rule){ .kind = SYSCALL_DENY, .number = number, .firm = true,
				       .optional = row->manner == UNPASSED,
				       .silent = (row->manner == NOTICED || row->manner == WALLED) && silently };
	snprintf(rule->name, sizeof(rule->name), "%s", row->call);
	add_condition(rule, row->argument, false, UINT32_MAX, value);
	if (row->where.given)
		add_condition(rule, row->where.argument, false, UINT32_MAX, row->where.value);
	if (row->unless_0 != ANY_WAY)
		add_condition(rule, row->unless_0, true, UINT64_MAX, 0);
}

/* Of the supervisor, or of the keeper. */
static void add_aimed(struct shield *shield, const struct row *row, int number, int32_t pid, int32_t group)
{
	if (row->aim == AT_PROCESS && pid > 0)
		add(shield, row, number, (uint32_t)pid, false);
	else if (row->aim == AT_GROUP && group > 0)
		add(shield, row, number, (uint32_t)-group, false);
	else if (row->aim == IN_GROUP && group > 0)
		add(shield, row, number, (uint32_t)group, false);
}

void shield_make(struct shield *ret, const struct syscall_names *names, const struct shield_of *of)
{
	ret->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		int number = names->number(names, row->call);
		if (number < 0 || !has(row, of))
			continue;
		add_aimed(ret, row, number, of->supervisor, of->group);
		add_aimed(ret, row, number, of->keeper, of->keeper);
		if (row->aim == AT_ALL || row->aim == AT_VALUE)
			add(ret, row, number, row->aim == AT_ALL ? UINT32_MAX : row->value, of->silently);
	}
}

int shield_add(struct syscall_list *list, const struct shield *shield)
{
	for (size_t i = 0; i < shield->count; i++) {
		const struct syscall_rule *rule = &shield->rules[i];
		if (rule->optional && syscall_list_allows(list, rule->number))
			continue;
		if (list->rule_count == SYSCALL_RULES_MAX)
			return -1;
		list->rules[list->rule_count++] = *rule;
	}
	return 0;
}

bool shield_holds(const struct shield *shield, int number, const uint64_t arguments[static SYSCALL_ARGUMENTS])
{
	for (size_t i = 0; i < shield->count; i++)
		if (shield->rules[i].number == number && syscall_match(&shield->rules[i], arguments))
			return true;
	return false;
}
