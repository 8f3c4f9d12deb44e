/* SPDX-License-Identifier: Apache-2.0 */
/* notice: one line of the event log, for people (text) and for scripts (a JSON object a line). The names are those
 * that scripts rely on. */
#ifndef SUPERVISOR_TYPES_NOTICE_H
#define SUPERVISOR_TYPES_NOTICE_H

#include "base/base.h"

#define NOTICES(X) \
	X(START, "start") X(READY, "ready") X(HEAP_WARN, "heap.warn") X(HEAP_NEAR_LIMIT, "heap.near_limit") X(PLAN_OVERCOMMIT, "plan.overcommit") \
	X(PLAN_DIFFERS, "plan.differs") X(DEATH, "death") X(RESTART_SCHEDULED, "restart.scheduled") X(FAILED, "failed") \
	X(STOP, "stop") X(RESET, "reset") X(WARNING, "warning") X(AGENT, "agent") X(RECORDS_BAD, "records.bad") \
	X(OUTPUT_DROPPED, "output.dropped") X(MEMORY_WAIT, "memory.wait") \
	X(LIMIT_RAISE, "limit.raise") X(LIMIT_RAISE_REFUSED, "limit.raise_refused") \
	X(REPLACE_START, "replace.start") X(REPLACE_DONE, "replace.done") X(REPLACE_REFUSED, "replace.refused") \
	X(POLICY_RELOADED, "policy.reloaded") X(POLICY_REJECTED, "policy.rejected") X(CHILD_DEATH, "child.death") \
	X(LIMIT_SET, "limit.set") X(WATCHDOG, "watchdog") \
	X(SECCOMP_VIOLATION, "seccomp.violation")

enum notice_kind {
#define X(id, name) NOTICE_##id,
	NOTICES(X)
#undef X
	NOTICE_COUNT
};

#define NOTICE_FIELDS_MAX 12

/* One more field of the JSON object. Texts are borrowed for the call. */
struct notice_field {
	const char *name;
	const char *text; /* NULL: the number counts */
	const char *const *lines; /* an array of texts; NULL: none */
	size_t line_count;
	int64_t number;
	bool is_truth;    /* number is printed as true or false */
	bool is_time;     /* number is microseconds, printed as seconds; USEC_NEVER as null */
	bool is_null;     /* nothing is known: null */
};

struct notice {
	enum notice_kind kind;
	int64_t at_realtime_usec;
	const char *service;
	int instance;      /* -1: about the service */
	bool of_several;   /* people want to know which instance, too */
	int32_t pid;       /* 0: none */
	char message[512]; /* for people, without the "heapward: NAME: " in front */
	struct notice_field fields[NOTICE_FIELDS_MAX];
	size_t field_count;
};

#endif
