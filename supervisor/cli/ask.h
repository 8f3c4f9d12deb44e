/* SPDX-License-Identifier: Apache-2.0 */
/* ask: what the commands that look at services share: names, roots, and one question to a running supervisor. */
#ifndef SUPERVISOR_CLI_ASK_H
#define SUPERVISOR_CLI_ASK_H

#include "base/failure.h"
#include "supervisor/edge/state_dir.h"
#include "supervisor/types/control.h"

/* False, said on stderr, where `name` can name no service. */
bool ask_name_valid(const char *name);

/* Asks the supervisor of `name`, with an argument or NULL; reply->text is malloc'ed. Fails where none runs. */
int ask(const struct state_roots *roots, const char *name, enum control_command command, const char *argument,
	struct control_reply *ret, struct failure *why);

/* The status object of a service as JSON (malloc'ed): asked, or of a stopped one from the disk. NULL, with *why, where
 * nothing is known of it. */
char *ask_status(const struct state_roots *roots, const char *name, struct failure *why);

#endif
