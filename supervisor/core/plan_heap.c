/* SPDX-License-Identifier: Apache-2.0 */
/* plan_heap: old space and semi-space from the limit, so that through a drain at the heap limit (headroom granted,
 * overshoot included) the kernel does not kill. Shares are of one process: the limit divided by heap.processes.
 *
 * The semi-space is the default of the Node at hand, halved until the young generation (3 semi-spaces) takes no more
 * than an eighth of the share. Both flags are set together or not at all: they also override what a program asks for its
 * own Workers (resourceLimits; measured on 18 to 26), so a run without a policy sets them only where it must. */
#include "supervisor/core/plan_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/node_model.h"
#include "supervisor/core/plan.h"

#define YOUNG_PART 8 /* of the share, at most */
#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)

/* What one process gets, all in whole MiB. */
struct heap {
	uint64_t share;    /* SIZE_NONE without a limit */
	uint64_t semi, young, buffers, headroom;
	uint64_t off_heap, reserve; /* of the old space at hand */
	uint64_t alone;        /* old space that Node would choose where the user started us */
	uint64_t alone_inside; /* the same inside the worker's group, whose own limit may differ */
};

static uint64_t round_down(uint64_t bytes)
{
	return bytes / MIB * MIB;
}

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

static void reserve_for(struct heap *heap, uint64_t old)
{
	heap->off_heap = round_up(old / 4);
	if (heap->off_heap < PLAN_OFF_HEAP_MIN_BYTES)
		heap->off_heap = PLAN_OFF_HEAP_MIN_BYTES;
	heap->reserve = heap->off_heap + heap->young + heap->buffers;
}

static uint64_t semi_within(uint64_t wish, uint64_t share)
{
	uint64_t semi = node_semi_space_effective(wish);
	while (share != SIZE_NONE && semi > MIB && 3 * semi > share / YOUNG_PART)
		semi /= 2;
	return semi;
}

/* The largest old space with old + max(128 MiB, old / 4) + `taken` <= share. */
static uint64_t solve(uint64_t share, uint64_t taken)
{
	uint64_t small = taken + PLAN_OFF_HEAP_MIN_BYTES;
	if (share <= small)
		return 0;
	uint64_t old = share - small;
	if (old / 4 > PLAN_OFF_HEAP_MIN_BYTES)
		old = (share - taken) / MIB * 4 / 5 * MIB;
	return round_down(old);
}

/* The smallest limit that leaves the floor: what to raise memory.max to. */
static uint64_t limit_for_floor(const struct heap *heap, uint64_t wish, uint32_t processes)
{
	uint64_t fixed = PLAN_OLD_SPACE_FLOOR_BYTES + PLAN_OFF_HEAP_MIN_BYTES + heap->buffers + heap->headroom;
	uint64_t share = fixed;
	while (share < fixed + 3 * semi_within(wish, share))
		share += MIB;
	return share * processes;
}

/* The level whose limit Node reads where the user started us, and where the worker will run. */
static const struct host_level *leaf_outside(const struct planning *planning, struct host_level *ours)
{
	const struct host *host = planning->host;
	if (planning->policy->memory.max_bytes != SIZE_NONE) {
		*ours = (struct host_level){ .max_bytes = planning->policy->memory.max_bytes,
					     .high_bytes = planning->policy->memory.high_bytes };
		return ours;
	}
	return host->level_count > 0 ? &host->levels[0] : NULL;
}

static const struct host_level *leaf_inside(const struct planning *planning, struct host_level *ours)
{
	if (!planning->host->cgroup_writable)
		return planning->host->level_count > 0 ? &planning->host->levels[0] : NULL;
	return planning->policy->memory.max_bytes != SIZE_NONE ? leaf_outside(planning, ours) : NULL;
}

static void resolve_alone(struct planning *planning, struct heap *heap)
{
	int major = planning->host->runtime.major;
	struct host_level ours;
	uint64_t seen = node_memory_seen(major, planning->host, leaf_outside(planning, &ours));
	uint64_t inside = node_memory_seen(major, planning->host, leaf_inside(planning, &ours));
	heap->alone = node_old_space_alone(major, seen);
	heap->alone_inside = node_old_space_alone(major, inside);
	if (major == 0) {
		plan_set(planning->plan, PLAN_NODE_ALONE, UNIT_BYTES, SIZE_UNKNOWN, "version of Node unknown");
		return;
	}
	plan_set(planning->plan, PLAN_NODE_ALONE, UNIT_BYTES, heap->alone,
		 "half of what Node %d sees, at least 256 MiB, at most 2048 MiB (4096 MiB from %s on)", major,
		 major < 22 ? "15.5 GiB" : "15 GiB");
	plan_input_bytes(planning->plan, PLAN_NODE_ALONE, "what Node sees", seen,
			 seen == planning->host->mem_total_bytes ? "MemTotal" : "limit of its own group");
	snprintf(planning->plan->numbers[PLAN_NODE_ALONE].inputs[0].name, sizeof(((struct plan_input *)0)->name),
		 "what Node %d sees", major);
}

