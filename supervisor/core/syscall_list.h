/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_list: the text of a list of system calls (policies/syscalls/, or a user's own) to rules. One rule a line:
 *   include NAME               another list's rules, too
 *   NAME [CONDITION and ...]   allowed; with conditions only where all of them hold
 *   deny NAME [CONDITION ...]  denied, whatever else allows it
 *   absent NAME                answered as by a kernel that does not have it (ENOSYS), in silence
 * NAME? is passed over where library or architecture has no such call; #NUMBER stands for a call without a name. A
 * CONDITION is ARGUMENT == VALUE, ARGUMENT != VALUE or ARGUMENT & MASK == VALUE; argN is the whole register, intN its low 32 bits, which
 * is what the kernel reads of an int. What no rule allows is denied. A comment behind an empty line is the title of the group of
 * rules below it. Every error of a text is found in one run. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_LIST_H
#define SUPERVISOR_CORE_SYSCALL_LIST_H

#include "supervisor/core/policy_error.h"
#include "supervisor/core/suggest.h"

#define SYSCALL_TEXT_MAX (128 * 1024) /* bytes of one list */
#define SYSCALL_RULES_MAX 1024        /* with those of its includes: a filter has an end */
#define SYSCALL_INCLUDES_MAX 16
#define SYSCALL_NAME_MAX 32           /* with the closing NUL */
#define SYSCALL_ARGUMENTS 6
#define SYSCALL_NUMBER_MAX 0xfff      /* of #NUMBER */
#define SYSCALL_X32 0x40000000        /* numbers from here on: of the x32 ABI, under the same architecture */
#define SYSCALL_GROUPS_MAX 96
#define SYSCALL_TITLE_MAX 76          /* with the closing NUL */

enum syscall_rule_kind { SYSCALL_ALLOW, SYSCALL_DENY, SYSCALL_ABSENT };

/* (argument & mask) == value, or != where it `differs`; value has no bit outside of mask. */
struct syscall_condition {
	uint8_t argument;
	bool differs;
	uint64_t mask, value;
};

struct syscall_rule {
	enum syscall_rule_kind kind;
	char name[SYSCALL_NAME_MAX]; /* "#462" where it was written so */
	int number;                  /* on the architecture that the names are of */
	struct syscall_condition conditions[SYSCALL_ARGUMENTS];
	size_t condition_count;
	bool optional;  /* "NAME?" */
	bool firm;      /* what is denied is never let through, not even to audit it (core/shield.c) */
	bool silent;    /* denied with EPERM, and not told */
	uint16_t group; /* 1 + index of the group that it stands in, 0: none */
};

/* Rules that stand together: what is read later (an include) is the more general, and comes first where groups are shown. */
struct syscall_group {
	char title[SYSCALL_TITLE_MAX];
	uint16_t text; /* which of the texts that were read it stands in, from 0 */
};

struct syscall_include {
	char name[128];
	struct origin origin; /* where it is asked for; origin.file may be cut, `from` is not */
	const char *from;     /* borrowed: the `file` that was given with the text */
};

struct syscall_list {
	struct syscall_rule rules[SYSCALL_RULES_MAX];
	size_t rule_count;
	struct syscall_include includes[SYSCALL_INCLUDES_MAX]; /* each name once; who reads the files reads them in turn */
	size_t include_count;
	struct syscall_group groups[SYSCALL_GROUPS_MAX];
	size_t group_count, text_count;
};

#define SYSCALL_UNKNOWN (-1)   /* no architecture has it, as far as the library knows */
#define SYSCALL_ELSEWHERE (-2) /* only other architectures have it */

/* The names of one architecture's calls, as the library has them: asked, so that this room needs no library. */
struct syscall_names {
	int (*number)(const struct syscall_names *names, const char *name); /* or one of the two above */
	void (*offer)(const struct syscall_names *names, struct suggest *suggest); /* every name */
	uint32_t architecture; /* AUDIT_ARCH_* */
};

/* Adds the rules and includes of a text. `file` names it in errors. Returns 0, or -1 with every error in `errors`. */
int syscall_list_read(struct syscall_list *list, const char *file, const char *text, size_t length,
		      const struct syscall_names *names, struct policy_errors *errors);

/* True where the call is allowed with some arguments at least. */
bool syscall_list_allows(const struct syscall_list *list, int number);

/* syscall_words.c: the value of a constant's name ("AF_UNIX"); false where there is none, which `suggest` then may know. */
bool syscall_word_find(const char *name, uint64_t *ret_value);
void syscall_words_offer(struct suggest *suggest);

/* The name that a value has as `argument` of a call, for which only names that begin so are meant ("AF_" for socket's first);
 * NULL: it has none. syscall_words_flags: the call's argument is a set of bits, of which each may have a name. */
const char *syscall_word_of(const char *call, unsigned argument, uint64_t value);
bool syscall_words_flags(const char *call, unsigned argument);

#endif
