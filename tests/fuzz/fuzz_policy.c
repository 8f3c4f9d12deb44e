/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_policy: any bytes as a policy file and as settings: errors are printable, and what is accepted can be planned. */
#include "supervisor/core/policy.h"

#include <string.h>

static void print_all(const struct policy_errors *errors)
{
	char text[1024];
	for (size_t i = 0; i < errors->count; i++) {
		size_t length = policy_error_format(&errors->list[i], text, sizeof(text));
		assert(length > 0 && text[length - 1] == '\n');
		for (size_t k = 0; k < length; k++)
			assert(text[k] == '\n' || (unsigned char)text[k] >= ' ');
	}
}

/* Not strndup(): AddressSanitizer's reads one byte more. */
static char *copy_text(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	if (text != NULL)
		memcpy(text, data, size);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	cleanup_free char *text = copy_text(data, size);
	assert(errors != NULL && text != NULL);
	policy_init(&policy);
	int result = policy_apply_text(&policy, "fuzz.yaml", (const char *)data, size, errors);
	assert((result == 0) == (errors->refusals == 0));
	(void)policy_apply_settings(&policy, "HEAPWARD_SET", text, errors);
	policy_finish_defaults(&policy);
	(void)policy_check(&policy, errors);
	print_all(errors);
	policy_finish(&policy);
	free(errors);
	return 0;
}
