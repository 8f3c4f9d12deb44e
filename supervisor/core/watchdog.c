/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog: see watchdog.h. */
#include "supervisor/core/watchdog.h"

#include "base/units.h"

#include <stdio.h>

static bool is_watched(const struct reporter *reporter)
{
	return reporter->main_isolate && !reporter->launcher && !reporter->closed && reporter->heartbeat_usec > 0;
}

struct watchdog_look watchdog_look(const struct reporter *reporters, size_t count, int64_t now_usec, int64_t allowed_usec,
				   bool was_stuck)
{
	struct watchdog_look look = { .finding = WATCHDOG_NOBODY, .silent_usec = -1, .again_usec = USEC_NEVER };
	const int64_t beat_usec = allowed_usec / 3;
	for (size_t i = 0; i < count; i++) {
		int64_t silent_usec = now_usec - reporters[i].heartbeat_usec;
		if (!is_watched(&reporters[i]) || silent_usec <= look.silent_usec)
			continue;
		look.silent_usec = silent_usec;
		look.reporter = i;
	}
	if (look.silent_usec < 0)
		return look;
	look.finding = look.silent_usec < allowed_usec				      ? WATCHDOG_TURNS
		       : !was_stuck && look.silent_usec >= allowed_usec + beat_usec ? WATCHDOG_LATE
										      : WATCHDOG_STUCK;
	look.again_usec = look.finding == WATCHDOG_TURNS  ? allowed_usec - look.silent_usec
			  : look.finding == WATCHDOG_LATE ? allowed_usec
							  : beat_usec;
	return look;
}

const char *watchdog_state_text(char state)
{
	switch (state) {
	case 'R':
		return "its main thread runs: a loop that does not end, or long work in one piece";
	case 'S':
		return "its main thread sleeps: it waits in a synchronous call";
	case 'D':
		return "its main thread waits in the kernel: a disk or network file system";
	case 'T':
		return "it is stopped (SIGSTOP, SIGTSTP)";
	case 't':
		return "it is stopped by a debugger";
	default:
		return "what it does cannot be seen";
	}
}

void watchdog_text(const struct stuck *stuck, char *text, size_t size)
{
	char silent[UNITS_TEXT_MAX], allowed[UNITS_TEXT_MAX];
	snprintf(text, size, "no heartbeat for %s from pid %d (watchdog.event_loop: %s)",
		 units_format_time(silent, stuck->silent_usec), stuck->pid,
		 units_format_time(allowed, stuck->allowed_usec));
}
