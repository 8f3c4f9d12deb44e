/* SPDX-License-Identifier: Apache-2.0 */
/* violation: see violation.h. */
#include "supervisor/core/violation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_COLUMNS 60 /* of a line for people, arguments included */

static struct violation_call *find(struct violations *violations, uint32_t architecture, int32_t number)
{
	for (size_t i = 0; i < violations->call_count; i++) {
		struct violation_call *call = &violations->calls[i];
		if (call->architecture == architecture && call->number == number)
			return call;
	}
	if (violations->call_count == VIOLATION_CALLS_MAX)
		return &violations->calls[VIOLATION_CALLS_MAX];
	struct violation_call *call = &violations->calls[violations->call_count++];
	*call = (struct violation_call){ .architecture = architecture, .number = number };
	return call;
}

static bool is_power_of_ten(uint64_t count)
{
	while (count > 1 && count % 10 == 0)
		count /= 10;
	return count == 1;
}

struct violation_call *violations_note(struct violations *violations, uint32_t architecture, int32_t number, bool *ret_tell)
{
	struct violation_call *call = find(violations, architecture, number);
	violations->total++;
	call->count++;
	*ret_tell = is_power_of_ten(call->count);
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

const char *violation_arguments(const struct violation_call *call, char *buffer, size_t size)
{
	size_t length = 0;
	buffer[0] = '\0';
	for (size_t i = 0; i < VIOLATION_ARGUMENTS && length < size; i++)
		length += (size_t)snprintf(buffer + length, size - length, "%s0x%" PRIx64, i == 0 ? "" : " ", call->arguments[i]);
	return buffer;
}

/* As many arguments as there is room for: a call has up to six, and what stands in the others is nothing. */
static void add_call(const struct violation_call *call, size_t room, char *buffer, size_t size)
{
	char one[24];
	size_t length = (size_t)snprintf(buffer, size, "%s(", call->name);
	for (size_t i = 0; i < VIOLATION_ARGUMENTS && length < size; i++) {
		size_t wanted = (size_t)snprintf(one, sizeof(one), "%s0x%" PRIx64, i == 0 ? "" : ", ", call->arguments[i]);
		bool last = i + 1 == VIOLATION_ARGUMENTS;
		if (length + wanted + strlen(last ? ")" : ", ...)") > room) {
			length += (size_t)snprintf(buffer + length, size - length, "%s...", i == 0 ? "" : ", ");
			break;
		}
		length += (size_t)snprintf(buffer + length, size - length, "%s", one);
	}
	if (length < size)
		snprintf(buffer + length, size - length, ")");
}

const char *violation_text(const struct violation_call *call, enum violation answer, char *buffer, size_t size)
{
	static const char *const words[] = { [VIOLATION_ERRNO] = "denied", [VIOLATION_KILL] = "killed for",
					     [VIOLATION_AUDIT] = "let through" };
	char who[48], shown[128];
	snprintf(who, sizeof(who), " by %s, pid %d", call->comm[0] == '\0' ? "a process" : call->comm, call->pid);
	if (call->count > 1) {
		snprintf(buffer, size, "%s %s: %" PRIu64 " times so far", words[answer], call->name, call->count);
		return buffer;
	}
	add_call(call, SHOWN_COLUMNS - strlen(who) - strlen(words[answer]) - 1, shown, sizeof(shown));
	snprintf(buffer, size, "%s %s%s", words[answer], shown, who);
	return buffer;
}