static uint64_t semi_wish(const struct planning *planning)
{
	int major = planning->host->runtime.major;
	struct host_level ours;
	if (!planning->plan->bare)
		return node_semi_space_default(major);
	return node_semi_space_alone(major, node_memory_seen(major, planning->host, leaf_outside(planning, &ours)));
}

static void resolve_semi(struct planning *planning, struct heap *heap)
{
	struct plan *plan = planning->plan;
	int major = planning->host->runtime.major;
	const struct node_flag *flag = &planning->flags.semi_space;
	uint64_t wish = semi_wish(planning);
	char node[32] = "Node";
	if (major != 0)
		snprintf(node, sizeof(node), "Node %d", major);
	heap->semi = flag->given ? node_semi_space_effective(flag->value) : semi_within(wish, heap->share);
	heap->young = 3 * heap->semi;
	if (flag->given) {
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi, "adopted --max-semi-space-size, up to a power of two");
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "--max-semi-space-size", flag->value, flag->from);
	} else if (heap->semi == wish) {
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi, "default of %s", node);
	} else {
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi,
			 "default of %s, halved until 3 of them are 1/%d of one process's share", node, YOUNG_PART);
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "default", wish, node);
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "share", heap->share, "");
	}
	plan_set(plan, PLAN_YOUNG, UNIT_BYTES, heap->young, "3 x semi-space");
	plan_input_bytes(plan, PLAN_YOUNG, "semi-space", heap->semi, "");
}

/* "young 3 x 16 + off-heap 128", in MiB. */
static const char *reserve_parts(const struct heap *heap, char *text, size_t size)
{
	int length = snprintf(text, size, "young 3 x %" PRIu64 " + off-heap %" PRIu64, heap->semi / MIB,
			      heap->off_heap / MIB);
	if (heap->buffers > 0 && length > 0 && (size_t)length < size)
		snprintf(text + length, size - (size_t)length, " + Buffers %" PRIu64, heap->buffers / MIB);
	return text;
}

static void record_reserve(struct planning *planning, const struct heap *heap, uint64_t old)
{
	struct plan *plan = planning->plan;
	plan_set(plan, PLAN_OFF_HEAP, UNIT_BYTES, heap->off_heap, "max(128 MiB, 25 %% of old space)");
	plan_input_bytes(plan, PLAN_OFF_HEAP, "old space", old, "");
	plan_set(plan, PLAN_RESERVE, UNIT_BYTES, heap->reserve, "young generation + off-heap + Buffers");
	plan_input_bytes(plan, PLAN_RESERVE, "young generation", heap->young, "");
	plan_input_bytes(plan, PLAN_RESERVE, "off-heap", heap->off_heap, "");
	plan_input_bytes(plan, PLAN_RESERVE, "Buffers", heap->buffers,
			 heap->buffers > 0 ? "measured by earlier runs" : "none measured yet");
}

/* Adds the limit, the processes that share it, reserve and headroom, as the rules of old space name them. */
static void record_parts(struct planning *planning, const struct heap *heap)
{
	struct plan *plan = planning->plan;
	struct plan_input headroom = plan->numbers[PLAN_HEADROOM].inputs[0];
	char parts[96];
	plan_input(plan, PLAN_OLD_SPACE, &planning->limit);
	if (planning->policy->heap.processes > 1) {
		struct plan_input processes = plan->numbers[PLAN_PROCESSES].inputs[0];
		snprintf(processes.name, sizeof(processes.name), "processes");
		plan_input(plan, PLAN_OLD_SPACE, &processes);
	}
	plan_input_bytes(plan, PLAN_OLD_SPACE, "reserve", heap->reserve, reserve_parts(heap, parts, sizeof(parts)));
	plan_input_bytes(plan, PLAN_OLD_SPACE, "headroom", heap->headroom, headroom.from);
}

static const char *share_rule(const struct planning *planning, char *text, size_t size)
{
	snprintf(text, size, "%s%s - reserve - headroom", planning->limit.name,
		 planning->policy->heap.processes > 1 ? " / processes" : "");
	return text;
}

