/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_text: see syscall_text.h. */
#include "supervisor/core/syscall_text.h"

#include "supervisor/core/prose.h"

#include <inttypes.h>
#include <string.h>

#define COMMENT_COLUMN 28

char *syscall_text(const char *head, const struct syscall_seen *seen, size_t count)
{
	struct prose text = { 0 };
	while (head != NULL && *head != '\0') {
		size_t length = strcspn(head, "\n");
		prose_raw(&text, "#%s%.*s\n", length == 0 ? "" : " ", (int)length, head);
		head += length + (head[length] == '\n' ? 1 : 0);
	}
	for (size_t i = 0; i < count; i++)
		prose_raw(&text, "%-*s # %" PRIu64 "\n", COMMENT_COLUMN, seen[i].name, seen[i].count);
	return prose_take(&text);
}
