/* SPDX-License-Identifier: Apache-2.0 */
/* steps: the order of confinement, and nothing else. Why this order: PDEATHSIG is lost when the uid changes; the bounding
 * set and securebits need the privilege that the switch takes away; a mount after Landlock is refused; the filter comes
 * last, or it would judge us. */
#include "child/confine/confine.h"

const struct confine_row confine_steps[] = {
	{ LAUNCH_STEP_CGROUP, confine_cgroup },
	{ LAUNCH_STEP_SESSION, confine_session },
	{ LAUNCH_STEP_OOM_SCORE, confine_oom_score },
	{ LAUNCH_STEP_LIMITS, confine_limits },
	{ LAUNCH_STEP_NAMESPACES, confine_namespaces },
	{ LAUNCH_STEP_MOUNTS, confine_mounts },
	{ LAUNCH_STEP_SECUREBITS, confine_securebits },
	{ LAUNCH_STEP_BOUNDING, confine_bounding },
	{ LAUNCH_STEP_GROUPS, confine_groups },
	{ LAUNCH_STEP_GID, confine_gid },
	{ LAUNCH_STEP_UID, confine_uid },
	{ LAUNCH_STEP_CAPABILITIES, confine_capabilities },
	{ LAUNCH_STEP_DEATH_SIGNAL, confine_death_signal },
	{ LAUNCH_STEP_NO_NEW_PRIVS, confine_no_new_privs },
	{ LAUNCH_STEP_LANDLOCK, confine_landlock },
	{ LAUNCH_STEP_DIRECTORY, confine_directory },
	{ LAUNCH_STEP_DESCRIPTORS, confine_descriptors },
	{ LAUNCH_STEP_SECCOMP, confine_seccomp },
	{ LAUNCH_STEP_EXEC, confine_exec },
	{ LAUNCH_STEP_COUNT, NULL },
};