/* "memory.max 160 MiB (web.yaml:3) leaves 0 MiB of old space: ..." */
static const char *floor_text(const struct planning *planning, const struct heap *heap, uint64_t old, char *text, size_t size)
{
	char parts[96], shared[32] = "";
	if (planning->policy->heap.processes > 1)
		snprintf(shared, sizeof(shared), " for each of %" PRIu32 " processes", planning->policy->heap.processes);
	snprintf(text, size, "%s %s (%s) leaves %s of old space%s, less than %s: reserve %s (%s) + headroom %s",
		 planning->limit.name, BYTES(planning->limit.value), planning->limit.from, BYTES(old), shared,
		 BYTES(PLAN_OLD_SPACE_FLOOR_BYTES), BYTES(heap->reserve), reserve_parts(heap, parts, sizeof(parts)),
		 BYTES(heap->headroom));
	return text;
}

static void refuse_below_floor(struct planning *planning, const struct heap *heap, uint64_t old)
{
	char text[400];
	uint64_t least = limit_for_floor(heap, semi_wish(planning), planning->policy->heap.processes);
	plan_refuse(planning->plan, "%s; raise %s to at least %s, or set heap.old_space%s",
		    floor_text(planning, heap, old, text, sizeof(text)), planning->limit_is_ours ? "memory.max" : "it",
		    BYTES(least), planning->runs_node ? "" : " (no Node in it: heap.runtime: none)");
}

static uint64_t auto_from_limit(struct planning *planning, struct heap *heap)
{
	char rule[96];
	uint64_t old = solve(heap->share, heap->young + heap->buffers + heap->headroom);
	reserve_for(heap, old);
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, old, "%s", share_rule(planning, rule, sizeof(rule)));
	record_parts(planning, heap);
	if (old < PLAN_OLD_SPACE_FLOOR_BYTES)
		refuse_below_floor(planning, heap, old);
	return old;
}

static uint64_t node_decides(struct planning *planning, const char *why)
{
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, SIZE_UNKNOWN, "Node's own choice: %s", why);
	return SIZE_UNKNOWN;
}

static uint64_t bare_without_room(struct planning *planning, const struct heap *heap, uint64_t leaves)
{
	char text[400];
	plan_warn(planning->plan, "%s; without a policy Node's own choice (%s) is kept, and the kernel may kill first",
		  floor_text(planning, heap, leaves, text, sizeof(text)), BYTES(heap->alone));
	return heap->alone;
}

/* The bare run: never above what Node would have chosen, and no flag at all where Node chooses the same by itself. */
static uint64_t auto_bare(struct planning *planning, struct heap *heap)
{
	char rule[96];
	uint64_t leaves = solve(heap->share, heap->young + heap->buffers + heap->headroom), old = leaves;
	reserve_for(heap, leaves);
	if (leaves < PLAN_OLD_SPACE_FLOOR_BYTES)
		old = bare_without_room(planning, heap, leaves);
	else if (heap->alone < leaves)
		old = heap->alone;
	if (old == heap->alone && heap->alone_inside == old)
		return node_decides(planning, "it fits the limit");
	reserve_for(heap, old);
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, old, "smaller of Node alone and %s",
		 share_rule(planning, rule, sizeof(rule)));
	plan_input_bytes(planning->plan, PLAN_OLD_SPACE, "Node alone", heap->alone, "");
	record_parts(planning, heap);
	return old;
}

/* Says where an old space that somebody chose does not fit. Refuses only what the policy itself asks for and what the
 * limit could not hold even without any reserve. */
static void check_fit(struct planning *planning, const struct heap *heap, uint64_t old, const char *what)
{
	uint64_t processes = planning->policy->heap.processes, limit = planning->limit.value;
	uint64_t need = processes * (old + heap->reserve + heap->headroom);
	char parts[96];
	if (limit == SIZE_NONE || need <= limit)
		return;
	bool hopeless = old > limit / processes && !planning->plan->adopted_old_space;
	(hopeless ? plan_refuse : plan_warn)(
		planning->plan, "%s does not fit %s %s (%s): with reserve %s (%s) and headroom %s %s needs %s%s, so the "
		"kernel would kill first; lower it, or raise the limit", what, planning->limit.name, BYTES(limit),
		planning->limit.from, BYTES(heap->reserve), reserve_parts(heap, parts, sizeof(parts)),
		BYTES(heap->headroom), processes > 1 ? "all processes" : "it", BYTES(need), processes > 1 ? " together" : "");
}

