/* SPDX-License-Identifier: Apache-2.0 */
/* control: requests and replies of the control socket as bytes: a fixed header, then a bounded body. Pure. */
#ifndef SUPERVISOR_WIRE_CONTROL_H
#define SUPERVISOR_WIRE_CONTROL_H

#include "base/failure.h"
#include "supervisor/types/control.h"

#define CONTROL_REQUEST_BYTES_MAX (16 + CONTROL_ARGUMENT_MAX)
#define CONTROL_REPLY_HEADER_BYTES 16

size_t control_request_encode(const struct control_request *request, unsigned char *buffer, size_t size);

/* Returns the bytes consumed, 0 where more are needed, -1 where it can never become a request (known once its header,
 * or its argument, is whole). */
ssize_t control_request_decode(const unsigned char *bytes, size_t length, struct control_request *ret);

void control_reply_header_encode(enum control_result result, size_t body_length,
				 unsigned char buffer[static CONTROL_REPLY_HEADER_BYTES]);
int control_reply_header_decode(const unsigned char buffer[static CONTROL_REPLY_HEADER_BYTES],
				enum control_result *ret_result, size_t *ret_body_length, struct failure *why);

#endif
