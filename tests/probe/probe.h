/* SPDX-License-Identifier: Apache-2.0 */
/* probe: what a compromised server would try, one act at a time, each in a process of its own. Every act is harmless where
 * it gets through, for with the sandbox off it does: it asks the kernel for what it would need, with the same value, for
 * a process or a file of its own, or so that the kernel refuses it only after it would have allowed it. */
#ifndef TESTS_PROBE_PROBE_H
#define TESTS_PROBE_PROBE_H

#include "base/base.h"

#include <stdbool.h>
#include <sys/types.h>

/* What an act returns: THROUGH, an errno where it was refused, or ABSENT where this machine has nothing to try it on. */
enum { THROUGH = 0, ABSENT = 254 };

enum target { SUPERVISOR, KEEPER, NEIGHBOUR, OUTSIDER, TARGETS };

/* Read from the file that the first argument names: KEY=VALUE lines, written by who runs the probe. Everything else is
 * found as an intruder would. */
struct targets {
	pid_t pids[TARGETS];       /* as seen from outside; OUTSIDER: a process of the same user, confined by nobody */
	const char *signals;       /* a file in which the outsider writes the number of a signal that it gets */
	const char *heapward;      /* the command */
	const char *child, *agent; /* what it runs as every worker, and loads into it */
	const char *name;          /* of this service, and of another one on this machine */
	const char *neighbour;
	const char *state, *neighbour_state; /* their state directories */
	const char *policy;        /* the policy file of this service */
	const char *program;       /* a copy of the probe that belongs to root and has its set-user-ID bit */
	const char *secret;        /* a file of another user that only he may read */
};

/* One act. `number` and `text` are what its function is told. */
struct act {
	const char *name;
	int (*run)(const struct targets *at, long number, const char *text);
	long number;
	const char *text;
	const char *call;     /* the system call that a seccomp.violation then names; "": another guard refuses it; "kill?": named
				 where the worker has the supervisor's user */
	const char *expected; /* under no sandbox section as root, strict.yaml, no sandbox section as a user: D(enied); S: denied
				 where Landlock has scopes (ABI 6), C: where it covers cutting a file (ABI 3); U: names in directories, modes
				 * and attributes of files of its own user, priorities and processors of his processes, whose numbers a filter
				 * cannot tell from those of threads: nothing but a user of its own closes these */
	const char *what;
};

extern const struct act acts[];
extern const size_t act_count;

/* The return value of an act from that of a system call; with `passed`, that errno comes only after the kernel has allowed
 * it. A missing call or file is for the reference run to tell from a refusal. */
int tried(long result);
int tried_past(long result, int passed);

/* A child that waits until the act is over. */
pid_t decoy(void);

/* A new file of the act's own in the working directory, removed again by its end; -1 with errno. */
int own_file(char *path, size_t size);

/* A new directory of the same kind. */
int own_directory(char *path, size_t size);

/* The abstract socket of the outsider; returns the length. */
struct sockaddr_un;
unsigned abstract_address(struct sockaddr_un *ret, pid_t pid);

/* One line, without its newline; false where the file cannot be read. */
bool read_line(const char *path, char *text, size_t size);

typedef int act_function(const struct targets *at, long number, const char *text);

/* The head of an act's function. */
#define ACT(name) int name(const struct targets *at UNUSED, long number UNUSED, const char *text UNUSED)

/* kernel.c: calls that a server has no need of */
act_function trace_me, trace_child, read_child, write_child, take_descriptor, compare_child, load_bpf, make_bpf_map, count_events,
	fault_handler, fault_device, ring, join_keyring, give_key, ask_key, load_kernel, load_kernel_file, load_module, load_module_file,
	unload_module, restart_machine, swap_on, swap_off, account, quota, kernel_log, set_time, set_clock, adjust_clock,
	adjust_time, host_name, domain_name, all_ports, one_port, local_table, persona, hang_up, watch_all, memory_program,
	old_entry, x32_entry;
/* places.c: mounts and namespaces */
act_function mount_memory, mount_again, unmount, pivot, change_root, open_handle, open_mount, mount_context, pick_mount, copy_tree,
	move_tree, mount_attributes, unshare_one, clone_one, clone3_one, join_own, join_init, join_process;
/* privilege.c: users, capabilities, devices, priorities */
act_function other_user, other_group, other_groups, file_user, take_capabilities, ambient_capability, secure_bits, gain_by_exec,
	make_device, give_away, set_user_id_bit, create_set_user_id, file_capability, trusted_attribute, real_time, nicer, real_time_disk, disk_of_many, priority_of_many, oom_shield,
	steal_terminal, push_terminal, raise_limit, hold_lease, immutable_file, wake_machine;
/* others.c: processes that are not the worker's */
act_function signal_process, signal_stop, signal_group, signal_queue, signal_thread, signal_thread_old, signal_thread_queue,
	signal_pidfd, signal_owner, signal_owner_ioctl, trace_other, read_other, write_other, take_other, limit_other, schedule_other, attribute_other,
	affinity_other, priority_other, disk_other, proc_read, proc_write, proc_list, proc_oom, move_other, advise_other;
/* service.c: heapward's own files, sockets and groups */
act_function ask_own, ask_neighbour, ask_from_outside, list_state, plant_state, rename_state, plant_policy, write_policy, write_heapward, write_program,
	plant_program, write_agent, group_limit, group_tasks, group_leave, group_make, group_join_neighbour, group_neighbour_limit, group_agent,
	group_devices, leaked;
/* files.c: what belongs to the machine */
act_function home_file, home_folder, open_to_write, open_to_read, open_both, plant, list, same_mode, same_owner, same_times, same_size, user_attribute,
	hard_link, rename_file, read_secret;
/* network.c */
act_function open_socket, low_port, mark_packets, force_buffer, transparent, interface_flags, tunnel,
	abstract_socket, connect_to, forge_identity;

#endif
