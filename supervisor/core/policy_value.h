/* SPDX-License-Identifier: Apache-2.0 */
/* policy_value: one YAML value to the typed member of struct policy that its key fills. Knows types and the words of
 * their errors; knows no YAML. Internal to core/policy*.c. */
#ifndef SUPERVISOR_CORE_POLICY_VALUE_H
#define SUPERVISOR_CORE_POLICY_VALUE_H

#include "supervisor/core/policy_key.h"
#include "supervisor/core/policy_text.h"

#define POLICY_SHOWN_MAX 64 /* bytes of a user's word in an error */

/* A value on its way into a policy. */
struct policy_value {
	struct policy *policy;
	enum policy_key key;
	struct policy_key_row row;
	char path[POLICY_PATH_MAX];
	void *member; /* in policy, of the type that row.type says */
	const struct policy_text *text;
	const struct policy_node *node;
};

/* Reads `node` into the member of `key` and notes the origin. Returns 0, or -1 with the errors added and the policy as
 * it was. */
int policy_value_set(struct policy *policy, enum policy_key key, const struct policy_text *text,
		     const struct policy_node *node);

/* Sets one variable of service.environment.set. */
int policy_value_set_variable(struct policy *policy, const char *name, const struct policy_text *text,
			      const struct policy_node *node);

/* For the readers of one type: the text of a scalar that is there, else NULL with the error added. */
const char *policy_value_scalar(const struct policy_value *value, const struct policy_node *node);

/* Adds "memory.max: text" at `node`. Always returns -1. */
int policy_value_error(const struct policy_value *value, const struct policy_node *node, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* The readers of numbers (policy_number.c). */
int policy_value_read_size(const struct policy_value *value);
int policy_value_read_size_or_none(const struct policy_value *value);
int policy_value_read_size_or_inherit(const struct policy_value *value);
int policy_value_read_old_space(const struct policy_value *value);
int policy_value_read_step(const struct policy_value *value);
int policy_value_read_time(const struct policy_value *value);
int policy_value_read_time_or_never(const struct policy_value *value);
int policy_value_read_count(const struct policy_value *value);
int policy_value_read_count_or_inherit(const struct policy_value *value);
int policy_value_read_cpu(const struct policy_value *value);
int policy_value_read_percent_or_none(const struct policy_value *value);

/* The same for `node`, an element of a list. */
const char *policy_value_word(const struct policy_value *value, const struct policy_node *node);

/* `text` from the directory of its policy file where it is relative; -1 with the error added where it is too long. */
#define POLICY_FILE_PATH_MAX 4096 /* as the kernel's PATH_MAX */
int policy_value_path(const struct policy_value *value, const struct policy_node *node, const char *text,
		      char ret_path[static POLICY_FILE_PATH_MAX]);

/* Adds the error of an unknown word, with what may have been meant among "a|b|c". Always returns -1. */
int policy_value_unknown(const struct policy_value *value, const struct policy_node *node, const char *text);

/* Lists (policy_list.c). */
int policy_value_read_paths(const struct policy_value *value);
int policy_value_read_variables(const struct policy_value *value);
int policy_value_read_features(const struct policy_value *value);
int policy_value_read_ports(const struct policy_value *value);

/* Held sockets and readiness (policy_listen.c). */
int policy_value_read_listen(const struct policy_value *value);
int policy_value_read_ready(const struct policy_value *value); /* policy_ready.c */

/* What contradicts among the keys about them, as policy_check adds it. */
void policy_check_listen(const struct policy *policy, struct policy_errors *errors);
void policy_check_ready(const struct policy *policy, struct policy_errors *errors);

#endif
