/* SPDX-License-Identifier: Apache-2.0 */
/* self_signals: who has this process's user may have the kernel send it signals (SIGIO, where F_SETOWN cannot be denied), and most
 * of them end it. What is ignored is not even queued. */
#include "supervisor/edge/self.h"

#include <signal.h>
#include <sys/syscall.h>

/* By the kernel's own call: libc does not let its two real-time signals be set, which end a process all the same. */
static bool is_default(int number)
{
	unsigned long action[4] = { 0 };
	return syscall(SYS_rt_sigaction, number, NULL, action, sizeof(uint64_t)) == 0 && action[0] == (unsigned long)SIG_DFL;
}

static void ignore(int number)
{
	const unsigned long action[4] = { (unsigned long)SIG_IGN };
	(void)syscall(SYS_rt_sigaction, number, action, NULL, sizeof(uint64_t));
}

/* The kernel still ends us by those that a fault of our own brings (SIGSEGV), and abort() by SIGABRT. */
void self_ignore_signals(const int *but, size_t but_count)
{
	static const int job_control[] = { SIGTSTP, SIGTTIN, SIGTTOU }; /* Ctrl-Z is the terminal's */
	for (int number = 1; number < NSIG; number++) {
		bool used = !is_default(number);
		for (size_t i = 0; i < but_count; i++)
			used = used || but[i] == number;
		for (size_t i = 0; i < ARRAY_LEN(job_control); i++)
			used = used || job_control[i] == number;
		if (!used)
			ignore(number); /* SIGKILL and SIGSTOP refuse */
	}
}
