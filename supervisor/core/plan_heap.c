/* SPDX-License-Identifier: Apache-2.0 */
/* plan_heap: who decides old space, and what it comes to: the policy, a flag of the user's own, the limit, or Node.
 * The semi-space is the default of the Node at hand, reduced where the cap is small (plan_reserve.c). Both flags are set together or not at all: they also override what a program asks for its
 * own Workers (resourceLimits; measured on 18 to 26), so a run without a policy sets them only where it must. */
#include "supervisor/core/plan_reserve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/node_model.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/raise.h"

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)

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
		 "half of what Node sees, 256 MiB at least, 2048 MiB at most (from %s on: 4096 MiB)",
		 major < 22 ? "15.5 GiB" : "15 GiB");
	plan_input_bytes(planning->plan, PLAN_NODE_ALONE, "what Node sees", seen,
			 seen == planning->host->mem_total_bytes ? "MemTotal" : "limit of its own group");
}

static uint64_t semi_wish(const struct planning *planning)
{
	int major = planning->host->runtime.major;
	struct host_level ours;
	if (!planning->plan->bare)
		return node_semi_space_default(major);
	return node_semi_space_alone(major, node_memory_seen(major, planning->host, leaf_outside(planning, &ours)));
}

/* A bare run leaves a user's own limit alone, with the semi-space that Node takes beside it. */
static bool leaves_semi_alone(const struct planning *planning)
{
	const struct node_flags *flags = &planning->flags;
	return planning->plan->bare && planning->policy->heap.old_space.kind == OLD_SPACE_AUTO &&
	       (flags->old_space.given || flags->heap_size.given || flags->percent.given);
}

static uint64_t semi_of_node(const struct planning *planning)
{
	int major = planning->host->runtime.major;
	struct host_level ours;
	return node_semi_space_alone(major, node_memory_seen(major, planning->host, leaf_inside(planning, &ours)));
}

static void choose_semi(struct planning *planning, struct heap *heap, const char *node)
{
	struct plan *plan = planning->plan;
	const struct node_flag *flag = &planning->flags.semi_space;
	uint64_t wish = semi_wish(planning);
	if (planning->host->semi_space_bytes > 0) {
		heap->semi = planning->host->semi_space_bytes;
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi, "of the worker that runs; the next start plans it anew");
	} else if (flag->given) {
		heap->semi = node_semi_space_effective(flag->value);
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi, "adopted --max-semi-space-size, up to a power of two");
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "--max-semi-space-size", flag->value, flag->from);
	} else if (leaves_semi_alone(planning)) {
		heap->semi = semi_of_node(planning);
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi, "%s's own choice", node);
	} else if (heap_semi_within(wish, heap->share) == wish) {
		heap->semi = wish;
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, wish, plan->bare ? "%s's own choice" : "default of %s", node);
	} else {
		heap->semi = heap_semi_within(wish, heap->share);
		plan_set(plan, PLAN_SEMI_SPACE, UNIT_BYTES, heap->semi,
			 "default of %s, halved until 3 of them fit 1/8 of the share of one process", node);
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "default", wish, "");
		plan_input_bytes(plan, PLAN_SEMI_SPACE, "share", heap->share, "");
	}
}

static void resolve_semi(struct planning *planning, struct heap *heap)
{
	char node[32] = "Node";
	if (planning->host->runtime.major != 0)
		snprintf(node, sizeof(node), "Node %d", planning->host->runtime.major);
	choose_semi(planning, heap, node);
	heap->young = 3 * heap->semi;
	plan_set(planning->plan, PLAN_YOUNG, UNIT_BYTES, heap->young, "3 x semi-space");
	plan_input_bytes(planning->plan, PLAN_YOUNG, "semi-space", heap->semi, "");
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
	char parts[RESERVE_PARTS_MAX], shared[32] = "";
	if (planning->policy->heap.processes > 1)
		snprintf(shared, sizeof(shared), " for each of %" PRIu32 " processes", planning->policy->heap.processes);
	snprintf(text, size, "%s %s (%s) leaves %s of old space%s, less than %s: reserve %s (%s) + headroom %s",
		 planning->limit.name, BYTES(planning->limit.value), planning->limit.from, BYTES(old), shared,
		 BYTES(PLAN_OLD_SPACE_FLOOR_BYTES), BYTES(heap->reserve), heap_reserve_parts(heap, parts),
		 BYTES(heap->headroom));
	return text;
}

