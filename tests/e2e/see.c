/* SPDX-License-Identifier: Apache-2.0 */
/* see: see.h. */
#include "tests/e2e/see.h"
#include "tests/e2e/harness_internal.h"

static void release(void *document)
{
	json_object_put(document);
}

struct json_object *see(struct world *world, const char *text)
{
	struct json_object *document = json_tokener_parse(text);
	if (document == NULL)
		fail_msg("this is not JSON:\n%s", text);
	world_keep_with(world, document, release);
	return document;
}

struct json_object *see_status(struct world *world)
{
	return see(world, heapward_says(world, 0, "status", world->name, "--json", NULL));
}

struct json_object *see_why(struct world *world)
{
	return see(world, heapward_says(world, 0, "why", world->name, "--json", NULL));
}

static struct json_object *at(struct json_object *document, const char *pointer)
{
	struct json_object *found = NULL;
	if (json_pointer_get(document, pointer, &found) != 0)
		fail_msg("%s is not in:\n%s", pointer, json_object_to_json_string(document));
	return found;
}

void see_type(struct json_object *document, const char *pointer, enum json_type type, bool or_null)
{
	struct json_object *found = at(document, pointer);
	if (json_object_get_type(found) == type || (or_null && found == NULL))
		return;
	fail_msg("%s is %s, not %s, in:\n%s", pointer, json_type_to_name(json_object_get_type(found)),
		 json_type_to_name(type), json_object_to_json_string(document));
}

const char *see_text(struct json_object *document, const char *pointer)
{
	see_type(document, pointer, json_type_string, false);
	return json_object_get_string(at(document, pointer));
}

int64_t see_number(struct json_object *document, const char *pointer)
{
	struct json_object *found = at(document, pointer);
	if (json_object_get_type(found) == json_type_double)
		return (int64_t)json_object_get_double(found);
	see_type(document, pointer, json_type_int, false);
	return json_object_get_int64(found);
}

bool see_bool(struct json_object *document, const char *pointer)
{
	see_type(document, pointer, json_type_boolean, false);
	return json_object_get_boolean(at(document, pointer));
}

/* The status, or NULL while there is no supervisor to ask. Its document is released by the caller. */
static struct json_object *ask_status(struct world *world)
{
	size_t keeps = world->keep_count;
	const char *text = heapward_says(world, -1, "status", world->name, "--json", NULL);
	struct json_object *document = json_tokener_parse(text);
	world_release(world, keeps);
	return document;
}

struct json_object *await_status(struct world *world, const char *pointer, const char *wanted, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	for (;;) {
		struct json_object *document = ask_status(world), *found = NULL;
		bool there = document != NULL && json_pointer_get(document, pointer, &found) == 0;
		if (there && found != NULL && strcmp(json_object_get_string(found), wanted) == 0) {
			world_keep_with(world, document, release);
			return document;
		}
		if (now_usec() > deadline_usec)
			fail_msg("%s has not become \"%s\" after %.1f s:\n%s", pointer, wanted, seconds,
				 document != NULL ? json_object_to_json_string(document) : "(no status)");
		json_object_put(document);
		pause_msec(50);
	}
}

struct json_object *await_state(struct world *world, const char *state, double seconds)
{
	return await_status(world, "/services/0/state", state, seconds);
}

pid_t await_worker(struct world *world, pid_t not_this, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	for (;;) {
		struct json_object *document = ask_status(world), *found = NULL;
		if (document != NULL)
			json_pointer_get(document, "/services/0/instances/0/pid", &found);
		pid_t pid = (pid_t)json_object_get_int(found);
		json_object_put(document);
		if (pid > 0 && pid != not_this)
			return pid;
		if (now_usec() > deadline_usec)
			fail_msg("there is no new worker after %.1f s", seconds);
		pause_msec(50);
	}
}

bool verdict_is(struct json_object *why, const char *kind, int number)
{
	const char *verdict = see_text(why, "/verdict");
	size_t length = strlen(kind);
	if (strncmp(verdict, kind, length) != 0 || (verdict[length] != '\0' && verdict[length] != ' '))
		return false;
	if (number < 0)
		return true;
	if (verdict[length] == ' ')
		return strtol(verdict + length, NULL, 10) == number;
	return see_number(why, "/number") == number;
}

const char *told_of_death(struct world *world, struct json_object *why)
{
	const char *evidence = world_print(world, "%s", json_object_to_json_string(at(why, "/evidence")));
	return world_print(world, "%s, %s: \"%s\"; evidence %s\n%s", see_text(why, "/verdict"),
			   see_bool(why, "/certain") ? "certain" : "not certain", see_text(why, "/text"), evidence,
			   json_object_to_json_string(why));
}

size_t count_events(struct world *world, const char *text, const char *name)
{
	size_t count = 0;
	char *copy = world_print(world, "%s", text);
	for (char *line; (line = strsep(&copy, "\n")) != NULL;) {
		struct json_object *document = *line == '{' ? json_tokener_parse(line) : NULL, *event = NULL;
		if (document != NULL && json_object_object_get_ex(document, "event", &event))
			count += strcmp(json_object_get_string(event), name) == 0 ? 1 : 0;
		json_object_put(document);
	}
	return count;
}
