/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_diff_text: the difference of two lists of system calls, for people: what is allowed beyond the other first,
 * each part by the groups of the list that has the call. */
#include "supervisor/core/syscall_diff.h"

#include "supervisor/core/printable.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/syscall_text.h"

#include <stdio.h>
#include <string.h>

#define ITEM_MAX 4096

/* What is printed from. */
struct view {
	const struct syscall_diff *diff;
	const struct syscall_list *list, *other, *grouped; /* grouped: whose groups are shown */
	const char *other_name;
	struct prose *prose;
};

/* A text that ends in "..." where there is no more room. */
struct item {
	char bytes[ITEM_MAX];
	size_t length;
};

static void add(struct item *item, const char *text)
{
	static const char cut[] = " ...";
	size_t length = strlen(text);
	if (item->length + length + sizeof(cut) > ITEM_MAX) {
		if (item->length + sizeof(cut) <= ITEM_MAX)
			memcpy(item->bytes + item->length, cut, sizeof(cut));
		item->length = ITEM_MAX;
		return;
	}
	memcpy(item->bytes + item->length, text, length + 1);
	item->length += length;
}

static const struct syscall_rule *rule_of(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == number)
			return &list->rules[i];
	return NULL;
}

static const char *name_of(const struct view *view, int number)
{
	const struct syscall_rule *rule = rule_of(view->grouped, number);
	if (rule == NULL)
		rule = rule_of(view->list, number);
	return rule != NULL ? rule->name : rule_of(view->other, number)->name;
}

static bool has_conditions(const struct syscall_list *list, const char *conditions, int number,
			   enum syscall_rule_kind kind)
{
	char text[SYSCALL_RULE_TEXT_MAX];
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == number && list->rules[i].kind == kind &&
		    strcmp(syscall_conditions_text(&list->rules[i], text), conditions) == 0)
			return true;
	return false;
}

/* "int1 == A or int1 == B": the rules of a kind that the other list (NULL: none) does not have. True where there were
 * some. */
static bool add_rules(struct item *item, const struct syscall_list *list, const struct syscall_list *other, int number,
		      enum syscall_rule_kind kind)
{
	char text[SYSCALL_RULE_TEXT_MAX];
	bool any = false;
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		if (rule->number != number || rule->kind != kind || rule->condition_count == 0)
			continue;
		syscall_conditions_text(rule, text);
		if (other != NULL && has_conditions(other, text, number, kind))
			continue;
		add(item, any ? " or " : kind == SYSCALL_DENY ? "never " : "");
		add(item, text);
		any = true;
	}
	return any;
}

/* What a list says of the arguments, as far as the other does not say the same; all where the other allows any. */
struct side {
	struct item allowed, never; /* empty: nothing that the other does not say */
};

static void find_side(struct side *side, const struct syscall_list *list, const struct syscall_list *other, int number)
{
	bool others_any = has_conditions(other, "", number, SYSCALL_ALLOW);
	if (has_conditions(list, "", number, SYSCALL_ALLOW))
		add(&side->allowed, "any arguments");
	else
		add_rules(&side->allowed, list, others_any ? NULL : other, number, SYSCALL_ALLOW);
	add_rules(&side->never, list, other, number, SYSCALL_DENY);
}

/* "int1 == A, never int1 == B" */
static void add_side(struct item *item, const struct side *side)
{
	bool both = side->allowed.length > 0 && side->never.length > 0;
	add(item, side->allowed.bytes);
	add(item, both ? ", " : "");
	add(item, side->never.bytes);
	if (item->length == 0)
		add(item, "no such line");
}

static void add_arguments(const struct view *view, int number)
{
	struct side sides[2] = { 0 };
	struct item here = { 0 }, there = { 0 };
	const char *name = name_of(view, number);
	find_side(&sides[0], view->list, view->other, number);
	find_side(&sides[1], view->other, view->list, number);
	bool never = sides[0].never.length > 0 || sides[1].never.length > 0;
	add_side(&here, &sides[0]);
	add_side(&there, &sides[1]);
	if (!never && sides[0].allowed.length == 0)
		prose_item(view->prose, "%s: not with %s", name, there.bytes);
	else if (!never && sides[1].allowed.length == 0)
		prose_item(view->prose, "%s: also with %s", name, here.bytes);
	else
		prose_item(view->prose, "%s: %s (%s: %s)", name, here.bytes, view->other_name, there.bytes);
}

static void add_answer(const struct view *view, int number)
{
	const struct syscall_rule *rule = rule_of(view->list, number);
	bool absent = rule != NULL && rule->kind == SYSCALL_ABSENT;
	prose_item(view->prose, "%s: %s (%s: %s)", name_of(view, number), absent ? "ENOSYS" : "EPERM", view->other_name,
		   absent ? "EPERM" : "ENOSYS");
}

