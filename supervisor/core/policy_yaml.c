/* SPDX-License-Identifier: Apache-2.0 */
/* policy_yaml: libyaml's events to the nodes of policy_text. Strict: one document, no anchors, aliases, tags,
 * directives, merge or duplicate keys; what could be guessed is an error. Uses the event API, because depth must be
 * bounded while libyaml reads, not after. */
#include "supervisor/core/policy_text.h"
#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
	struct policy_text *text;
	yaml_parser_t parser;
	uint32_t open[POLICY_DEPTH_MAX + 1]; /* the collections that are open, outermost first; [0] is the root's place */
	uint32_t last[POLICY_DEPTH_MAX + 1]; /* the last child of each so far */
	size_t depth;
	int documents;
};

enum progress { GO_ON, FINISHED };

/* libyaml counts lines and columns from 0, and columns in characters, as we do. */
static struct policy_node place(const struct policy_text *text, yaml_mark_t mark)
{
	struct policy_node node = { .line = (int)mark.line + 1, .column = (int)mark.column + 1 };
	if (node.line == 1)
		node.column += (int)text->start;
	return node;
}

static enum progress stop(struct reader *reader)
{
	reader->text->cut = true;
	return FINISHED;
}

/* Appends a node to the collection that is open; 0 where there are too many. */
static uint32_t add_node(struct reader *reader, enum policy_node_kind kind, yaml_mark_t mark)
{
	struct policy_text *text = reader->text;
	struct policy_node node = place(text, mark);
	if (text->count == text->size) {
		policy_text_error(text, &node, false, "more than %u keys and values", text->size - 1);
		return 0;
	}
	node.kind = kind;
	uint32_t index = text->count++, last = reader->last[reader->depth];
	text->nodes[index] = node;
	if (last == 0)
		text->nodes[reader->open[reader->depth]].child = index;
	else
		text->nodes[last].next = index;
	reader->last[reader->depth] = index;
	return index;
}

/* Adds an error where the event carries an anchor or a tag. Returns whether it is free of both. */
static bool is_bare(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct policy_node node = place(reader->text, event->start_mark);
	char shown[40];
	if (anchor != NULL)
		policy_text_error(reader->text, &node, false, "anchor \"&%s\": a policy has no anchors; write the value out",
				  printable_copy(shown, sizeof(shown), (const char *)anchor));
	if (tag != NULL)
		policy_text_error(reader->text, &node, false, "tag \"%s\": a policy has no tags; its keys have their types",
				  printable_copy(shown, sizeof(shown), (const char *)tag));
	return anchor == NULL && tag == NULL;
}

static enum progress take_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	uint32_t index = add_node(reader, POLICY_NODE_SCALAR, event->start_mark);
	if (index == 0)
		return stop(reader);
	struct policy_node *node = &reader->text->nodes[index];
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup(value);
	if (node->text == NULL)
		policy_text_error(reader->text, node, false, "memory is out");
	if (!is_bare(reader, event, event->data.scalar.anchor, event->data.scalar.tag) || node->text == NULL)
		node->kind = POLICY_NODE_BROKEN;
	if (strlen(value) == event->data.scalar.length)
		return GO_ON;
	policy_text_error(reader->text, node, false, "holds a NUL byte");
	node->kind = POLICY_NODE_BROKEN;
	return GO_ON;
}

static enum progress open_collection(struct reader *reader, const yaml_event_t *event, enum policy_node_kind kind,
				     bool bare)
{
	if (reader->depth == POLICY_DEPTH_MAX) {
		struct policy_node node = place(reader->text, event->start_mark);
		policy_text_error(reader->text, &node, false, "nested deeper than %d levels", POLICY_DEPTH_MAX);
		return stop(reader);
	}
	uint32_t index = add_node(reader, bare ? kind : POLICY_NODE_BROKEN, event->start_mark);
	if (index == 0)
		return stop(reader);
	reader->depth++;
	reader->open[reader->depth] = index;
	reader->last[reader->depth] = 0;
	return GO_ON;
}

/* Adds an error for a key that stands twice in one mapping. */
static void check_keys(struct policy_text *text, uint32_t map)
{
	for (uint32_t key = text->nodes[map].child; key != 0; key = text->nodes[text->nodes[key].next].next) {
		struct policy_node *node = &text->nodes[key];
		if (node->kind != POLICY_NODE_SCALAR)
			continue;
		for (uint32_t other = text->nodes[map].child; other != key;
		     other = text->nodes[text->nodes[other].next].next) {
			char shown[48];
			if (text->nodes[other].text == NULL || strcmp(text->nodes[other].text, node->text) != 0)
				continue;
			policy_text_error(text, node, false, "duplicate key \"%s\"; it stands on line %d already",
					  printable_copy(shown, sizeof(shown), node->text), text->nodes[other].line);
			node->kind = POLICY_NODE_BROKEN;
			break;
		}
	}
}

