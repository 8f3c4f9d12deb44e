/* SPDX-License-Identifier: Apache-2.0 */
/* agent: the module that Node loads into every isolate of the service. It sends heap records from inside V8's own
 * collection callbacks, so they arrive even while the event loop is stuck, and grants the planned headroom at the
 * limit. It runs no JavaScript after its start, prints nothing, and never stops the program that it is a guest of. For
 * the other files it does what JavaScript cannot: duplicate a descriptor, send a record, change V8's limit. */
#include "child/agent/limit.h"
#include "child/agent/node_api.h"
#include "child/record/variable.h"
#include "heapward/record_sender.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

/* A busy server scavenges hundreds of times a second. Each record costs both sides a system call and the supervisor a
 * wake-up, and a scavenge says little about the live heap: one record stands for all scavenges of this time. Full
 * collections are rare, and the last one before a death is the evidence: each has its own record. */
#define YOUNG_RECORD_INTERVAL_USEC (100 * USEC_PER_MSEC)

/* V8's numbers move a little between JavaScript's call and ours. */
#define NUMBERS_TOLERANCE_BYTES ((double)MIB)
#define NUMBERS_TOLERANCE_SHARE 0.25

#define ARGUMENT_TEXT_MAX 4096

/* What agent.cjs passes, in this order. */
enum { ARGUMENT_VARIABLE, ARGUMENT_VERSION, ARGUMENT_SCRIPT, ARGUMENT_MAIN_THREAD, ARGUMENT_SNAPSHOT, ARGUMENT_LIMIT,
       ARGUMENT_TOTAL, ARGUMENT_USED, ARGUMENT_MALLOCED, ARGUMENT_COUNT };

struct start {
	char variable[VARIABLE_TEXT_MAX], version[32], script[ARGUMENT_TEXT_MAX];
	bool main_thread, snapshot_at_limit;
	double limit, total, used, malloced; /* bytes, as JavaScript is told */
};

/* One isolate's agent. The main isolate's lives as long as the process, a Worker's until its environment ends. */
struct agent {
	struct v8 v8;
	struct v8_isolate *isolate;
	struct heapward_record_sender *sender;
	int64_t collection_began_usec, last_record_usec;
	struct heapward_record_gc pending; /* collections since the last record */
	struct limit limit;
};

static int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static void on_gc_prologue(struct v8_isolate *isolate UNUSED, int type UNUSED, int flags UNUSED, void *data)
{
	struct agent *agent = data;
	agent->collection_began_usec = now_usec();
}

static void on_gc_epilogue(struct v8_isolate *isolate, int type, int flags UNUSED, void *data)
{
	struct agent *agent = data;
	int64_t now = now_usec();
	bool full = type == V8_MARK_SWEEP_COMPACT;
	agent->pending.collection = full ? HEAPWARD_COLLECTION_FULL : HEAPWARD_COLLECTION_YOUNG;
	agent->pending.collections++;
	agent->pending.pause_usec += (uint64_t)(now - agent->collection_began_usec);
	if (!full && now - agent->last_record_usec < YOUNG_RECORD_INTERVAL_USEC)
		return;
	v8_read_heap(&agent->v8, isolate, &agent->pending.heap);
	heapward_record_send_gc(agent->sender, &agent->pending);
	memset(&agent->pending, 0, sizeof(agent->pending));
	agent->last_record_usec = now;
	if (full)
		limit_collected(&agent->limit);
}

/* exit() runs this, abort() and signals do not: that is what a bye says. Open connections, locks and the heap may be
 * half gone by now; it only writes. */
static void on_process_exit(int status, void *data)
{
	struct agent *agent = data;
	heapward_record_send_bye(agent->sender, HEAPWARD_LEAVING_EXIT, status);
}

static void on_worker_exit(void *data)
{
	struct agent *agent = data;
	agent->v8.remove_gc_prologue(agent->isolate, on_gc_prologue, agent);
	agent->v8.remove_gc_epilogue(agent->isolate, on_gc_epilogue, agent);
	heapward_record_send_bye(agent->sender, HEAPWARD_LEAVING_THREAD, 0);
	heapward_record_close(agent->sender);
	free(agent);
}

static bool is_launcher(const char *script)
{
	static const char *const names[] = { "npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "corepack" };
	static const char *const ends[] = { "", ".js", ".cjs", ".mjs", "-cli.js" };
	const char *slash = strrchr(script, '/');
	const char *base = slash == NULL ? script : slash + 1;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t length = strlen(names[i]);
		if (strncmp(base, names[i], length) != 0)
			continue;
		for (size_t j = 0; j < ARRAY_LEN(ends); j++) {
			if (strcmp(base + length, ends[j]) == 0)
				return true;
		}
	}
	/* .yarn/releases/yarn-4.5.0.cjs */
	return strncmp(base, "yarn-", 5) == 0 && strstr(base, ".cjs") != NULL;
}

static bool is_near(uint64_t read, double told)
{
	double distance = (double)read > told ? (double)read - told : told - (double)read;
	return distance <= NUMBERS_TOLERANCE_BYTES + told * NUMBERS_TOLERANCE_SHARE;
}