static uint64_t percent_of(uint64_t bytes, uint64_t hundredths)
{
	return round_down(bytes / 10000 * hundredths + bytes % 10000 * hundredths / 10000);
}

/* The user's flag that decides old space, and what it comes to: a percentage beats both others, in any order. */
static const struct node_flag *deciding_flag(const struct planning *planning, const struct heap *heap, uint64_t *ret_old)
{
	const struct node_flags *flags = &planning->flags;
	struct host_level ours;
	if (flags->percent.given) {
		uint64_t seen = node_memory_seen(planning->host->runtime.major, planning->host,
						 leaf_inside(planning, &ours));
		*ret_old = seen < SIZE_UNKNOWN ? percent_of(seen, flags->percent.value) : SIZE_UNKNOWN;
		return &flags->percent;
	}
	if (flags->old_space.given) {
		*ret_old = flags->old_space.value;
		return &flags->old_space;
	}
	if (flags->heap_size.given) {
		*ret_old = flags->heap_size.value > heap->young ? flags->heap_size.value - heap->young : 0;
		return &flags->heap_size;
	}
	return NULL;
}

static uint64_t adopt(struct planning *planning, struct heap *heap, const struct node_flag *flag, uint64_t old)
{
	char what[160];
	planning->plan->adopted_old_space = true;
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, old, "adopted %s (%s)", flag->text, flag->from);
	if (old == SIZE_UNKNOWN)
		return old;
	reserve_for(heap, old);
	snprintf(what, sizeof(what), "old space %s (%s in %s)", BYTES(old), flag->text, flag->from);
	check_fit(planning, heap, old, what);
	return old;
}

static uint64_t explicit_old(struct planning *planning, struct heap *heap)
{
	const struct old_space *wish = &planning->policy->heap.old_space;
	struct plan_input input = { .name = "heap.old_space", .unit = UNIT_BYTES, .value = round_down(wish->bytes) };
	plan_key_origin(planning->policy, KEY_HEAP_OLD_SPACE, input.from, sizeof(input.from));
	if (wish->kind == OLD_SPACE_PERCENT && heap->share == SIZE_NONE) {
		plan_refuse(planning->plan, "heap.old_space %" PRIu32 "%% of memory.max (%s): there is no memory.max; set "
			    "one, or give old_space a size", wish->percent, input.from);
		return node_decides(planning, "no limit to take a percentage of");
	}
	if (wish->kind == OLD_SPACE_PERCENT)
		input.value = percent_of(heap->share, (uint64_t)wish->percent * 100);
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, input.value, "heap.old_space");
	if (wish->kind == OLD_SPACE_PERCENT) {
		plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, input.value, "heap.old_space %" PRIu32 " %% of %s%s",
			 wish->percent, planning->limit.name, planning->policy->heap.processes > 1 ? " / processes" : "");
		record_parts(planning, heap);
	} else {
		plan_input(planning->plan, PLAN_OLD_SPACE, &input);
	}
	return input.value;
}

static uint64_t explicit_checked(struct planning *planning, struct heap *heap, const struct node_flag *flag,
				 uint64_t flag_old)
{
	char from[160], what[240];
	uint64_t old = explicit_old(planning, heap);
	if (old == SIZE_UNKNOWN)
		return old;
	reserve_for(heap, old);
	plan_key_origin(planning->policy, KEY_HEAP_OLD_SPACE, from, sizeof(from));
	snprintf(what, sizeof(what), "heap.old_space %s (%s)", BYTES(old), from);
	check_fit(planning, heap, old, what);
	if (flag != NULL && flag_old != old)
		plan_refuse(planning->plan, "%s contradicts %s (%s); remove one of them, or set heap.old_space: auto to "
			    "adopt the flag", what, flag->text, flag->from);
	else if (flag != NULL)
		planning->plan->adopted_old_space = true; /* the same number, once */
	return old;
}

static uint64_t resolve_old(struct planning *planning, struct heap *heap)
{
	uint64_t flag_old = 0;
	const struct node_flag *flag = deciding_flag(planning, heap, &flag_old);
	if (planning->policy->heap.old_space.kind != OLD_SPACE_AUTO)
		return explicit_checked(planning, heap, flag, flag_old);
	if (flag != NULL)
		return adopt(planning, heap, flag, flag_old);
	if (heap->share == SIZE_NONE)
		return node_decides(planning, "nothing limits it");
	return planning->plan->bare ? auto_bare(planning, heap) : auto_from_limit(planning, heap);
}

