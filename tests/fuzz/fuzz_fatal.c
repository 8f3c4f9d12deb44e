/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_fatal: any bytes as the worker's stderr: whole or byte by byte, the scanner finds the same, in printable text. */
#include "supervisor/core/fatal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fatal_scanner whole, single;
	fatal_scanner_init(&whole);
	fatal_scanner_init(&single);
	fatal_scanner_feed(&whole, data, size, 1);
	for (size_t i = 0; i < size; i++)
		fatal_scanner_feed(&single, data + i, 1, 1);
	fatal_scanner_finish(&whole, 1);
	fatal_scanner_finish(&single, 1);
	assert(whole.found.kind == single.found.kind);
	assert(strcmp(whole.found.text, single.found.text) == 0);
	for (const char *at = whole.found.text; *at != '\0'; at++)
		assert(*at >= ' ' && *at < 0x7f);
	return 0;
}
