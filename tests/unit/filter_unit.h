/* SPDX-License-Identifier: Apache-2.0 */
/* filter_unit: shipped lists as filters, for tests. */
#ifndef TESTS_UNIT_FILTER_UNIT_H
#define TESTS_UNIT_FILTER_UNIT_H

#include "tests/unit/unit.h"

#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_syscalls.h"

#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define FILTER_DENIED (SECCOMP_RET_ERRNO | EPERM)

/* A shipped list, or a file, with the numbers of an architecture; the caller frees it. */
static inline struct syscall_list *list_of(const char *name, uint32_t architecture)
{
	char folder[PATH_MAX], text[1024];
	struct failure why;
	struct syscall_names names = filter_names_of(architecture);
	struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	assert_true(list != NULL && errors != NULL);
	if (libexec_path("syscalls", folder, sizeof(folder), &why) < 0)
		fail_msg("%s", why.text);
	if (policy_syscalls_load(list, name, NULL, folder, &names, errors) < 0) {
		policy_error_format(&errors->list[0], text, sizeof(text));
		fail_msg("%s", text);
	}
	return list;
}

static inline void filter_of(const char *name, uint32_t architecture, uint32_t denied, unsigned char **ret, size_t *ret_bytes)
{
	struct failure why;
	cleanup_free struct syscall_list *list = list_of(name, architecture);
	if (filter_build(list, architecture, denied, ret, ret_bytes, &why) < 0)
		fail_msg("%s: %s", name, why.text);
}

#endif