static void refuse_below_floor(struct planning *planning, const struct heap *heap, uint64_t old)
{
	char text[400];
	uint64_t least = heap_limit_for_floor(heap, semi_wish(planning), planning->policy->heap.processes);
	plan_refuse(planning->plan, "%s; raise %s to at least %s, or set heap.old_space%s",
		    floor_text(planning, heap, old, text, sizeof(text)), planning->limit_is_ours ? "memory.max" : "it",
		    BYTES(least), planning->runs_node ? "" : " (no Node in it: heap.runtime: none)");
}

static uint64_t auto_from_limit(struct planning *planning, struct heap *heap)
{
	char rule[96];
	uint64_t old = heap_solve(heap);
	heap_reserve_for(heap, old);
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, old, "%s", share_rule(planning, rule, sizeof(rule)));
	heap_record_parts(planning, heap);
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
	uint64_t leaves = heap_solve(heap), old = leaves;
	heap_reserve_for(heap, leaves);
	if (leaves < PLAN_OLD_SPACE_FLOOR_BYTES)
		old = bare_without_room(planning, heap, leaves);
	else if (heap->alone < leaves)
		old = heap->alone;
	if (old == heap->alone && heap->alone_inside == old)
		return node_decides(planning, "it fits the limit");
	heap_reserve_for(heap, old);
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, old, "smaller of Node alone and %s",
		 share_rule(planning, rule, sizeof(rule)));
	plan_input_bytes(planning->plan, PLAN_OLD_SPACE, "Node alone", heap->alone, "");
	heap_record_parts(planning, heap);
	return old;
}

/* Says where an old space that somebody chose does not fit. Refuses only what the policy itself asks for and what the
 * limit could not hold even without any reserve. */
static void check_fit(struct planning *planning, const struct heap *heap, uint64_t old, const char *what)
{
	uint64_t processes = planning->policy->heap.processes, limit = planning->limit.value;
	uint64_t need = processes * (old + heap->reserve + heap->headroom);
	char parts[RESERVE_PARTS_MAX];
	if (limit == SIZE_NONE || need <= limit)
		return;
	bool hopeless = old > limit / processes && !planning->plan->adopted_old_space;
	(hopeless ? plan_refuse : plan_warn)(
		planning->plan, "%s does not fit %s %s (%s): with reserve %s (%s) and headroom %s %s needs %s%s, so the "
		"kernel would kill first; lower it, or raise the limit", what, planning->limit.name, BYTES(limit),
		planning->limit.from, BYTES(heap->reserve), heap_reserve_parts(heap, parts),
		BYTES(heap->headroom), processes > 1 ? "all processes" : "it", BYTES(need), processes > 1 ? " together" : "");
}

static uint64_t percent_of(uint64_t bytes, uint64_t hundredths)
{
	return heap_round_down(bytes / 10000 * hundredths + bytes % 10000 * hundredths / 10000);
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
	heap_reserve_for(heap, old);
	snprintf(what, sizeof(what), "old space %s (%s in %s)", BYTES(old), flag->text, flag->from);
	check_fit(planning, heap, old, what);
	return old;
}

