/* SPDX-License-Identifier: Apache-2.0 */
/* ready_port: whether somebody accepts on a port of this machine, for ready.when: tcp:PORT. */
#ifndef SUPERVISOR_EDGE_READY_PORT_H
#define SUPERVISOR_EDGE_READY_PORT_H

#include "base/base.h"

#define READY_PORT_POLL_USEC (100 * USEC_PER_MSEC) /* between two looks at a worker that is starting */

/* True where 127.0.0.1 or ::1 accepts a connection on the port, which is closed again at once. Does not wait: on loopback
 * the answer is there when connect() returns. */
bool ready_port_accepts(uint16_t port);

#endif
