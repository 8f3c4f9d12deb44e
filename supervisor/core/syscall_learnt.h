/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_learnt: the system calls that a program was seen to make, as rules with counts, and those rules as the text
 * of a list. A list that is there (the base) says how closely to look: where it, or a table of ours, has conditions
 * for a call, only what was seen of the arguments becomes a rule. Knows no clock and no kernel. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_LEARNT_H
#define SUPERVISOR_CORE_SYSCALL_LEARNT_H

#include "supervisor/core/syscall_list.h"

#define SYSCALL_LEARNT_MAX SYSCALL_RULES_MAX
#define SYSCALL_LEARNT_VALUES_MAX 32 /* rules with conditions of one call: beyond them all its arguments are allowed */
#define SYSCALL_LEARNT_CLOSE_MAX 384 /* of all calls */
#define SYSCALL_LEARNT_CLOSER_MAX 8

struct syscall_learnt_call {
	struct syscall_rule rule; /* name "" until the owner has filled it in */
	uint64_t count;
	bool beyond; /* the base does not allow it */
	bool wide;   /* its arguments were too many to tell apart */
	bool held;   /* it was not let through, which was said */
};

struct syscall_learnt {
	const struct syscall_list *base; /* borrowed */
	struct syscall_learnt_call calls[SYSCALL_LEARNT_MAX];
	size_t count, close_count;
	/* 1 + index of a call's only entry, where its arguments do not matter; by number. */
	uint16_t plain[SYSCALL_NUMBER_MAX + 1];
	uint64_t total;
	uint64_t foreign;		       /* of another architecture: no list can allow them */
	uint64_t lost;			       /* of more calls than there is room for */
	uint64_t processes;		       /* made, threads not counted */
	int fork, vfork, clone;		       /* numbers */
	int closer[SYSCALL_LEARNT_CLOSER_MAX]; /* numbers of our own table; negative: there is no such call */
};

/* Nothing seen yet. `names` are those of the base. */
void syscall_learnt_init(struct syscall_learnt *learnt, const struct syscall_list *base,
			 const struct syscall_names *names);

/* What the filter is made from: only calls so hot that to see each would slow the program down, which no list is
 * without, are allowed; the others are to be seen. -1: no room in *ret (zeroed). */
int syscall_learnt_filter(const struct syscall_learnt *learnt, const struct syscall_names *names,
			  struct syscall_list *ret);

/* Counts a call. Returns its entry, whose rule's kind is how to answer it; NULL where there is no room: it is let
 * through. */
struct syscall_learnt_call *syscall_learnt_note(struct syscall_learnt *learnt, int number,
						const uint64_t arguments[static SYSCALL_ARGUMENTS]);

/* One of another architecture: to be denied. */
void syscall_learnt_note_foreign(struct syscall_learnt *learnt);

/* Of whom it was learnt; borrowed texts, which may hold anything. */
struct syscall_learnt_source {
	const char *command, *node, *kernel, *date, *base; /* node "": none; base: "server" */
	const char *file;				   /* that it is written to; NULL: not known */
	int64_t duration_usec;
	uint64_t workers;
};

/* The list, malloc'ed; NULL without memory. Every rule with its count behind it, by the base's groups. */
char *syscall_learnt_text(const struct syscall_learnt *learnt, const struct syscall_names *names,
			  const struct syscall_learnt_source *source);

/* syscall_learnt_always.c: what every program needs, at its end or when it is interrupted, seen or not. NULL behind
 * the last. */
struct syscall_learnt_always {
	const char *name;
	bool hot;
	const char *why;
};
extern const struct syscall_learnt_always syscall_learnt_always[];

/* The base allows the call whatever its arguments. */
bool syscall_learnt_is_plain(const struct syscall_learnt *learnt, int number);

#endif
