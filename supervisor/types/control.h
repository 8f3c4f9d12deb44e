/* SPDX-License-Identifier: Apache-2.0 */
/* control: what a client may ask of a running supervisor. The reply is a JSON document or a line of text. */
#ifndef SUPERVISOR_TYPES_CONTROL_H
#define SUPERVISOR_TYPES_CONTROL_H

#include "base/base.h"

/* X(id, "name", changes something: owner and root only; the others: group heapward too). EXPLAIN's argument is "json"
 * or "", SET's is CONTROL_SET_SAVE or "", and then a newline and a setting for each. */
#define CONTROL_COMMANDS(X) \
	X(STATUS, "status", false) X(READY, "ready", false) X(OUTPUT, "output", false) X(EXPLAIN, "explain", false) X(STOP, "stop", true) \
	X(RESTART, "restart", true) X(RESET, "reset", true) X(RELOAD, "reload", true) X(DRAIN, "drain", true) \
	X(SET, "set", true)

enum control_command {
#define X(id, name, changes) CONTROL_##id,
	CONTROL_COMMANDS(X)
#undef X
	CONTROL_COMMAND_COUNT
};

#define CONTROL_SET_SAVE "save"
#define CONTROL_ARGUMENT_MAX 1024
#define CONTROL_REPLY_MAX (1024 * 1024)

struct control_request {
	enum control_command command;
	char argument[CONTROL_ARGUMENT_MAX];
};

enum control_result { CONTROL_OK, CONTROL_REFUSED, CONTROL_NOT_READY };

struct control_reply {
	enum control_result result;
	char *text;     /* owned by the reply; JSON for status, text for people otherwise */
	size_t length;
};

#endif
