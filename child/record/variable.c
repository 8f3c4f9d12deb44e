/* SPDX-License-Identifier: Apache-2.0 */
/* variable: see variable.h. The text comes from the environment, so it may be anything. */
#include "child/record/variable.h"

#include <string.h>

static int take_text(const char **at, const char *text)
{
	size_t length = strlen(text);
	if (strncmp(*at, text, length) != 0)
		return -1;
	*at += length;
	return 0;
}

/* Decimal digits only: strtoull would take signs and spaces. */
static int take_number(const char **at, uint64_t limit, uint64_t *ret)
{
	const char *first = *at;
	uint64_t value = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');
		if (value > (limit - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	*ret = value;
	return *at == first ? -1 : 0;
}

static int take_descriptor(const char **at, struct variable_descriptor *ret)
{
	uint64_t fd;
	if (take_number(at, INT32_MAX, &fd) < 0 || take_text(at, ":") < 0 ||
	    take_number(at, UINT64_MAX, &ret->dev) < 0 || take_text(at, ":") < 0 ||
	    take_number(at, UINT64_MAX, &ret->ino) < 0)
		return -1;
	ret->fd = (int)fd;
	return 0;
}

/* There may be none. */
static int take_heartbeat(const char **at, struct variable *ret)
{
	ret->heartbeat_msec = 0;
	ret->heartbeat_for_cluster = false;
	if (take_text(at, ";heartbeat=") < 0)
		return 0;
	if (take_number(at, UINT32_MAX, &ret->heartbeat_msec) < 0 || ret->heartbeat_msec == 0)
		return -1;
	ret->heartbeat_for_cluster = take_text(at, ":cluster") == 0;
	return 0;
}

static int take_listen(const char **at)
{
	struct variable_descriptor descriptor;
	if (take_text(at, ";listen=") < 0 || take_descriptor(at, &descriptor) < 0 || take_text(at, ":") < 0)
		return -1;
	size_t length = strcspn(*at, ";");
	*at += length;
	return length == 0 ? -1 : 0;
}

int variable_parse(const char *text, struct variable *ret)
{
	struct variable found;
	if (strnlen(text, VARIABLE_TEXT_MAX) == VARIABLE_TEXT_MAX)
		return -1;
	if (take_text(&text, "1;records=") < 0 || take_descriptor(&text, &found.records) < 0 ||
	    take_text(&text, ";door=") < 0 || take_descriptor(&text, &found.door) < 0 ||
	    take_text(&text, ";headroom=") < 0 || take_number(&text, UINT64_MAX, &found.headroom_bytes) < 0 ||
	    take_heartbeat(&text, &found) < 0)
		return -1;
	for (found.listen_count = 0; *text != '\0'; found.listen_count++) {
		if (found.listen_count == HEAPWARD_LISTEN_MAX || take_listen(&text) < 0)
			return -1;
	}
	*ret = found;
	return 0;
}