static void close_collection(struct reader *reader)
{
	uint32_t index = reader->open[reader->depth];
	if (reader->text->nodes[index].kind == POLICY_NODE_MAP)
		check_keys(reader->text, index);
	reader->depth--;
}

static enum progress open_document(struct reader *reader, const yaml_event_t *event)
{
	struct policy_node node = place(reader->text, event->start_mark);
	if (++reader->documents > 1) {
		policy_text_error(reader->text, &node, false, "a second document; a policy is one");
		return stop(reader);
	}
	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		policy_text_error(reader->text, &node, false, "a policy has no %% directives");
	return GO_ON;
}

static enum progress take_alias(struct reader *reader, const yaml_event_t *event)
{
	char shown[48];
	uint32_t index = add_node(reader, POLICY_NODE_BROKEN, event->start_mark);
	if (index == 0)
		return stop(reader);
	policy_text_error(reader->text, &reader->text->nodes[index], false,
			  "alias \"*%s\": a policy has no aliases; write the value out",
			  printable_copy(shown, sizeof(shown), (const char *)event->data.alias.anchor));
	return GO_ON;
}

static enum progress take_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return open_document(reader, event);
	case YAML_ALIAS_EVENT:
		return take_alias(reader, event);
	case YAML_SCALAR_EVENT:
		return take_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(reader, event, POLICY_NODE_LIST,
				       is_bare(reader, event, event->data.sequence_start.anchor,
					       event->data.sequence_start.tag));
	case YAML_MAPPING_START_EVENT:
		return open_collection(reader, event, POLICY_NODE_MAP,
				       is_bare(reader, event, event->data.mapping_start.anchor,
					       event->data.mapping_start.tag));
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_collection(reader);
		return GO_ON;
	case YAML_STREAM_END_EVENT:
		return FINISHED;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return GO_ON;
	}
	return GO_ON;
}

/* Says in our words what people meet most, else in libyaml's. */
static enum progress take_problem(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct policy_text *text = reader->text;
	struct policy_node node = place(text, parser->problem_mark);
	const char *problem = parser->problem != NULL ? parser->problem : "memory is out";
	size_t at = policy_error_locate(text->bytes, text->length, node.line, node.column);
	if (parser->error == YAML_SCANNER_ERROR && at < text->length && text->bytes[at] == '\t')
		policy_text_error(text, &node, false, "a tab cannot indent in YAML; use spaces");
	else if (parser->context != NULL && (int)parser->context_mark.line + 1 != node.line)
		policy_text_error(text, &node, false, "%s, %s that begins on line %zu", problem, parser->context,
				  parser->context_mark.line + 1);
	else
		policy_text_error(text, &node, false, "%s", problem);
	return stop(reader);
}

/* Before libyaml: only UTF-8 without control bytes and without characters that hide or turn text, so that what a
 * reviewer sees is what is read. Returns false and adds an error at the first one. */
static bool check_characters(const struct policy_text *text)
{
	struct policy_node node = { .line = 1, .column = 1 };
	size_t count;
	for (size_t at = 0; at < text->length; at += count) {
		uint32_t character = 0;
		count = printable_decode(text->bytes + at, text->length - at, &character);
		if (count == 0) {
			policy_text_error(text, &node, false, "byte 0x%02x is not UTF-8", (unsigned char)text->bytes[at]);
			return false;
		}
		if (character != '\t' && character != '\n' && character != '\r' && !printable_is_plain(character)) {
			policy_text_error(text, &node, false, "character U+%04X is not allowed", (unsigned)character);
			return false;
		}
		bool line_end = character == '\n' ||
				(character == '\r' && (at + 1 == text->length || text->bytes[at + 1] != '\n'));
		node.line += line_end ? 1 : 0;
		node.column = line_end ? 1 : node.column + 1;
	}
	return true;
}

void policy_text_read(struct policy_text *text)
{
	struct reader reader = { .text = text };
	enum progress progress = GO_ON;
	if (!check_characters(text) || yaml_parser_initialize(&reader.parser) == 0) {
		text->cut = true;
		return;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text->bytes + text->start,
				     text->length - text->start);
	while (progress == GO_ON) {
		yaml_event_t event;
		if (yaml_parser_parse(&reader.parser, &event) == 0) {
			progress = take_problem(&reader);
			break;
		}
		progress = take_event(&reader, &event);
		yaml_event_delete(&event);
	}
	while (reader.depth > 0)
		close_collection(&reader);
	yaml_parser_delete(&reader.parser);
}
