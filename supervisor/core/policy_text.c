/* SPDX-License-Identifier: Apache-2.0 */
/* policy_text: see policy_text.h. Holds the tree and its errors; the reading of YAML events is policy_yaml.c. */
#include "supervisor/core/policy_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct policy_text *policy_text_create(const char *file, const char *bytes, size_t length, uint32_t nodes_max,
				       struct policy_errors *errors)
{
	struct policy_text *text = calloc(1, sizeof(*text) + (nodes_max + 1) * sizeof(text->nodes[0]));
	if (text == NULL)
		return NULL;
	text->file = file;
	text->bytes = bytes;
	text->length = length;
	text->errors = errors;
	text->size = nodes_max + 1;
	text->count = 1;
	return text;
}

void policy_text_destroy(struct policy_text *text)
{
	if (text == NULL)
		return;
	for (uint32_t i = 0; i < text->count; i++)
		free(text->nodes[i].text);
	free(text);
}

void policy_text_take_scalar(struct policy_text *text)
{
	assert(text->count == 1 && text->size > 1);
	struct policy_node *node = &text->nodes[1];
	*node = (struct policy_node){ .kind = POLICY_NODE_SCALAR, .plain = true, .line = 1,
				      .column = (int)text->start + 1 };
	node->text = strndup(text->bytes + text->start, text->length - text->start);
	if (node->text == NULL) {
		policy_text_error(text, node, false, "memory is out");
		node->kind = POLICY_NODE_BROKEN;
	}
	text->count = 2;
	text->nodes[0].child = 1;
}

static const struct policy_node *at(const struct policy_text *text, uint32_t index)
{
	return index == 0 ? NULL : &text->nodes[index];
}

const struct policy_node *policy_text_root(const struct policy_text *text)
{
	return at(text, text->nodes[0].child);
}

const struct policy_node *policy_text_child(const struct policy_text *text, const struct policy_node *node)
{
	return at(text, node->child);
}

const struct policy_node *policy_text_next(const struct policy_text *text, const struct policy_node *node)
{
	return at(text, node->next);
}

void policy_text_error(const struct policy_text *text, const struct policy_node *node, bool warning,
		       const char *format, ...)
{
	struct policy_error error = { .warning = warning };
	va_list args;
	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);
	policy_error_file(error.file, sizeof(error.file), text->file);
	error.line = text->setting ? 0 : node->line;
	error.column = text->setting ? 0 : node->column;
	policy_error_excerpt(text->bytes, text->length, node->line, node->column, error.source, sizeof(error.source),
			     &error.caret);
	policy_errors_add(text->errors, &error);
}

void policy_text_origin(const struct policy_text *text, const struct policy_node *node, struct origin *ret)
{
	policy_error_file(ret->file, sizeof(ret->file), text->file);
	ret->line = text->setting ? 0 : node->line;
	ret->column = text->setting ? 0 : node->column;
	policy_error_excerpt(text->bytes, text->length, node->line, node->column, ret->source, sizeof(ret->source),
			     &ret->caret);
}
