/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address: the text of one held socket's address to its parts. Pure: nothing is resolved, so names of hosts are no
 * addresses here. */
#ifndef SUPERVISOR_CORE_LISTEN_ADDRESS_H
#define SUPERVISOR_CORE_LISTEN_ADDRESS_H

#include "base/failure.h"
#include "supervisor/types/listen.h"

/* "3000" -> 3000: decimal digits without leading zeros, 1 to 65535. -1 for any other text. */
int listen_address_port(const char *text, uint16_t *ret);

/* Reads "tcp:3000", "tcp:127.0.0.1:3000", "tcp:[::1]:3000" or "unix:/run/web.sock". The failure says what is wrong with
 * the text, begins with it in quotes, and ends in how to write it where that can be guessed. */
int listen_address_parse(const char *text, struct listen_address *ret, struct failure *why);

/* True for two that a server cannot tell apart: one port, or one path. */
bool listen_address_clashes(const struct listen_address *a, const struct listen_address *b);

/* True for lists of the same addresses in the same order. */
bool listen_addresses_are_equal(const struct listen_addresses *a, const struct listen_addresses *b);

/* The held address with this port, NULL where there is none. Borrowed. */
const struct listen_address *listen_addresses_find_port(const struct listen_addresses *addresses, uint16_t port);

#endif
