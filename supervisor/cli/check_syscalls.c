/* SPDX-License-Identifier: Apache-2.0 */
/* check_syscalls: see check_syscalls.h. */
#include "supervisor/cli/check_syscalls.h"

#include "supervisor/core/policy.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_syscalls.h"

#include <limits.h>

void check_syscalls(const struct policy *policy, struct policy_errors *errors)
{
	char folder[PATH_MAX];
	struct failure why;
	struct syscall_names names = filter_names();
	const char *name = policy_syscalls(policy);
	if (!policy_filters(policy) || policy->misread[KEY_SANDBOX_SYSCALLS])
		return;
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	if (list == NULL || libexec_path("syscalls", folder, sizeof(folder), &why) < 0)
		policy_errors_add_key(errors, policy, KEY_SANDBOX_SYSCALLS, false, "sandbox.syscalls: %.200s",
				      list == NULL ? "memory is out" : why.text);
	else
		(void)policy_syscalls_load(list, name, policy, folder, &names, errors);
}
