/* SPDX-License-Identifier: Apache-2.0 */
/* heap: see heap.h. The collector calls back with its lock held, so that only its unsafe functions may be called. */
#include "child/worker/heap.h"
#include "heapward/record_sender.h"

#define GC_THREADS /* for the unsafe functions */
#include <gc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define YOUNG_SEMI_SPACES 3 /* V8's heap size limit is old space + this many semi-spaces */

/* The collector has no argument for its callbacks. */
static struct {
	struct heapward_record_sender *sender;
	uint64_t old_space_bytes, limit_bytes;
	bool granted;
	struct timespec collection_began;
	uint64_t pause_usec;
} heap;

static uint64_t option_mib(const char *name)
{
	const char *options = getenv("NODE_OPTIONS"), *found = NULL;
	for (const char *at = options; at != NULL && (at = strstr(at, name)) != NULL; at++)
		found = at; /* the last one counts, as with V8 */
	return found == NULL ? 0 : strtoull(found + strlen(name), NULL, 10) * MIB;
}

static void measure(struct heapward_record_heap *ret)
{
	struct GC_prof_stats_s stats = { 0 };
	GC_get_prof_stats_unsafe(&stats, sizeof(stats));
	uint64_t used = stats.heapsize_full - stats.free_bytes_full - stats.unmapped_bytes;
	*ret = (struct heapward_record_heap){
		.used_bytes = used,
		.total_bytes = stats.heapsize_full - stats.unmapped_bytes,
		.limit_bytes = heap.limit_bytes,
		.available_bytes = heap.limit_bytes > used ? heap.limit_bytes - used : 0,
	};
}

static void collection_happened(GC_EventType event)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (event == GC_EVENT_START)
		heap.collection_began = now;
	if (event != GC_EVENT_END)
		return;
	struct heapward_record_gc gc = { .collection = HEAPWARD_COLLECTION_FULL, .collections = 1 };
	gc.pause_usec = (uint64_t)((now.tv_sec - heap.collection_began.tv_sec) * USEC_PER_SEC +
				   (now.tv_nsec - heap.collection_began.tv_nsec) / 1000);
	measure(&gc.heap);
	heapward_record_send_gc(heap.sender, &gc);
}

void heap_print_fatal_lines(void)
{
	fputs("\n<--- Last few GCs --->\n\n\n<--- JS stacktrace --->\n\n"
	      "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n",
	      stderr);
}

static uint64_t send_near_limit(uint64_t grant_bytes)
{
	struct heapward_record_near_limit near_limit = { .old_space_bytes = heap.old_space_bytes,
							 .granted_bytes = grant_bytes };
	measure(&near_limit.heap);
	heapward_record_send_near_limit(heap.sender, &near_limit);
	return grant_bytes;
}

/* The collector's last resort. Headroom is granted once; then it is the end, as V8 makes it. */
static void *limit_reached(size_t bytes)
{
	uint64_t headroom = heap.granted ? 0 : heapward_record_headroom_bytes(heap.sender);
	heap.limit_bytes += send_near_limit(headroom);
	heap.granted = true;
	if (headroom > 0) {
		GC_set_max_heap_size((GC_word)(heap.old_space_bytes + headroom));
		return GC_MALLOC(bytes);
	}
	heap_print_fatal_lines();
	abort();
}

static void ignore_warning(char *message UNUSED, GC_word argument UNUSED)
{
}

void heap_init(void)
{
	uint64_t old_space = option_mib("--max-old-space-size="), semi_space = option_mib("--max-semi-space-size=");
	heap.old_space_bytes = old_space > 0 ? old_space : HEAP_OLD_SPACE_DEFAULT_BYTES;
	heap.limit_bytes = heap.old_space_bytes + YOUNG_SEMI_SPACES * semi_space;
	GC_INIT();
	GC_set_warn_proc(ignore_warning);
	GC_set_max_heap_size((GC_word)heap.old_space_bytes);
	GC_set_oom_fn(limit_reached);
	GC_set_on_collection_event(collection_happened);
	struct heapward_record_identity identity = {
		.runtime = "heapward-worker",
		.version = HEAPWARD_VERSION,
		.isolate = 1,
		.flags = HEAPWARD_MAIN_ISOLATE,
		.source = HEAPWARD_SOURCE_LIBRARY,
		.heap_size_limit_bytes = heap.limit_bytes,
		.old_space_bytes = heap.old_space_bytes,
		.semi_space_bytes = semi_space,
		.available_bytes = heap.limit_bytes,
	};
	heap.sender = heapward_record_open(&identity);
}

void *heap_allocate(size_t bytes)
{
	return GC_MALLOC(bytes);
}

void heap_leave(int status)
{
	heapward_record_send_bye(heap.sender, HEAPWARD_LEAVING_EXIT, status);
}
