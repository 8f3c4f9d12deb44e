/* SPDX-License-Identifier: Apache-2.0 */
/* readiness: see readiness.h. */
#include "supervisor/core/readiness.h"

#include "supervisor/core/listen_address.h"

#include <stdio.h>
#include <string.h>

static bool serves(const struct readiness *seen, size_t place)
{
	return (seen->serves & (UINT32_C(1) << place)) != 0;
}

bool readiness_listens(const struct readiness *seen)
{
	for (size_t i = 0; i < seen->held->count; i++)
		if (!serves(seen, i))
			return false;
	return seen->held->count > 0;
}

static void add(char *text, size_t size, const char *before, const char *more)
{
	size_t length = strlen(text);
	snprintf(text + length, size - length, "%s%s", before, more);
}

/* Adds the held sockets that it listens on, or those that it does not; how many these are. */
static size_t add_held(const struct readiness *seen, bool that_it_serves, char *text, size_t size)
{
	size_t count = 0;
	for (size_t i = 0; i < seen->held->count; i++)
		if (serves(seen, i) == that_it_serves)
			add(text, size, count++ == 0 ? "" : ", ", seen->held->list[i].text);
	return count;
}

static void say_listening(const struct readiness *seen, char *text, size_t size)
{
	if (!seen->reports) {
		snprintf(text, size, "no Node process has reported, so nobody could say that it listens");
		return;
	}
	if (seen->serves == 0) {
		snprintf(text, size, "no record of a listener on ");
		add_held(seen, false, text, size);
		add(text, size, seen->foreign[0] == '\0' ? "" : "; it listens on ", seen->foreign);
		return;
	}
	snprintf(text, size, "listens on ");
	add_held(seen, true, text, size);
	add(text, size, "", " but not on ");
	add_held(seen, false, text, size);
}

const char *readiness_name(const struct ready_when *when, char *text, size_t size)
{
	static const char *const words[] = {
		[READY_AUTO] = "auto", [READY_LISTENING] = "listening", [READY_STARTED] = "started", [READY_NOTIFY] = "notify"
	};
	if (when->kind == READY_TCP)
		snprintf(text, size, "tcp:%u", when->port);
	else if (when->kind == READY_HTTP)
		snprintf(text, size, "http:%u%s", when->port, when->path);
	else
		snprintf(text, size, "%s", words[when->kind]);
	return text;
}

static void say_http(const struct readiness *seen, char *text, size_t size)
{
	char name[READY_PATH_MAX + 16];
	bool waits = listen_addresses_find_port(seen->held, seen->when.port) != NULL && !readiness_listens(seen);
	if (seen->answer[0] == '\0' && waits) { /* asked only once it listens */
		say_listening(seen, text, size);
		return;
	}
	snprintf(text, size, "%.100s: %s", readiness_name(&seen->when, name, sizeof(name)),
		 seen->answer[0] == '\0' ? "was not asked" : seen->answer);
}

static void say_notify(const struct readiness *seen, char *text, size_t size)
{
	if (seen->messages == 0)
		snprintf(text, size, "nothing came through NOTIFY_SOCKET");
	else
		snprintf(text, size, "%llu message%s came through NOTIFY_SOCKET, none with READY=1",
			 (unsigned long long)seen->messages, seen->messages == 1 ? "" : "s");
}

void readiness_missing(const struct readiness *seen, char *text, size_t size)
{
	switch (seen->when.kind) {
	case READY_LISTENING:
		say_listening(seen, text, size);
		return;
	case READY_TCP:
		snprintf(text, size, "tcp:%u does not accept", seen->when.port);
		return;
	case READY_NOTIFY:
		say_notify(seen, text, size);
		return;
	case READY_HTTP:
		say_http(seen, text, size);
		return;
	case READY_STARTED:
	case READY_AUTO:
	default:
		assert(false && "nothing can be missing");
	}
}
