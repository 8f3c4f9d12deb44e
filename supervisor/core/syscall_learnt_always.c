/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_learnt_always: the calls that a learnt list has whether they were seen or not. */
#include "supervisor/core/syscall_learnt.h"

/* What rests on luck and not on what the program is asked to do: ends, interruptions, contention, memory. In one of
 * three runs a Node server called sched_yield, in the others not. Hot ones are most of what a server calls, are in
 * every shipped list without conditions, and no program on libc and an event loop is without them: to know how often
 * would cost more than it says. */
const struct syscall_learnt_always syscall_learnt_always[] = {
	{ "read", true, "not counted" },
	{ "write", true, "not counted" },
	{ "futex", true, "not counted" },
	{ "epoll_wait", true, "not counted" },
	{ "epoll_pwait", true, "not counted" },
	{ "clock_gettime", true, "not counted: a call only where the kernel's page cannot answer" },
	{ "gettimeofday", true, "not counted: the same" },
	{ "exit", false, "a thread's end" },
	{ "exit_group", false, "a process's end" },
	{ "rt_sigreturn", false, "behind every signal's handler" },
	{ "restart_syscall", false, "behind a stop and SIGCONT" },
	{ "rt_sigaction", false, "abort()" },
	{ "rt_sigprocmask", false, "abort()" },
	{ "getpid", false, "abort()" },
	{ "gettid", false, "abort()" },
	{ "tgkill", false, "abort(): how V8 ends at its heap limit" },
	{ "sched_yield", false, "a lock that another thread has: a matter of luck" },
	{ "clock_nanosleep", false, "the same, for longer" },
	{ "brk", false, "memory, as libc and V8 come to need it" },
	{ "mremap", false, "memory" },
	{ "munmap", false, "memory" },
	{ "madvise", false, "memory" },
	{ NULL, false, NULL },
};
