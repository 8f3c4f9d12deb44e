/* SPDX-License-Identifier: Apache-2.0 */
/* verdict_status: what a verdict means to those who go on: `run`, which exits with it, and the restart policy. */
#include "supervisor/core/verdict.h"

#include <errno.h>
#include <string.h>

int verdict_exit_status(const struct verdict *verdict)
{
	switch (verdict->kind) {
	case VERDICT_STOPPED:
	case VERDICT_REPLACED:
		return 0;
	case VERDICT_EXEC:
		return verdict->number == ENOENT && strcmp(verdict->subject, "exec") == 0 ? 127 : 126;
	case VERDICT_HEAP_LIMIT:
	case VERDICT_OOM_KILL:
	case VERDICT_OOM_KILL_HOST:
	case VERDICT_SECCOMP:
	case VERDICT_EXIT:
	case VERDICT_SIGNAL:
	case VERDICT_UNKNOWN_KILL:
	case VERDICT_NOT_READY:
	case VERDICT_WATCHDOG:
	case VERDICT_COUNT:
	default:
		return verdict->exit_status;
	}
}

bool verdict_is_failure(const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_STOPPED || verdict->kind == VERDICT_REPLACED)
		return false;
	return verdict->kind != VERDICT_EXIT || verdict->number != 0;
}