/* --max-heap-size with both others makes every Node die at its start (a V8 check): then we add nothing. */
static void write_options(struct planning *planning, const struct heap *heap, uint64_t old)
{
	const struct node_flags *flags = &planning->flags;
	struct plan *plan = planning->plan;
	char semi[48] = "", space[48] = "";
	bool full = flags->heap_size.given && (flags->old_space.given || flags->percent.given);
	if (old >= SIZE_UNKNOWN && !plan->adopted_old_space)
		return;
	if (!plan->adopted_old_space)
		snprintf(space, sizeof(space), "--max-old-space-size=%" PRIu64, old / MIB);
	if (!flags->semi_space.given && !full)
		snprintf(semi, sizeof(semi), "--max-semi-space-size=%" PRIu64, heap->semi / MIB);
	snprintf(plan->node_options, sizeof(plan->node_options), "%s%s%s", space,
		 space[0] != '\0' && semi[0] != '\0' ? " " : "", semi);
}

static void record_heap_size_limit(struct planning *planning, const struct heap *heap, uint64_t old)
{
	struct plan *plan = planning->plan;
	const struct node_flags *flags = &planning->flags;
	if (flags->heap_size.given && (flags->old_space.given || flags->percent.given)) {
		plan_set(plan, PLAN_HEAP_SIZE_LIMIT, UNIT_BYTES, SIZE_UNKNOWN, "V8's own sum of --max-heap-size and more");
		return;
	}
	plan_set(plan, PLAN_HEAP_SIZE_LIMIT, UNIT_BYTES, old + heap->young, "old space + 3 x semi-space");
	plan_input_bytes(plan, PLAN_HEAP_SIZE_LIMIT, "old space", old, "");
	plan_input_bytes(plan, PLAN_HEAP_SIZE_LIMIT, "semi-space", heap->semi, "");
}

static void record_nothing(struct plan *plan, const char *rule)
{
	static const enum plan_number_id ids[] = { PLAN_SEMI_SPACE, PLAN_YOUNG, PLAN_OFF_HEAP, PLAN_RESERVE,
						   PLAN_HEAP_SIZE_LIMIT };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		plan_set(plan, ids[i], UNIT_BYTES, SIZE_UNKNOWN, "%s", rule);
}

/* A bare run leaves alone what has no Node in sight; a policy that says node means it, also behind a launcher. */
static bool manages_heap(const struct planning *planning)
{
	return planning->policy->heap.runtime == RUNTIME_NODE &&
	       (planning->runs_node || planning->host->runtime.found || !planning->plan->bare);
}

static void resolve_managed(struct planning *planning)
{
	struct plan *plan = planning->plan;
	struct heap heap = { .share = SIZE_NONE, .headroom = round_up(planning->policy->heap.headroom_bytes),
			     .buffers = round_up(planning->host->buffers_bytes) };
	if (planning->limit.value != SIZE_NONE)
		heap.share = round_down(planning->limit.value / planning->policy->heap.processes);
	resolve_alone(planning, &heap);
	resolve_semi(planning, &heap);
	uint64_t old = resolve_old(planning, &heap);
	if (old >= SIZE_UNKNOWN) {
		record_nothing(plan, plan->adopted_old_space ? "not known here" : "Node's own choice");
	} else {
		record_reserve(planning, &heap, old);
		record_heap_size_limit(planning, &heap, old);
	}
	write_options(planning, &heap, old);
}

void plan_heap_resolve(struct planning *planning)
{
	struct plan *plan = planning->plan;
	const struct policy *policy = planning->policy;
	plan_set_key(planning, PLAN_HEADROOM, UNIT_BYTES, policy->heap.headroom_bytes, KEY_HEAP_HEADROOM);
	plan_set_key(planning, PLAN_PROCESSES, UNIT_COUNT, policy->heap.processes, KEY_HEAP_PROCESSES);
	plan->manages_heap = manages_heap(planning);
	if (plan->manages_heap) {
		resolve_managed(planning);
		return;
	}
	const char *why = policy->heap.runtime == RUNTIME_NONE ? "heap.runtime: none" : "no Node found";
	plan_set(plan, PLAN_NODE_ALONE, UNIT_BYTES, SIZE_UNKNOWN, "%s", why);
	plan_set(plan, PLAN_OLD_SPACE, UNIT_BYTES, SIZE_UNKNOWN, "not managed: %s", why);
	record_nothing(plan, "not managed");
}
