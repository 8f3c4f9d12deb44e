/* SPDX-License-Identifier: Apache-2.0 */
/* self_capabilities: by the kernel's own calls, since the keeper links no libcap. */
#include "supervisor/edge/self.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define SETS _LINUX_CAPABILITY_U32S_3

/* The kernel's sets, each in two halves. */
struct sets {
	uint64_t effective, permitted, inheritable;
};

static int read_sets(struct sets *ret)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[SETS] = { 0 };
	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	*ret = (struct sets){ data[0].effective | (uint64_t)data[1].effective << 32,
			      data[0].permitted | (uint64_t)data[1].permitted << 32,
			      data[0].inheritable | (uint64_t)data[1].inheritable << 32 };
	return 0;
}

static int write_sets(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[SETS] = {
		{ (uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable },
		{ (uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32), (uint32_t)(sets->inheritable >> 32) },
	};
	return (int)syscall(SYS_capset, &header, data);
}

static bool is_bounding(unsigned number)
{
	return prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1;
}

static uint64_t read_bounding(void)
{
	uint64_t set = 0;
	for (unsigned number = 0; number < 64; number++)
		set |= (uint64_t)is_bounding(number) << number;
	return set;
}

/* Without CAP_SETPCAP nothing can be dropped: what is there was given to us, and our children had it before. */
static void cut_bounding(uint64_t reach)
{
	for (unsigned number = 0; number < 64; number++)
		if ((reach >> number & 1) == 0 && is_bounding(number))
			(void)prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
}

static bool exec_gives_back(void)
{
	return geteuid() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 &&
	       (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & SECBIT_NOROOT) == 0;
}

int self_lower(uint64_t own, uint64_t later, uint64_t reach)
{
	struct sets sets;
	assert(((own | later) & ~reach) == 0);
	if (read_sets(&sets) < 0)
		return -1;
	cut_bounding(reach);
	sets.permitted &= exec_gives_back() ? own | later : reach;
	sets.effective &= own;
	sets.inheritable &= reach;
	return write_sets(&sets);
}

void self_raise(uint64_t later)
{
	struct sets sets;
	if (read_sets(&sets) < 0)
		return;
	sets.effective |= later & sets.permitted;
	(void)write_sets(&sets);
}

void self_hide(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* fails for no valid value */
}

void self_look(struct self *ret)
{
	struct sets sets = { 0 };
	(void)read_sets(&sets); /* fails for no version that the kernel itself names */
	*ret = (struct self){ .effective = sets.effective,
			      .permitted = sets.permitted,
			      .bounding = read_bounding(),
			      .filtered = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2,
			      .dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1,
			      .no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 };
}
