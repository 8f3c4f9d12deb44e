/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_prologue: see syscall_prologue.h. Every rule is a block: the number, the conditions, an answer; whatever does
 * not fit jumps to the block's end. */
#include "supervisor/core/syscall_prologue.h"

#include "supervisor/types/launch.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#define BLOCK_MAX 250       /* a conditional jump reaches 255 instructions */
#define JUMP_TO_END 0xff    /* replaced once the block's end is known */

struct block {
	struct sock_filter code[BLOCK_MAX];
	size_t count;
	bool full;
};

static void add(struct block *block, uint16_t code, uint8_t jump_true, uint8_t jump_false, uint32_t value)
{
	if (block->count == BLOCK_MAX)
		block->full = true;
	else
		block->code[block->count++] = (struct sock_filter)BPF_JUMP(code, value, jump_true, jump_false);
}

static void add_load(struct block *block, size_t offset)
{
	add(block, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

/* One half of an argument; both architectures are little-endian. */
static size_t half_offset(unsigned argument, bool high)
{
	return offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) + (high ? sizeof(uint32_t) : 0);
}

/* One half of "(argument & mask) == value": on to the next instruction where it is equal, else to the block's end. */
static void add_equal_half(struct block *block, const struct syscall_condition *condition, bool high)
{
	uint32_t mask = (uint32_t)(condition->mask >> (high ? 32 : 0)), value = (uint32_t)(condition->value >> (high ? 32 : 0));
	if (mask == 0)
		return;
	add_load(block, half_offset(condition->argument, high));
	if (mask != UINT32_MAX)
		add(block, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	add(block, BPF_JMP | BPF_JEQ | BPF_K, 0, JUMP_TO_END, value);
}

/* "(argument & mask) != value": a half that differs is enough, so the first jumps past the second. */
static void add_differs(struct block *block, const struct syscall_condition *condition)
{
	for (int high = 0; high < 2; high++) {
		uint32_t mask = (uint32_t)(condition->mask >> (high ? 32 : 0));
		uint32_t value = (uint32_t)(condition->value >> (high ? 32 : 0));
		bool last = high || condition->mask >> 32 == 0;
		if (mask == 0 && !last)
			continue;
		add_load(block, half_offset(condition->argument, high));
		add(block, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
		add(block, BPF_JMP | BPF_JEQ | BPF_K, last ? JUMP_TO_END : 0, last ? 0 : 3, value);
		if (last)
			return;
	}
}

/* Lets the jumps to the end lead there. */
static void close_block(struct block *block)
{
	for (size_t i = 0; i < block->count; i++) {
		uint8_t distance = (uint8_t)(block->count - i - 1);
		if (block->code[i].jt == JUMP_TO_END)
			block->code[i].jt = distance;
		if (block->code[i].jf == JUMP_TO_END)
			block->code[i].jf = distance;
	}
}

static void make_rule(struct block *block, const struct syscall_rule *rule, uint32_t answer)
{
	add_load(block, offsetof(struct seccomp_data, nr));
	add(block, BPF_JMP | BPF_JEQ | BPF_K, 0, JUMP_TO_END, (uint32_t)rule->number);
	for (size_t i = 0; i < rule->condition_count; i++) {
		if (rule->conditions[i].differs) {
			add_differs(block, &rule->conditions[i]);
			continue;
		}
		add_equal_half(block, &rule->conditions[i], false);
		add_equal_half(block, &rule->conditions[i], true);
	}
	add(block, BPF_RET | BPF_K, 0, 0, answer);
	close_block(block);
}

/* Newer than every name: denied where a rule has the number, and did not fit; else absent. */
static void make_newest(struct block *block, const struct syscall_list *list, uint32_t denied)
{
	add_load(block, offsetof(struct seccomp_data, nr));
	add(block, BPF_JMP | BPF_JGT | BPF_K, 0, JUMP_TO_END, SYSCALL_NEWEST);
	add(block, BPF_JMP | BPF_JGE | BPF_K, JUMP_TO_END, 0, SYSCALL_X32); /* not ours to judge, libseccomp closes it */
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number > SYSCALL_NEWEST) {
			add(block, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)list->rules[i].number);
			add(block, BPF_RET | BPF_K, 0, 0, denied);
		}
	add(block, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS);
	close_block(block);
}

static int append(struct sock_filter *ret, size_t *count, const struct block *block, struct failure *why)
{
	if (block->full || *count + block->count > SYSCALL_PROLOGUE_MAX)
		return failed(why, 0, "too many rules that deny, or numbers above %d", SYSCALL_NEWEST);
	memcpy(ret + *count, block->code, block->count * sizeof(*ret));
	*count += block->count;
	return 0;
}

/* libseccomp 2.5.4 decides wrongly on some calls that one rule looks at two arguments of: it has allowed ioprio_set(2, 1) by "int0 == 1" and
 * "int0 == 2 and int1 == 0" in a list of some length. */
static bool has_chain(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == number && list->rules[i].kind == SYSCALL_ALLOW && list->rules[i].condition_count > 1)
			return true;
	return false;
}