/* The layout of v8::HeapStatistics is V8's own affair: it counts as known only where four fields agree. */
static bool numbers_agree(const struct heapward_record_heap *heap, const struct start *start)
{
	return (double)heap->limit_bytes == start->limit && is_near(heap->total_bytes, start->total) &&
	       is_near(heap->used_bytes, start->used) && is_near(heap->malloced_bytes, start->malloced) &&
	       heap->used_bytes <= heap->total_bytes;
}

static int read_text(struct napi_env__ *env, struct napi_value__ *value, char *text, size_t size)
{
	size_t length;
	return napi_get_value_string_utf8(env, value, text, size, &length);
}

static int read_start(struct napi_env__ *env, struct napi_callback_info__ *info, struct start *ret)
{
	struct napi_value__ *arguments[ARGUMENT_COUNT];
	size_t count = ARGUMENT_COUNT;
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != 0 || count != ARGUMENT_COUNT)
		return -1;
	if (read_text(env, arguments[ARGUMENT_VARIABLE], ret->variable, sizeof(ret->variable)) != 0 ||
	    read_text(env, arguments[ARGUMENT_VERSION], ret->version, sizeof(ret->version)) != 0 ||
	    read_text(env, arguments[ARGUMENT_SCRIPT], ret->script, sizeof(ret->script)) != 0 ||
	    napi_get_value_bool(env, arguments[ARGUMENT_MAIN_THREAD], &ret->main_thread) != 0 ||
	    napi_get_value_bool(env, arguments[ARGUMENT_SNAPSHOT], &ret->snapshot_at_limit) != 0)
		return -1;
	if (napi_get_value_double(env, arguments[ARGUMENT_LIMIT], &ret->limit) != 0 ||
	    napi_get_value_double(env, arguments[ARGUMENT_TOTAL], &ret->total) != 0 ||
	    napi_get_value_double(env, arguments[ARGUMENT_USED], &ret->used) != 0 ||
	    napi_get_value_double(env, arguments[ARGUMENT_MALLOCED], &ret->malloced) != 0)
		return -1;
	return 0;
}

/* Finds V8 and holds it against what JavaScript was told; fills the hello with the limits in effect or the problem. */
static void examine(struct agent *agent, const struct start *start, struct heapward_record_identity *identity)
{
	struct heapward_record_heap heap;
	identity->problem = HEAPWARD_PROBLEM_SYMBOL;
	if (v8_find(&agent->v8) < 0)
		return;
	identity->problem = HEAPWARD_PROBLEM_NUMBERS;
	agent->isolate = agent->v8.current_isolate();
	v8_read_heap(&agent->v8, agent->isolate, &heap);
	if (!numbers_agree(&heap, start))
		return;
	identity->source = HEAPWARD_SOURCE_AGENT;
	identity->problem = HEAPWARD_PROBLEM_NONE;
	if (start->main_thread && start->snapshot_at_limit)
		identity->problem = HEAPWARD_PROBLEM_SNAPSHOT;
	identity->isolate = (uint64_t)(uintptr_t)agent->isolate;
	identity->heap_size_limit_bytes = heap.limit_bytes;
	identity->available_bytes = heap.available_bytes;
}

/* V8 calls only the callback that was registered last. In a Worker, Node's own contains the Worker's death, and ours
 * would turn it into the death of the process; with --heapsnapshot-near-heap-limit, Node's own is the user's wish. */
static bool wants_near_limit(const struct start *start)
{
	return start->main_thread && !start->snapshot_at_limit;
}

static void watch(struct agent *agent, const struct start *start)
{
	const int types = V8_SCAVENGE | V8_MINOR_MARK_SWEEP | V8_MARK_SWEEP_COMPACT;
	agent->v8.add_gc_prologue(agent->isolate, on_gc_prologue, agent, types);
	agent->v8.add_gc_epilogue(agent->isolate, on_gc_epilogue, agent, types);
	agent->limit = (struct limit){ .v8 = &agent->v8, .isolate = agent->isolate, .sender = agent->sender };
	if (wants_near_limit(start))
		limit_watch(&agent->limit);
}

/* process.exit() skips Node's cleanup hooks in the main thread, and a Worker's end is no exit(): each has its own. */
static int say_bye_at_exit(struct napi_env__ *env, struct agent *agent, const struct start *start)
{
	if (start->main_thread)
		return on_exit(on_process_exit, agent);
	return napi_add_env_cleanup_hook(env, on_worker_exit, agent);
}

static unsigned flags_of(const struct start *start)
{
	if (!start->main_thread)
		return 0;
	return HEAPWARD_MAIN_ISOLATE | (is_launcher(start->script) ? HEAPWARD_LAUNCHER : HEAPWARD_TAKES_COMMANDS);
}

