/* SPDX-License-Identifier: Apache-2.0 */
/* ask: see ask.h. */
#include "supervisor/cli/ask.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/death.h"
#include "supervisor/core/status.h"
#include "supervisor/edge/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define SYSTEM_RUNTIME "/run/heapward" /* root's services, for members of group heapward */

bool ask_name_valid(const char *name)
{
	char shown[64];
	if (policy_name_valid(name))
		return true;
	fprintf(stderr, "heapward: \"%s\" is no name of a service: a-z, 0-9 and -, at most 32\n",
		printable_copy(shown, sizeof(shown), name));
	return false;
}

static int ask_at(const char *runtime, const char *name, const struct control_request *request,
		  struct control_reply *ret, struct failure *why)
{
	char path[STATE_DIR_PATH_MAX];
	snprintf(path, sizeof(path), "%.400s/%s/control", runtime, name);
	return control_ask(path, request, ANSWER_TIMEOUT_USEC, ret, why);
}

static bool is_known_on_disk(const struct state_roots *roots, const char *name)
{
	char path[STATE_DIR_PATH_MAX];
	snprintf(path, sizeof(path), "%.400s/%s", roots->state, name);
	return roots->state[0] != '\0' && access(path, F_OK) == 0;
}

/* Nobody is there, or nobody of ours: root's directory lets nobody else see what is in it, and a service whose state is
 * kept here is no reason to point there. */
static bool is_absent(int result, bool is_known, const struct failure *why)
{
	return result < 0 && (why->error == ENOENT || why->error == ECONNREFUSED || (is_known && why->error == EACCES));
}

int ask(const struct state_roots *roots, const char *name, enum control_command command, const char *argument,
	struct control_reply *ret, struct failure *why)
{
	struct control_request request = { .command = command };
	snprintf(request.argument, sizeof(request.argument), "%s", argument == NULL ? "" : argument);
	int result = ask_at(roots->runtime, name, &request, ret, why);
	bool absent = is_absent(result, false, why);
	if (absent && strcmp(roots->runtime, SYSTEM_RUNTIME) != 0) {
		result = ask_at(SYSTEM_RUNTIME, name, &request, ret, why);
		absent = is_absent(result, is_known_on_disk(roots, name), why);
	}
	if (!absent)
		return result;
	failed(why, 0, "no supervisor runs \"%s\" here", name);
	why->error = ENOENT; /* for the callers; the text says it better */
	return -1;
}

static char *status_on_disk(const struct state_roots *roots, const char *name)
{
	struct status status;
	struct failure ignored; /* it has not died yet */
	cleanup_free char *death = NULL, *summary = NULL;
	status_of_stopped(&status, name);
	if (state_read_death(roots, name, 1, &death, &ignored) == 0)
		summary = death_summary_of(death);
	status.last_death_json = summary;
	return status_json(&status);
}

char *ask_status(const struct state_roots *roots, const char *name, struct failure *why)
{
	struct control_reply reply = { 0 };
	if (ask(roots, name, CONTROL_STATUS, NULL, &reply, why) == 0) {
		if (reply.result == CONTROL_OK)
			return reply.text;
		failed(why, EACCES, "%s", reply.text);
		free(reply.text);
		return NULL;
	}
	if (why->error != ENOENT || !is_known_on_disk(roots, name))
		return NULL;
	return status_on_disk(roots, name);
}
