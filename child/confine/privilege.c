/* SPDX-License-Identifier: Apache-2.0 */
/* privilege: user, groups and capabilities, by libcap's IAB (inheritable, ambient, bounding). A supervisor without
 * privilege has nothing to give up: what it cannot do and what would change nothing is passed over. */
#include "child/confine/confine.h"

#include <errno.h>
#include <grp.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

/* To the kernel: a worker with this number would stay root in silence. */
#define UNCHANGED UINT32_MAX

static void free_cap(void *cap)
{
	if (*(void **)cap != NULL)
		cap_free(*(void **)cap);
}

static bool has_effective(cap_value_t value)
{
	cap_flag_value_t flag = CAP_CLEAR;
	cleanup(free_cap) cap_t caps = cap_get_proc();
	return caps != NULL && cap_get_flag(caps, value, CAP_EFFECTIVE, &flag) == 0 && flag == CAP_SET;
}

/* The named capabilities as inheritable ones of an IAB, with the others dropped from the bounding set where that is asked
 * for; NULL where a name is unknown to libcap. */
static cap_iab_t named(const char *names, bool bounding)
{
	char text[2048] = "";
	cleanup_free char *copy = strdup(names);
	char *rest = copy, *name;
	size_t length = 0;
	if (copy == NULL)
		return NULL;
	while ((name = strsep(&rest, ",")) != NULL && length < sizeof(text))
		if (name[0] != '\0')
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
						   length == 0 ? "" : ",", name);
	cap_iab_t iab = cap_iab_from_text(text);
	if (iab == NULL || !bounding)
		return iab;
	for (cap_value_t value = 0; value < cap_max_bits(); value++)
		if (cap_iab_get_vector(iab, CAP_IAB_INH, value) == CAP_CLEAR)
			cap_iab_set_vector(iab, CAP_IAB_BOUND, value, CAP_SET);
	return iab;
}

int confine_bounding(const struct launch *launch, struct launch_report *report)
{
	if (launch->capabilities == NULL || !has_effective(CAP_SETPCAP))
		return 0;
	cleanup(free_cap) cap_iab_t iab = named(launch->capabilities, true);
	if (iab == NULL)
		return confine_failed(report, 0, "unknown capability in \"%.100s\"", launch->capabilities);
	/* Only the bounding set now: what is inheritable or ambient before the switch would be lost in it. */
	for (cap_value_t value = 0; value < cap_max_bits(); value++)
		if (cap_iab_get_vector(iab, CAP_IAB_BOUND, value) == CAP_SET && cap_get_bound(value) > 0 &&
		    cap_drop_bound(value) < 0)
			return confine_failed(report, errno, "drop capability %d", value);
	return 0;
}

/* Root gets nothing for being root: not by an exec, and, where it keeps none at all, not by raising ambient ones. The
 * fix-up of a setuid stays as programs know it: who keeps cap_setuid in order to drop the rest by it, drops the rest. */
int confine_securebits(const struct launch *launch, struct launch_report *report)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
	if (launch->capabilities == NULL || !has_effective(CAP_SETPCAP))
		return 0;
	if (launch->capabilities[0] == '\0')
		bits |= SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	else if (launch->set_user)
		bits |= SECBIT_KEEP_CAPS; /* until exec, which clears it */
	int before = prctl(PR_GET_SECUREBITS); /* what is locked must stay */
	if (before > 0)
		bits |= (unsigned long)before;
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return confine_failed(report, errno, "PR_SET_SECUREBITS");
	return 0;
}

int confine_groups(const struct launch *launch, struct launch_report *report)
{
	gid_t gids[LAUNCH_GIDS_MAX];
	if (!launch->set_user)
		return 0;
	for (size_t i = 0; i < launch->gid_count; i++)
		gids[i] = launch->gids[i];
	if (setgroups(launch->gid_count, gids) < 0)
		return confine_failed(report, errno, "setgroups");
	return 0;
}

int confine_gid(const struct launch *launch, struct launch_report *report)
{
	if (launch->set_user && launch->gid == UNCHANGED)
		return confine_failed(report, EINVAL, "group %u", launch->gid);
	if (launch->set_user && setresgid(launch->gid, launch->gid, launch->gid) < 0)
		return confine_failed(report, errno, "group %u", launch->gid);
	return 0;
}

int confine_uid(const struct launch *launch, struct launch_report *report)
{
	if (launch->set_user && launch->uid == UNCHANGED)
		return confine_failed(report, EINVAL, "user %u", launch->uid);
	if (launch->set_user && setresuid(launch->uid, launch->uid, launch->uid) < 0)
		return confine_failed(report, errno, "user %u", launch->uid);
	return 0;
}

/* Permitted and effective to just the named ones, so that inheritable and ambient can be raised from them. */
static int cut_to(cap_iab_t iab)
{
	cleanup(free_cap) cap_t caps = cap_init();
	if (caps == NULL)
		return -1;
	for (cap_value_t value = 0; value < cap_max_bits(); value++) {
		if (cap_iab_get_vector(iab, CAP_IAB_INH, value) == CAP_CLEAR)
			continue;
		cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET);
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET);
		cap_set_flag(caps, CAP_INHERITABLE, 1, &value, CAP_SET);
	}
	return cap_set_proc(caps);
}

/* One by one: cap_iab_set_proc wants CAP_SETPCAP, which is gone by now and not needed. */
static int raise_ambient(cap_iab_t iab)
{
	if (cap_reset_ambient() < 0)
		return -1;
	for (cap_value_t value = 0; value < cap_max_bits(); value++)
		if (cap_iab_get_vector(iab, CAP_IAB_INH, value) == CAP_SET && cap_set_ambient(value, CAP_SET) < 0)
			return -1;
	return 0;
}

int confine_capabilities(const struct launch *launch, struct launch_report *report)
{
	if (launch->capabilities == NULL)
		return 0;
	cleanup(free_cap) cap_iab_t iab = named(launch->capabilities, false);
	if (iab == NULL)
		return confine_failed(report, 0, "unknown capability in \"%.100s\"", launch->capabilities);
	if (cut_to(iab) < 0)
		return confine_failed(report, errno, "\"%.100s\"", launch->capabilities);
	if (raise_ambient(iab) < 0)
		return confine_failed(report, errno, "ambient \"%.100s\"", launch->capabilities);
	return 0;
}

int confine_no_new_privs(const struct launch *launch UNUSED, struct launch_report *report)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return confine_failed(report, errno, "PR_SET_NO_NEW_PRIVS");
	return 0;
}