/* Returns the problem because of which nothing will be reported from here; NONE: all is well, or nobody listens. */
static enum heapward_record_problem agent_start(struct napi_env__ *env, const struct start *start)
{
	struct heapward_record_identity identity = { .runtime = "node", .version = start->version };
	struct agent *agent = calloc(1, sizeof(*agent));
	if (agent == NULL)
		return HEAPWARD_PROBLEM_NONE;
	identity.flags = flags_of(start);
	examine(agent, start, &identity);
	if (identity.source == HEAPWARD_SOURCE_NONE) {
		free(agent);
		return identity.problem;
	}
	agent->sender = heapward_record_open_with(start->variable, &identity);
	if (agent->sender == NULL) {
		free(agent);
		return HEAPWARD_PROBLEM_NONE;
	}
	napi_set_instance_data(env, agent, NULL, NULL);
	if (say_bye_at_exit(env, agent, start) == 0)
		watch(agent, start);
	return HEAPWARD_PROBLEM_NONE;
}

/* Answers agent.cjs with the problem's number, so that it can go on without V8. */
static struct napi_value__ *on_start(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct start start;
	struct napi_value__ *answer = NULL;
	uint32_t problem = HEAPWARD_PROBLEM_NUMBERS;
	if (read_start(env, info, &start) == 0)
		problem = agent_start(env, &start);
	return napi_create_uint32(env, problem, &answer) == 0 ? answer : NULL;
}

/* This environment's agent, NULL where it has none. */
static struct agent *agent_of(struct napi_env__ *env)
{
	void *agent = NULL;
	return napi_get_instance_data(env, &agent) != 0 ? NULL : agent;
}

static struct heapward_record_sender *sender_of(struct napi_env__ *env)
{
	struct agent *agent = agent_of(env);
	return agent == NULL ? NULL : agent->sender;
}

static struct napi_value__ *number(struct napi_env__ *env, int32_t value)
{
	struct napi_value__ *answer = NULL;
	return napi_create_int32(env, value, &answer) == 0 ? answer : NULL;
}

/* duplicate(fd): another descriptor of the same socket, -1 where there can be none. */
static struct napi_value__ *on_duplicate(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *argument;
	size_t count = 1;
	uint32_t fd;
	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != 0 ||
	    napi_get_value_uint32(env, argument, &fd) != 0 || fd > INT32_MAX)
		return number(env, -1);
	return number(env, fcntl((int)fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

/* commands(): the descriptor that commands come from, -1 where there are none. */
static struct napi_value__ *on_commands(struct napi_env__ *env, struct napi_callback_info__ *info UNUSED)
{
	return number(env, heapward_record_commands_fd(sender_of(env)));
}

/* limit(bytes): the old space that the supervisor asks for; of the main isolate, which takes the commands. */
static struct napi_value__ *on_limit(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct agent *agent = agent_of(env);
	struct napi_value__ *argument;
	size_t count = 1;
	double bytes;
	if (agent != NULL && agent->limit.v8 != NULL && napi_get_cb_info(env, info, &count, &argument, NULL, NULL) == 0 &&
	    napi_get_value_double(env, argument, &bytes) == 0 && bytes >= 0 && bytes <= (double)INT64_MAX / 2)
		limit_ask(&agent->limit, (uint64_t)bytes);
	return NULL;
}

/* listening(held, port, name), as in the record. */
static struct napi_value__ *on_listening(struct napi_env__ *env, struct napi_callback_info__ *info)
{
	struct napi_value__ *arguments[3];
	size_t count = ARRAY_LEN(arguments);
	struct heapward_record_listening listening = { 0 };
	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) == 0 &&
	    napi_get_value_uint32(env, arguments[0], &listening.held) == 0 &&
	    napi_get_value_uint32(env, arguments[1], &listening.port) == 0 &&
	    read_text(env, arguments[2], listening.name, sizeof(listening.name)) == 0)
		heapward_record_send_listening(sender_of(env), &listening);
	return NULL;
}

/* heartbeat(): the event loop turns. */
static struct napi_value__ *on_heartbeat(struct napi_env__ *env, struct napi_callback_info__ *info UNUSED)
{
	heapward_record_send_heartbeat(sender_of(env));
	return NULL;
}

/* drained(): no connection is open on a held socket. */
static struct napi_value__ *on_drained(struct napi_env__ *env, struct napi_callback_info__ *info UNUSED)
{
	heapward_record_send_drained(sender_of(env));
	return NULL;
}

__attribute__((visibility("default")))
struct napi_value__ *napi_register_module_v1(struct napi_env__ *env, struct napi_value__ *exports)
{
	static const struct {
		const char *name;
		struct napi_value__ *(*callback)(struct napi_env__ *, struct napi_callback_info__ *);
	} rows[] = {
		{ "start", on_start },         { "duplicate", on_duplicate }, { "commands", on_commands },
		{ "listening", on_listening }, { "drained", on_drained },     { "limit", on_limit },
		{ "heartbeat", on_heartbeat },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct napi_value__ *function;
		if (napi_create_function(env, NULL, 0, rows[i].callback, NULL, &function) != 0 ||
		    napi_set_named_property(env, exports, rows[i].name, function) != 0)
			break;
	}
	return exports;
}
