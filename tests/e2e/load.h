/* SPDX-License-Identifier: Apache-2.0 */
/* load: servers behind held sockets, and the open-loop load on them (tests/load). A request counts as failed where it is
 * refused, reset, not answered in 2 s, or answered with another status or body than asked for. */
#ifndef TESTS_E2E_LOAD_H
#define TESTS_E2E_LOAD_H

#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#define LOAD_BODY "all is well\n" /* what leak-server.js answers */

/* A port that nobody has now. */
int free_port(void);

/* A connection to it, -1 with errno. */
int connect_to(int port);

/* The path of the load. */
const char *load_program(void);

/* 200 requests a second for `seconds` on "tcp:PORT" or "unix:PATH", or another rate of them until load_end; and its figures
 * once it has ended. */
struct program *load_start(struct world *world, const char *target, int seconds);
struct program *load_start_at(struct world *world, const char *target, int rate);
struct json_object *load_finish(struct world *world, struct program *load, double seconds);
struct json_object *load_end(struct world *world, struct program *load);

/* Fails with figures and events where a request has failed. */
void assert_none_failed(struct world *world, const struct program *run, struct json_object *load);

/* Runs a server that has `listen` held, with these settings, split at spaces; serve() waits until it is ready. */
struct program *serve_start(struct world *world, const char *listen, const char *settings, const char *const *server);
struct program *serve(struct world *world, const char *listen, const char *settings, const char *const *server);

/* leak-server.js, which keeps so much of each request; `kind` is its other words, split at spaces. */
struct program *serve_leak(struct world *world, const char *listen, const char *settings, const char *kib);
struct program *serve_leak_of(struct world *world, const char *listen, const char *settings, const char *kib,
			      const char *kind);

/* `heapward stop`; run must exit 0. */
void serve_stop(struct world *world, struct program *run);

/* Ends by `replaced` so far; and waiting for them. */
int64_t replaced(struct world *world);
void await_replaced(struct world *world, int64_t wanted, double seconds);

#endif
