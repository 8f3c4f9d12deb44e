/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_death: any text as a kept death, a status and an event line: what is printed has no control bytes but newlines. */
#include "supervisor/core/death.h"
#include "supervisor/core/notice.h"
#include "supervisor/core/status.h"

#include <string.h>

static void check(char *text)
{
	for (const char *at = text; at != NULL && *at != '\0'; at++)
		assert(*at == '\n' || (unsigned char)*at >= ' ');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = calloc(1, size + 1);
	assert(text != NULL);
	memcpy(text, data, size);
	check(death_text(text, 1700000000LL * USEC_PER_SEC));
	check(status_text(text, 1700000000LL * USEC_PER_SEC));
	check(notice_line_text(text, strlen(text)));
	return 0;
}