static bool is_in(const struct view *view, size_t index, enum syscall_diff_kind kind, uint16_t group)
{
	if (view->diff->calls[index].kind != kind)
		return false;
	const struct syscall_rule *rule = rule_of(view->grouped, view->diff->calls[index].number);
	return (rule == NULL ? 0 : rule->group) == group;
}

/* One line a group: its title, and the names. */
static void add_names(const struct view *view, enum syscall_diff_kind kind, uint16_t group)
{
	struct item item = { 0 };
	for (size_t i = 0; i < view->diff->count; i++) {
		if (!is_in(view, i, kind, group))
			continue;
		add(&item, item.length == 0 ? "" : ", ");
		add(&item, name_of(view, view->diff->calls[i].number));
	}
	if (item.length > 0)
		prose_item(view->prose, "%s: %s", group == 0 ? "Others" : view->grouped->groups[group - 1].title,
			   item.bytes);
}

static void add_group(const struct view *view, enum syscall_diff_kind kind, uint16_t group)
{
	if (kind == SYSCALL_DIFF_MORE || kind == SYSCALL_DIFF_FEWER) {
		add_names(view, kind, group);
		return;
	}
	for (size_t i = 0; i < view->diff->count; i++)
		if (is_in(view, i, kind, group) && kind == SYSCALL_DIFF_ANSWER)
			add_answer(view, view->diff->calls[i].number);
		else if (is_in(view, i, kind, group))
			add_arguments(view, view->diff->calls[i].number);
}

/* One kind, by groups: what was read last is the most general, and comes first. */
static void add_kind(struct view *view, enum syscall_diff_kind kind, const char *title)
{
	if (view->diff->counts[kind] == 0)
		return;
	prose_paragraph(view->prose, "%s %s: %zu", title, view->other_name, view->diff->counts[kind]);
	view->grouped = kind == SYSCALL_DIFF_MORE || kind == SYSCALL_DIFF_WIDER ? view->list : view->other;
	for (size_t text = view->grouped->text_count; text-- > 0;)
		for (size_t i = 0; i < view->grouped->group_count; i++)
			if (view->grouped->groups[i].text == text)
				add_group(view, kind, (uint16_t)(i + 1));
	add_group(view, kind, 0);
}

/* The last line: what a reviewer wants to know, and what the exit status says. */
static void add_sum(const struct view *view, const char *name)
{
	const size_t *counts = view->diff->counts;
	size_t more = counts[SYSCALL_DIFF_MORE] + counts[SYSCALL_DIFF_WIDER];
	size_t fewer = counts[SYSCALL_DIFF_FEWER] + counts[SYSCALL_DIFF_TIGHTER];
	const char *other = view->other_name;
	if (more > 0 && fewer > 0)
		prose_paragraph(view->prose, "%s allows more than %s in %zu call%s, and less in %zu.", name, other,
				more, more == 1 ? "" : "s", fewer);
	else if (more > 0)
		prose_paragraph(view->prose, "%s allows more than %s, and all that %s allows.", name, other, other);
	else if (fewer > 0)
		prose_paragraph(view->prose, "%s allows less than %s, and nothing beyond it.", name, other);
	else if (view->diff->count > 0)
		prose_paragraph(view->prose, "%s and %s allow the same; some of what both close fails with another errno.",
				name, other);
	else
		prose_paragraph(view->prose, "%s and %s allow the same.", name, other);
}

char *syscall_diff_text(const struct syscall_diff *diff, const struct syscall_list *list, const char *name,
			const struct syscall_list *other, const char *other_name)
{
	static const char *const titles[] = {
		[SYSCALL_DIFF_MORE] = "Allowed, and not by",
		[SYSCALL_DIFF_WIDER] = "Allowed with more arguments than by",
		[SYSCALL_DIFF_TIGHTER] = "Allowed with fewer arguments than by",
		[SYSCALL_DIFF_FEWER] = "Closed, and allowed by",
		[SYSCALL_DIFF_ANSWER] = "Closed in both, with another errno than by",
	};
	char shown[64], other_shown[64];
	struct prose prose = { 0 };
	struct view view = { diff,  list, other, other, printable_copy(other_shown, sizeof(other_shown), other_name),
			     &prose };
	printable_copy(shown, sizeof(shown), name);
	prose_paragraph(&prose, "%s, against the list %s", shown, other_shown);
	for (size_t kind = 0; kind < SYSCALL_DIFF_KINDS; kind++)
		add_kind(&view, (enum syscall_diff_kind)kind, titles[kind]);
	add_sum(&view, shown);
	return prose_take(&prose);
}
