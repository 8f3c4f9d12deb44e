/* SPDX-License-Identifier: Apache-2.0 */
/* see: what heapward's JSON says, looked up by JSON pointer ("/services/0/state"). A key that is missing or of another
 * type than asked fails the test with the whole document. */
#ifndef TESTS_E2E_SEE_H
#define TESTS_E2E_SEE_H

#include <json-c/json.h>

#include "tests/e2e/harness.h"

/* Parses; the document lives until the test ends. */
struct json_object *see(struct world *world, const char *text);

struct json_object *see_status(struct world *world); /* heapward status NAME --json */
struct json_object *see_why(struct world *world);    /* heapward why NAME --json */

const char *see_text(struct json_object *document, const char *pointer);
int64_t see_number(struct json_object *document, const char *pointer);
bool see_bool(struct json_object *document, const char *pointer);

/* The key must be there; null is allowed where `or_null`. */
void see_type(struct json_object *document, const char *pointer, enum json_type type, bool or_null);

/* Asks for the status until `pointer` is the text `wanted`; fails after `seconds`. Returns that document. */
struct json_object *await_status(struct world *world, const char *pointer, const char *wanted, double seconds);
struct json_object *await_state(struct world *world, const char *state, double seconds);

/* The main process of the worker, once there is one that is not `not_this`. */
pid_t await_worker(struct world *world, pid_t not_this, double seconds);

/* True where the verdict is of this kind; `number` (exit code, signal; -1: any) is held too. */
bool verdict_is(struct json_object *why, const char *kind, int number);

/* The verdict and what bears it out before all else, then the whole document: for a message that may be cut. */
const char *told_of_death(struct world *world, struct json_object *why);

/* A file of one JSON object a line: the lines whose "event" is `name`. */
size_t count_events(struct world *world, const char *text, const char *name);

#endif
