/* SPDX-License-Identifier: Apache-2.0 */
/* v8: see v8.h. Knows the mangled names and the first fields of v8::HeapStatistics, nothing of records. */
#include "child/agent/v8.h"

#include <dlfcn.h>
#include <string.h>

/* v8::HeapStatistics: 112 bytes in Node 18 to 24, 120 in 26; it grows at its end, so a page outlasts it. */
#define V8_STATISTICS_BYTES 4096

/* Its size_t fields, in order; all five majors agree up to here. */
enum {
	V8_TOTAL_HEAP_SIZE, V8_TOTAL_HEAP_SIZE_EXECUTABLE, V8_TOTAL_PHYSICAL_SIZE, V8_TOTAL_AVAILABLE_SIZE,
	V8_USED_HEAP_SIZE, V8_HEAP_SIZE_LIMIT, V8_MALLOCED_MEMORY, V8_EXTERNAL_MEMORY,
};

/* dlsym gives an object pointer; POSIX promises that these bytes are the function's address. */
static int find_one(const char *name, void *ret_function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);
	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol == NULL ? -1 : 0;
}

int v8_find(struct v8 *ret)
{
	const struct {
		const char *name;
		void *function;
	} rows[] = {
		{ "_ZN2v87Isolate10GetCurrentEv", &ret->current_isolate },
		{ "_ZN2v87Isolate21AddGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
		  &ret->add_gc_prologue },
		{ "_ZN2v87Isolate21AddGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_S2_",
		  &ret->add_gc_epilogue },
		{ "_ZN2v87Isolate24RemoveGCPrologueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_",
		  &ret->remove_gc_prologue },
		{ "_ZN2v87Isolate24RemoveGCEpilogueCallbackEPFvPS0_NS_6GCTypeENS_15GCCallbackFlagsEPvES4_",
		  &ret->remove_gc_epilogue },
		{ "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_", &ret->add_near_heap_limit },
		{ "_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm", &ret->remove_near_heap_limit },
		{ "_ZN2v87Isolate17GetHeapStatisticsEPNS_14HeapStatisticsE", &ret->get_heap_statistics },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (find_one(rows[i].name, rows[i].function) < 0)
			return -1;
	}
	return 0;
}

void v8_read_heap(const struct v8 *v8, struct v8_isolate *isolate, struct heapward_record_heap *ret)
{
	size_t statistics[V8_STATISTICS_BYTES / sizeof(size_t)];
	memset(statistics, 0, sizeof(statistics));
	v8->get_heap_statistics(isolate, statistics);
	*ret = (struct heapward_record_heap){
		.used_bytes = statistics[V8_USED_HEAP_SIZE],
		.total_bytes = statistics[V8_TOTAL_HEAP_SIZE],
		.limit_bytes = statistics[V8_HEAP_SIZE_LIMIT],
		.external_bytes = statistics[V8_EXTERNAL_MEMORY],
		.malloced_bytes = statistics[V8_MALLOCED_MEMORY],
		.available_bytes = statistics[V8_TOTAL_AVAILABLE_SIZE],
	};
}
