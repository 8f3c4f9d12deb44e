/* SPDX-License-Identifier: Apache-2.0 */
/* story: a service's life told line by line: an event, and the actions that it must bring. Shared by the scenarios. */
#ifndef TESTS_SCENARIO_STORY_H
#define TESTS_SCENARIO_STORY_H

#include "tests/unit/unit.h"
#include "tests/unit/decide_unit.h"

#define MSEC USEC_PER_MSEC

struct story {
	struct service_state state;
	struct decision decision;
	int64_t now_usec;
	unsigned line; /* events so far */
};

static inline void begin(struct story *story, const struct rules *rules)
{
	service_state_init(&story->state, rules);
	story->now_usec = 7 * SEC;
	story->line = 0;
}

static inline void hears(struct story *story, const struct event *event, const char *actions)
{
	char text[DECISION_TEXT_MAX];
	decide(&story->state, event, story->now_usec, &story->decision);
	story->line++;
	if (strcmp(decision_text(&story->state, &story->decision, text), actions) != 0)
		fail_msg("line %u: \"%s\" and not \"%s\"", story->line, text, actions);
}

/* START, STOP, RESTART, RESET: what happens, and the actions. */
#define slot(story, event, actions) slot_hears(story, SLOT_EVENT_##event, actions)
/* LAUNCHED, READY, EXITED ... of one worker. */
#define worker(story, id, event, actions) worker_hears(story, id, WORKER_EVENT_##event, actions)

static inline void slot_hears(struct story *story, enum slot_event kind, const char *actions)
{
	struct event event = event_of_slot(kind);
	hears(story, &event, actions);
}

static inline void worker_hears(struct story *story, uint32_t id, enum worker_event kind, const char *actions)
{
	struct event event = event_of_worker(kind, id, NULL);
	hears(story, &event, actions);
}

static inline void gone(struct story *story, uint32_t id, const struct verdict *verdict, const char *actions)
{
	struct event event = event_of_worker(WORKER_EVENT_GONE, id, verdict);
	hears(story, &event, actions);
}

static inline void passes(struct story *story, int64_t usec)
{
	struct event event;
	story->now_usec += usec;
	if (service_state_deadline(&story->state, &event) <= story->now_usec)
		fail_msg("line %u: a deadline lies within this time", story->line);
}

/* The next deadline is exactly `usec` away, and passes. */
static inline void deadline(struct story *story, int64_t usec, const char *actions)
{
	struct event event;
	int64_t next_usec = service_state_deadline(&story->state, &event);
	if (next_usec != story->now_usec + usec)
		fail_msg("line %u: the next deadline is in %lld us", story->line,
			 (long long)(next_usec - story->now_usec));
	story->now_usec = next_usec;
	hears(story, &event, actions);
}

static inline void is(const struct story *story, const char *name)
{
	assert_string_equal(service_state_name(&story->state), name);
}

static inline void no_deadline(const struct story *story)
{
	struct event event;
	assert_int_equal(service_state_deadline(&story->state, &event), USEC_NEVER);
}

static inline void starts(struct story *story, uint32_t id)
{
	worker(story, id, LAUNCHED, "");
	passes(story, 2 * SEC);
	worker(story, id, READY, "(ready)");
	is(story, "ready");
}

static inline void crashes(struct story *story, uint32_t id, const char *actions)
{
	char kill[32];
	snprintf(kill, sizeof(kill), "kill %u", id);
	worker(story, id, EXITED, kill);
	gone(story, id, &verdict_crash, actions);
}

/* With held sockets. */

/* A service with held sockets, whose first worker serves. */
static inline void serves_by(struct story *story, const struct rules *rules)
{
	begin(story, rules);
	slot(story, START, "listen, launch 1");
	starts(story, 1);
}

static inline void serves(struct story *story)
{
	struct rules rules = listening_rules();
	serves_by(story, &rules);
}

/* The edge looks, and there is room for a second worker. */
static inline void room(struct story *story, const char *actions)
{
	assert_int_equal(story->state.slots[0].state, SLOT_REPLACING);
	slot(story, SPARE_ROOM, actions);
}

static inline void no_room(struct story *story, const char *why, const char *actions)
{
	struct event event = { .slot_event = SLOT_EVENT_SPARE_NO_ROOM, .text = why };
	hears(story, &event, actions);
}

/* The spare becomes ready and takes over; `relieved` begins to drain. */
static inline void takes_over(struct story *story, uint32_t id, uint32_t relieved)
{
	char actions[64];
	snprintf(actions, sizeof(actions), "(ready), drain %u", relieved);
	worker(story, id, LAUNCHED, "");
	passes(story, 1 * SEC);
	worker(story, id, READY, actions);
	assert_int_equal(story->state.slots[0].current.id, id);
	assert_int_equal(story->state.slots[0].spare.id, relieved);
}

static inline void leaves(struct story *story, uint32_t id, const char *actions)
{
	char kill[32];
	snprintf(kill, sizeof(kill), "kill %u", id);
	worker(story, id, EXITED, kill);
	gone(story, id, &verdict_replaced, actions);
}

static inline void is_replacing(const struct story *story)
{
	is(story, "replacing");
	assert_true(service_state_is_ready(&story->state)); /* somebody serves all the time */
}

static inline const char *told(const struct story *story, size_t action)
{
	assert_true(action < story->decision.action_count);
	return story->decision.actions[action].text;
}

#endif