/* Where a call is allowed without conditions the others say nothing. */
static bool is_plain(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == number && list->rules[i].kind == SYSCALL_ALLOW && list->rules[i].condition_count == 0)
			return true;
	return false;
}

bool syscall_prologue_has(const struct syscall_list *list, const struct syscall_rule *rule)
{
	if (rule->kind == SYSCALL_DENY || rule->number > SYSCALL_NEWEST)
		return true;
	return rule->kind == SYSCALL_ALLOW && has_chain(list, rule->number) && !is_plain(list, rule->number);
}

/* What is firm says so in the bits that a notification has no other use for: who finds no listener must not let it pass. */
static uint32_t answer_of(const struct syscall_rule *rule, uint32_t answer)
{
	if (rule->silent)
		return SECCOMP_RET_ERRNO | EPERM;
	return rule->firm && answer == SECCOMP_RET_USER_NOTIF ? answer | LAUNCH_FILTER_FIRM : answer;
}

/* The next one of its kind that stands here, from `from` on; rule_count: there is none. */
static size_t find_next(const struct syscall_list *list, enum syscall_rule_kind kind, size_t from)
{
	while (from < list->rule_count && (list->rules[from].kind != kind || !syscall_prologue_has(list, &list->rules[from])))
		from++;
	return from;
}

/* Before all rules of one call: other calls are past them by one jump, which leads as far as it has to. */
static int append_door(struct sock_filter *ret, size_t *count, int number, struct failure *why)
{
	struct block door = { 0 };
	add_load(&door, offsetof(struct seccomp_data, nr));
	add(&door, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, (uint32_t)number);
	add(&door, BPF_JMP | BPF_JA, 0, 0, 0);
	return append(ret, count, &door, why);
}

static int append_rules(const struct syscall_list *list, enum syscall_rule_kind kind, uint32_t answer, struct sock_filter *ret,
			size_t *count, struct failure *why)
{
	size_t next, end = 0; /* `end`: of the door before this rule; 0: none */
	for (size_t i = find_next(list, kind, 0); i < list->rule_count; i = next) {
		const struct syscall_rule *rule = &list->rules[i];
		struct block block = { 0 };
		next = find_next(list, kind, i + 1);
		bool more = next < list->rule_count && list->rules[next].number == rule->number;
		if (more && end == 0) {
			if (append_door(ret, count, rule->number, why) < 0)
				return -1;
			end = *count;
		}
		make_rule(&block, rule, answer_of(rule, answer));
		if (append(ret, count, &block, why) < 0)
			return -1;
		if (!more && end != 0)
			ret[end - 1].k = (uint32_t)(*count - end);
		end = more ? end : 0;
	}
	return 0;
}

int syscall_prologue(const struct syscall_list *list, uint32_t architecture, uint32_t denied,
		     struct sock_filter ret[static SYSCALL_PROLOGUE_MAX], struct failure *why)
{
	struct block head = { 0 }, newest = { 0 };
	size_t count = 3;
	/* Of another architecture: past all of this, to libseccomp, which closes it. */
	add_load(&head, offsetof(struct seccomp_data, arch));
	add(&head, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, architecture);
	add(&head, BPF_JMP | BPF_JA, 0, 0, 0);
	assert(head.count == count);
	make_newest(&newest, list, denied);
	if (append_rules(list, SYSCALL_DENY, denied, ret, &count, why) < 0 ||
	    append_rules(list, SYSCALL_ALLOW, SECCOMP_RET_ALLOW, ret, &count, why) < 0 ||
	    append_rules(list, SYSCALL_ABSENT, SECCOMP_RET_ERRNO | ENOSYS, ret, &count, why) < 0 ||
	    append(ret, &count, &newest, why) < 0)
		return -1;
	head.code[2].k = (uint32_t)(count - head.count);
	memcpy(ret, head.code, head.count * sizeof(*ret));
	return (int)count;
}
