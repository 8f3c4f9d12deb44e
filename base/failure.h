/* SPDX-License-Identifier: Apache-2.0 */
/* failure: a fault of the environment, on its way to the user. It lives on the caller's stack, allocates nothing,
 * and grows a prefix at each step on the way up: "load policy: open web.yaml: Permission denied". */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include "base/base.h"

struct failure {
	int error;      /* errno of the fault, 0 where there is none */
	char text[512]; /* what failed, outermost step first; cut, never overrun */
};

/* Sets *why to the formatted text, with ": strerror(error)" behind it where error is not 0. Always returns -1, so
 * that a fault reads `return failed(why, errno, "open %s", path);`. */
int failed(struct failure *why, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "formatted: " before the text that is there. Always returns -1; error stays. */
int failed_in(struct failure *why, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
