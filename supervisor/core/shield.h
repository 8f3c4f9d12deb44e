/* SPDX-License-Identifier: Apache-2.0 */
/* shield: what a worker with the supervisor's own uid may not do to it and to the keeper, as rules of the worker's filter. The kernel lets
 * processes of one user signal, starve and limit each other, and hold each other up by leases on files.
 * Its rules are firm: they hold where the others are only told, too. */
#ifndef SUPERVISOR_CORE_SHIELD_H
#define SUPERVISOR_CORE_SHIELD_H

#include "supervisor/core/syscall_list.h"

#define SHIELD_RULES_MAX 128

/* Whom, as the worker would name them; the keeper is the first of a group of its own. 0: there is none. */
struct shield_of {
	int32_t supervisor, group, keeper;
	bool same_user; /* else the kernel keeps them apart; left are what it allows with a parent, and leases */
	bool noticed;   /* also what a correct program can notice, which a run without a policy must not do */
	bool silently;  /* that is answered with an errno, whatever the rest is: nobody must be killed for trying it */
};

struct shield {
	struct syscall_rule rules[SHIELD_RULES_MAX];
	size_t count;
};

/* A call that the library does not know is passed over. */
void shield_make(struct shield *ret, const struct syscall_names *names, const struct shield_of *of);

/* Adds its rules to a worker's list. -1: no room. */
int shield_add(struct syscall_list *list, const struct shield *shield);

/* True where this call is never to be let through, not even to learn or to audit. */
bool shield_holds(const struct shield *shield, int number, const uint64_t arguments[static SYSCALL_ARGUMENTS]);

#endif
