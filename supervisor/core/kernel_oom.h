/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_oom: reads the kernel's own words about an OOM kill, one record of /dev/kmsg at a time. Names of groups and
 * tasks in it are chosen by others: only a group path that we made is believed. Pure. */
#ifndef SUPERVISOR_CORE_KERNEL_OOM_H
#define SUPERVISOR_CORE_KERNEL_OOM_H

#include "supervisor/types/verdict.h"

/* Takes one record ("6,436,9628745740,-;oom-kill:constraint=...", NUL-terminated) into *oom if it tells of a victim in
 * `group` (as cgroup_path names it) or below it. The last victim counts; the "Killed process" line of the same pid that
 * follows replaces the text. Returns true where *oom changed. */
bool kernel_oom_feed(struct kernel_oom *oom, const char *record, const char *group);

#endif
