/* SPDX-License-Identifier: Apache-2.0 */
/* violation: see violation.h. The words are violation_text.c. */
#include "supervisor/core/violation.h"

#include <stdio.h>

static struct violation_call *find(struct violations *violations, enum violation_sort sort, int32_t number)
{
	for (size_t i = 0; i < violations->call_count; i++) {
		struct violation_call *call = &violations->calls[i];
		if (call->sort == sort && (sort != VIOLATION_NAMED || call->number == number))
			return call;
	}
	if (violations->call_count == VIOLATION_CALLS_MAX)
		return &violations->calls[VIOLATION_CALLS_MAX];
	struct violation_call *call = &violations->calls[violations->call_count++];
	*call = (struct violation_call){ .sort = sort, .number = number };
	return call;
}

static void name_together(struct violation_call *call, enum violation_sort sort)
{
	static const char *const names[] = {
		[VIOLATION_NAMED] = "other calls",
		[VIOLATION_NAMELESS] = "calls without a name",
		[VIOLATION_X32] = "x32 calls",
		[VIOLATION_FOREIGN] = "calls of other architectures",
	};
	snprintf(call->name, sizeof(call->name), "%s", names[sort]);
}

static bool is_power_of_ten(uint64_t count)
{
	while (count > 1 && count % 10 == 0)
		count /= 10;
	return count == 1;
}

struct violation_call *violations_note(struct violations *violations, enum violation_sort sort, int32_t number, bool *ret_tell)
{
	struct violation_call *call = find(violations, sort, number);
	if (call == &violations->calls[VIOLATION_CALLS_MAX])
		name_together(call, VIOLATION_NAMED);
	else if (call->number != number)
		name_together(call, sort);
	violations->total++;
	call->count++;
	*ret_tell = is_power_of_ten(call->count);
	if (*ret_tell)
		call->number = number;
	return call;
}

void violations_told(struct violation_call *call)
{
	call->told = call->count;
}

struct violation_call *violations_untold(struct violations *violations)
{
	for (size_t i = 0; i <= VIOLATION_CALLS_MAX; i++)
		if (violations->calls[i].count > violations->calls[i].told)
			return &violations->calls[i];
	return NULL;
}

/* Every answer is worth a while; who has used up the burst waits until some are paid for. */
int64_t violations_pace(struct violations *violations, int64_t now_usec)
{
	if (violations->free_usec < now_usec)
		violations->free_usec = now_usec;
	violations->free_usec += VIOLATION_ANSWER_USEC;
	bool in_burst = violations->free_usec - now_usec < (int64_t)VIOLATION_BURST * VIOLATION_ANSWER_USEC;
	return in_burst ? 0 : now_usec + VIOLATION_PAUSE_USEC;
}
