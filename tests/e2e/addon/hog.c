/* SPDX-License-Identifier: Apache-2.0 */
/* hog: a native addon that takes and touches memory outside of V8's heap, a MiB at each call. */
#include "child/agent/node_api.h"

#include <string.h>

static struct napi_value__ *take(struct napi_env__ *env UNUSED, struct napi_callback_info__ *info UNUSED)
{
	char *memory = malloc(1024 * 1024);
	if (memory != NULL)
		memset(memory, 1, 1024 * 1024);
	/* Kept for ever, as a leak is; seen, so that no compiler leaves it out. */
	__asm__ volatile("" : : "r"(memory) : "memory");
	return NULL;
}

__attribute__((visibility("default")))
struct napi_value__ *napi_register_module_v1(struct napi_env__ *env, struct napi_value__ *exports)
{
	struct napi_value__ *function;
	return napi_create_function(env, NULL, 0, take, NULL, &function) == 0 ? function : exports;
}
