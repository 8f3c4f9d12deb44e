/* SPDX-License-Identifier: Apache-2.0 */
/* check_syscalls: see check_syscalls.h. */
#include "supervisor/cli/check_syscalls.h"

#include "supervisor/core/policy.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_syscalls.h"

#include <limits.h>

const char *check_syscalls_lack(const struct syscall_list *list, const struct syscall_names *names)
{
	static const char *const needed[] = { "execve", "exit_group" };
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!syscall_list_allows(list, names->number(names, needed[i])))
			return needed[i];
	return NULL;
}

/* audit lets them pass. */
static void look_at_list(const struct policy *policy, const struct syscall_list *list, const struct syscall_names *names,
			 struct policy_errors *errors)
{
	const char *lacks = check_syscalls_lack(list, names);
	if (lacks != NULL && policy->sandbox.violation != VIOLATION_AUDIT)
		policy_errors_add_key(errors, policy, KEY_SANDBOX_SYSCALLS, true,
				      "sandbox.syscalls: allows no %s: no worker can live with it", lacks);
}

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
	else if (policy_syscalls_load(list, name, policy, folder, &names, errors) == 0)
		look_at_list(policy, list, &names, errors);
}
