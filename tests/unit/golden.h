/* SPDX-License-Identifier: Apache-2.0 */
/* golden: a text held against a file of tests/golden. HEAPWARD_GOLDEN_WRITE=1 writes the files anew: read the diff. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `name` ("explain/hand-capped") below tests/golden, beside the source of the test (`__FILE__`, as meson names it from the build). */
static inline void golden_path(const char *source, const char *name, char *path, size_t size)
{
	const char *end = strstr(source, "tests/unit/");
	snprintf(path, size, "%.*stests/golden/%s.txt", end != NULL ? (int)(end - source) : 0, source, name);
}

static inline void golden_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (file == NULL)
		fail_msg("%s: cannot be written", path);
	fputs(text, file);
	fclose(file);
}

static inline void golden_check(const char *path, const char *text)
{
	static char expected[65536];
	if (getenv("HEAPWARD_GOLDEN_WRITE") != NULL)
		golden_write(path, text);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s is missing; HEAPWARD_GOLDEN_WRITE=1 writes it", path);
	expected[fread(expected, 1, sizeof(expected) - 1, file)] = '\0';
	fclose(file);
	if (strcmp(expected, text) != 0)
		fail_msg("%s differs; HEAPWARD_GOLDEN_WRITE=1 writes it anew. Now:\n%s", path, text);
}

#endif
