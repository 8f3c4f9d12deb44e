/* SPDX-License-Identifier: Apache-2.0 */
/* node_api: the few functions of Node-API that the agent calls, declared here so that it builds without Node's headers.
 * This ABI is stable over all majors; the names are Node's. */
#ifndef CHILD_AGENT_NODE_API_H
#define CHILD_AGENT_NODE_API_H

#include "base/base.h"

struct napi_env__;
struct napi_value__;
struct napi_callback_info__;

/* 0 is napi_ok of each. */
int napi_create_function(struct napi_env__ *env, const char *name, size_t length,
			 struct napi_value__ *(*callback)(struct napi_env__ *, struct napi_callback_info__ *),
			 void *data, struct napi_value__ **ret);
int napi_get_cb_info(struct napi_env__ *env, struct napi_callback_info__ *info, size_t *count,
		     struct napi_value__ **arguments, struct napi_value__ **ret_this, void **ret_data);
int napi_set_named_property(struct napi_env__ *env, struct napi_value__ *object, const char *name,
			    struct napi_value__ *value);
/* One pointer for each environment: the main thread has one, each Worker its own. */
int napi_set_instance_data(struct napi_env__ *env, void *data, void (*finalize)(struct napi_env__ *, void *, void *),
			   void *hint);
int napi_get_instance_data(struct napi_env__ *env, void **ret);
int napi_get_value_bool(struct napi_env__ *env, struct napi_value__ *value, bool *ret);
int napi_create_uint32(struct napi_env__ *env, uint32_t number, struct napi_value__ **ret);
int napi_create_int32(struct napi_env__ *env, int32_t number, struct napi_value__ **ret);
int napi_get_value_uint32(struct napi_env__ *env, struct napi_value__ *value, uint32_t *ret);
int napi_get_value_double(struct napi_env__ *env, struct napi_value__ *value, double *ret);
int napi_get_value_string_utf8(struct napi_env__ *env, struct napi_value__ *value, char *buffer, size_t size,
			       size_t *ret_length);
int napi_add_env_cleanup_hook(struct napi_env__ *env, void (*hook)(void *data), void *data);

/* Ours: Node calls it once in each isolate that loads the module. */
struct napi_value__ *napi_register_module_v1(struct napi_env__ *env, struct napi_value__ *exports);

#endif
