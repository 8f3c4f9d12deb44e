/* SPDX-License-Identifier: Apache-2.0 */
/* violation: what a worker's denied calls come to: one entry a call with a count, told the first time and then at every
 * power of ten, so that a loop costs a few lines; and how many answers a second it gets, so that it costs the supervisor
 * little time. Knows numbers; names are the caller's to fill in. Pure. */
#ifndef SUPERVISOR_CORE_VIOLATION_H
#define SUPERVISOR_CORE_VIOLATION_H

#include "base/base.h"
#include "supervisor/core/syscall_list.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/violation.h"

#define VIOLATION_NUMBERS 512   /* of calls; what is newer is in no list by name */
#define VIOLATION_DENIES_MAX 16 /* rules with "deny" that are kept; one beyond them is not told from a missing one */

enum violation_says { VIOLATION_ALLOWED = 1, VIOLATION_ALLOWED_WITH_SOME = 2 };

/* What a list says of the calls that its filter denies. */
struct violation_list {
	char name[64];                   /* as the policy has it, maybe cut; "": not known */
	uint8_t says[VIOLATION_NUMBERS]; /* enum violation_says, by the call's number */
	struct syscall_rule denies[VIOLATION_DENIES_MAX];
	size_t deny_count;
};

#define VIOLATION_BURST 100         /* answers that may come at once */
#define VIOLATION_ANSWER_USEC 1000  /* between two of them in the long run */
#define VIOLATION_PAUSE_USEC 20000  /* the shortest pause: a wake-up each, not one an answer */

/* Counts a call. Returns its entry, with a name where it stands for several; *ret_tell: it is time to tell it, which the caller then
 * does (violations_told). */
struct violation_call *violations_note(struct violations *violations, enum violation_sort sort, int32_t number, bool *ret_tell);
void violations_told(struct violation_call *call);

/* Entries whose count has grown since they were told: the last word, when the worker has ended. NULL behind the last. */
struct violation_call *violations_untold(struct violations *violations);

/* An answer is given now. Returns 0 where the next one may follow at once, else the time until which callers have to wait. */
int64_t violations_pace(struct violations *violations, int64_t now_usec);

/* From a list as it was read, with nothing added by heapward; `name` is as the policy has it. */
void violation_list_note(struct violation_list *ret, const char *name, const struct syscall_list *list);

/* "mount(0x7ffd..., ...)", in at most `room` columns: arguments by name where they have one. */
const char *violation_call(const struct violation_call *call, size_t room, char *buffer, size_t size);

/* One line for people: "denied keyctl(KEYCTL_REVOKE, 0x7, ...) by node, pid 7: not in the list server; if it is needed: ...". The
 * first time; later how often. A list without a name: nothing is known of it. */
const char *violation_text(const struct violation_call *call, enum violation answer, const struct violation_list *list,
			   char *buffer, size_t size);

/* "0x10 0x0 ..." */
const char *violation_arguments(const struct violation_call *call, char *buffer, size_t size);

#endif
