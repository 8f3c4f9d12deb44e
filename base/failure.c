/* SPDX-License-Identifier: Apache-2.0 */
/* failure: formatting only; see failure.h. */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int failed(struct failure *why, int error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	why->error = error;
	if (error != 0 && length >= 0 && (size_t)length < sizeof(why->text)) {
		char buffer[96];
		snprintf(why->text + length, sizeof(why->text) - (size_t)length, ": %s",
			 strerror_r(error, buffer, sizeof(buffer)));
	}
	return -1;
}

int failed_in(struct failure *why, const char *format, ...)
{
	char prefix[256], old[sizeof(why->text)];
	va_list args;
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	memcpy(old, why->text, sizeof(old));
	/* The outermost step matters most to the reader: what does not fit is cut at the far end. */
	snprintf(why->text, sizeof(why->text), "%s: %.*s", prefix, (int)(sizeof(why->text) - sizeof(prefix)), old);
	return -1;
}