static uint64_t explicit_old(struct planning *planning, struct heap *heap)
{
	const struct old_space *wish = &planning->policy->heap.old_space;
	struct plan_input input = { .name = "heap.old_space", .unit = UNIT_BYTES, .value = heap_round_down(wish->bytes) };
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
		heap_record_parts(planning, heap);
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
	heap_reserve_for(heap, old);
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

/* What fatal heap-limit errors have taught (heap.at_limit: raise). memory.max was raised with it, so `auto` may have come
 * to as much by itself. */
static uint64_t raise_old(struct planning *planning, struct heap *heap, uint64_t old)
{
	const struct raises *raises = &planning->host->raises;
	uint64_t raised = raises_last(raises)->to_bytes;
	char what[120];
	if (planning->policy->heap.at_limit != AT_LIMIT_RAISE || planning->plan->adopted_old_space ||
	    (old < SIZE_UNKNOWN && raised <= old) || raised == 0)
		return old;
	plan_set(planning->plan, PLAN_OLD_SPACE, UNIT_BYTES, raised, "raised %zu time%s from planned", raises->count,
		 raises->count == 1 ? "" : "s");
	plan_input_bytes(planning->plan, PLAN_OLD_SPACE, "planned", old, "");
	heap_reserve_for(heap, raised);
	snprintf(what, sizeof(what), "the raised old space %s", BYTES(raised));
	check_fit(planning, heap, raised, what);
	return raised;
}

/* --max-heap-size with both others makes every Node die at its start (a V8 check): then we add nothing. */
static void write_options(struct planning *planning, const struct heap *heap, uint64_t old)
{
	const struct node_flags *flags = &planning->flags;
	struct plan *plan = planning->plan;
	char semi[48] = "", space[48] = "";
	bool full = flags->heap_size.given && (flags->old_space.given || flags->percent.given);
	if (old == 0 || (old >= SIZE_UNKNOWN && !plan->adopted_old_space))
		return; /* to V8 0 would mean its default */
	if (!plan->adopted_old_space)
		snprintf(space, sizeof(space), "--max-old-space-size=%" PRIu64, old / MIB);
	if (!flags->semi_space.given && !full && !leaves_semi_alone(planning))
		snprintf(semi, sizeof(semi), "--max-semi-space-size=%" PRIu64, heap->semi / MIB);
	snprintf(plan->node_options, sizeof(plan->node_options), "%s%s%s", space,
		 space[0] != '\0' && semi[0] != '\0' ? " " : "", semi);
}

/* A bare run leaves alone what has no Node in sight; a policy that says node means it, also behind a launcher. */
static bool manages_heap(const struct planning *planning)
{
	return planning->policy->heap.runtime == RUNTIME_NODE &&
	       (planning->runs_node || planning->host->runtime.found || !planning->plan->bare);
}

/* What earlier runs measured must not refuse a start that they themselves had: the floor comes first. */
static void cap_buffers(struct heap *heap)
{
	uint64_t fixed = PLAN_OLD_SPACE_FLOOR_BYTES + PLAN_OFF_HEAP_MIN_BYTES + heap->young + heap->headroom;
	uint64_t room = heap->share > fixed ? heap_round_down(heap->share - fixed) : 0;
	if (heap->share == SIZE_NONE || heap->buffers <= room)
		return;
	heap->buffers = room;
	heap->buffers_cut = true;
}

static void resolve_managed(struct planning *planning)
{
	struct plan *plan = planning->plan;
	struct heap heap = { .share = SIZE_NONE, .headroom = heap_round_up(planning->policy->heap.headroom_bytes),
			     .buffers = heap_round_up(planning->host->buffers_bytes) };
	if (planning->limit.value != SIZE_NONE)
		heap.share = heap_round_down(planning->limit.value / planning->policy->heap.processes);
	resolve_alone(planning, &heap);
	resolve_semi(planning, &heap);
	cap_buffers(&heap);
	uint64_t old = raise_old(planning, &heap, resolve_old(planning, &heap));
	if (old >= SIZE_UNKNOWN)
		heap_record_nothing(plan, plan->adopted_old_space ? "not known here" : "Node's own choice");
	else
		heap_record(planning, &heap, old);
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
	heap_record_nothing(plan, "not managed");
}
