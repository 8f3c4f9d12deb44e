/* SPDX-License-Identifier: Apache-2.0 */
/* wall_hint: see wall_hint.h. */
#include "supervisor/core/wall_hint.h"

#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>

/* Node's codes, and the words of everybody else. By mounts a write fails with the first two, by Landlock and in what is hidden with the others. */
static const char *const signs[] = { "EROFS", "ead-only file system", "EACCES", "ermission denied" };

/* The path in quotes behind the error in its line, as Node writes it; "" where there is none. */
static void find_path(const unsigned char *from, const unsigned char *end, char ret[static 128])
{
	char raw[128] = "";
	size_t length = 0;
	ret[0] = '\0';
	while (from < end && *from != '\n' && *from != '\'')
		from++;
	if (from == end || *from != '\'')
		return;
	for (from++; from < end && *from != '\'' && *from != '\n' && *from != '\0' && length < sizeof(raw) - 1; from++)
		raw[length++] = (char)*from;
	if (raw[0] == '/' && from < end && *from == '\'')
		printable_copy(ret, 128, raw);
}

bool wall_hint(const struct plan_fence *fence, const unsigned char *output, size_t length, char *text, size_t size)
{
	char path[128];
	const unsigned char *found = NULL;
	if (output == NULL || !(fence->by_mounts || fence->by_landlock))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(signs) && found == NULL; i++)
		found = memmem(output, length, signs[i], strlen(signs[i]));
	if (found == NULL)
		return false;
	find_path(found, output + length, path);
	snprintf(text, size, "its last output says that %s could not be written or read: if it is the sandbox that closes it, "
		 "sandbox: {read_write: [%s], protect_system: full} opens it (heapward status has the walls)",
		 path[0] != '\0' ? path : "a file", path[0] != '\0' ? path : "PATH");
	return true;
}
