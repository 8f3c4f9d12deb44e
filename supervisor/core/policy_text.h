/* SPDX-License-Identifier: Apache-2.0 */
/* policy_text: YAML text to a small tree of nodes with line and column. Knows YAML and how strict we are with it; knows
 * no key. The text is hostile: bytes, nodes and depth are bounded while it is read. Internal to core/policy*.c. */
#ifndef SUPERVISOR_CORE_POLICY_TEXT_H
#define SUPERVISOR_CORE_POLICY_TEXT_H

#include "supervisor/core/policy_error.h"

#define POLICY_NODES_MAX 4096
#define POLICY_DEPTH_MAX 16 /* libyaml takes quadratic time over deep nesting, so it is stopped while it reads */

enum policy_node_kind {
	POLICY_NODE_BROKEN, /* an error about it has been added already */
	POLICY_NODE_SCALAR,
	POLICY_NODE_LIST,
	POLICY_NODE_MAP, /* children: key, value, key, value; a cut text may miss the last value */
};

struct policy_node {
	enum policy_node_kind kind;
	bool plain; /* a scalar without quotes: only there can an empty or null value be meant */
	int line, column;
	char *text;           /* of a scalar, else NULL; owned */
	uint32_t child, next; /* indices, 0: none */
};

struct policy_text {
	const char *file;
	const char *bytes;
	size_t length;
	size_t start; /* where the YAML begins: a setting has "section.key=" before it */
	bool setting; /* errors name no line */
	struct policy_errors *errors;
	bool cut; /* reading stopped at an error: what is missing may stand behind it */
	uint32_t count, size;
	struct policy_node nodes[]; /* [0] holds the root as its child */
};

/* A text with room for `nodes_max` nodes and none yet; NULL where memory is out. `file`, `bytes` and `errors` are
 * borrowed. policy_text_destroy is NULL-safe. */
struct policy_text *policy_text_create(const char *file, const char *bytes, size_t length, uint32_t nodes_max,
				       struct policy_errors *errors);
void policy_text_destroy(struct policy_text *text);

/* Reads the YAML into nodes; adds an error for everything that is no strict YAML and keeps what could be read. */
void policy_text_read(struct policy_text *text);

/* Makes the text from `start` on the one scalar of the tree, without any YAML: a setting's plain value. */
void policy_text_take_scalar(struct policy_text *text);

/* The root node, NULL where there is none. */
const struct policy_node *policy_text_root(const struct policy_text *text);
const struct policy_node *policy_text_child(const struct policy_text *text, const struct policy_node *node);
const struct policy_node *policy_text_next(const struct policy_text *text, const struct policy_node *node);

/* Adds an error at a node, with the line it stands in. */
void policy_text_error(const struct policy_text *text, const struct policy_node *node, bool warning,
		       const char *format, ...) PRINTF_LIKE(4, 5);

/* Fills the origin of what a node sets. */
void policy_text_origin(const struct policy_text *text, const struct policy_node *node, struct origin *ret);

#endif
