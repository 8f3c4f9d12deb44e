/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_words: the constants that a condition of a system-call list may name, with the values of x86-64 and aarch64,
 * which agree in all of them. */
#include "supervisor/core/syscall_list.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/prctl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif
/* <linux/ioprio.h> is newer than the call. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP 2
/* What opens a file that was not there; what lets others run it as its owner or group. */
#define CREATING (O_CREAT | 020000000) /* __O_TMPFILE */
#define SET_ID (S_ISUID | S_ISGID)
#define CLONE_NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static const struct {
	const char *name;
	uint64_t value;
} words[] = {
#define WORD(name) { #name, (uint64_t)(name) }
	/* clone, unshare, setns */
	WORD(CLONE_NAMESPACES), WORD(CLONE_NEWNS), WORD(CLONE_NEWCGROUP), WORD(CLONE_NEWUTS), WORD(CLONE_NEWIPC),
	WORD(CLONE_NEWUSER), WORD(CLONE_NEWPID), WORD(CLONE_NEWNET), WORD(CLONE_VM), WORD(CLONE_THREAD),
	/* socket, socketpair */
	WORD(AF_UNIX), WORD(AF_INET), WORD(AF_INET6), WORD(AF_NETLINK), WORD(AF_PACKET), WORD(AF_ALG), WORD(AF_VSOCK),
	WORD(AF_BLUETOOTH), WORD(AF_XDP), WORD(SOCK_STREAM), WORD(SOCK_DGRAM), WORD(SOCK_RAW), WORD(SOCK_SEQPACKET),
	WORD(NETLINK_ROUTE), WORD(NETLINK_KOBJECT_UEVENT),
	/* ioctl */
	WORD(FIOCLEX), WORD(FIONCLEX), WORD(FIONBIO), WORD(FIOASYNC), WORD(FIONREAD), WORD(FICLONE), WORD(FICLONERANGE),
	WORD(TCGETS), WORD(TCSETS), WORD(TCSETSW), WORD(TCSETSF), WORD(TIOCGWINSZ), WORD(TIOCSWINSZ), WORD(TIOCGPGRP),
	WORD(TIOCSPGRP), WORD(TIOCGSID), WORD(TIOCNOTTY), WORD(TIOCSCTTY), WORD(TIOCSTI), WORD(TIOCLINUX), WORD(TIOCOUTQ),
	/* prctl */
	WORD(PR_SET_PDEATHSIG), WORD(PR_GET_PDEATHSIG), WORD(PR_GET_DUMPABLE), WORD(PR_SET_DUMPABLE), WORD(PR_SET_NAME),
	WORD(PR_GET_NAME), WORD(PR_GET_SECCOMP), WORD(PR_SET_SECCOMP), WORD(PR_CAPBSET_READ), WORD(PR_SET_TIMERSLACK),
	WORD(PR_GET_TIMERSLACK), WORD(PR_SET_MM), WORD(PR_SET_CHILD_SUBREAPER), WORD(PR_SET_NO_NEW_PRIVS),
	WORD(PR_GET_NO_NEW_PRIVS), WORD(PR_SET_THP_DISABLE), WORD(PR_GET_THP_DISABLE), WORD(PR_CAP_AMBIENT), WORD(PR_SET_VMA),
	WORD(PR_SET_PTRACER),
	/* open, chmod and their like; memfd_create; setpriority, ioprio_set */
	WORD(CREATING), WORD(SET_ID), WORD(MFD_NOEXEC_SEAL), WORD(PRIO_PROCESS), WORD(PRIO_PGRP), WORD(IOPRIO_WHO_PROCESS),
	WORD(IOPRIO_WHO_PGRP),
#undef WORD
};

bool syscall_word_find(const char *name, uint64_t *ret_value)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].name, name) != 0)
			continue;
		*ret_value = words[i].value;
		return true;
	}
	return false;
}

void syscall_words_offer(struct suggest *suggest)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		suggest_offer(suggest, words[i].name, strlen(words[i].name));
}

/* Which names are meant where: what else has the same number means something else. */
static const struct {
	const char *call;
	unsigned argument;
	const char *prefix;
	bool flags;
} meanings[] = {
	{ "clone", 0, "CLONE_", true },   { "unshare", 0, "CLONE_", true }, { "setns", 1, "CLONE_", true },
	{ "socket", 0, "AF_", false },    { "socketpair", 0, "AF_", false }, { "socket", 2, "NETLINK_", false },
	{ "ioctl", 1, "FI", false },      { "ioctl", 1, "TC", false },       { "ioctl", 1, "TIO", false },
	{ "prctl", 0, "PR_", false },     { "open", 1, "CREATING", true },   { "open", 2, "SET_ID", true },
	{ "openat", 2, "CREATING", true }, { "openat", 3, "SET_ID", true },    { "creat", 1, "SET_ID", true },
	{ "chmod", 1, "SET_ID", true },    { "fchmod", 1, "SET_ID", true },    { "fchmodat", 2, "SET_ID", true },
	{ "fchmodat2", 2, "SET_ID", true }, { "mknod", 1, "SET_ID", true },    { "mknodat", 2, "SET_ID", true },
	{ "memfd_create", 1, "MFD_", true }, { "setpriority", 0, "PRIO_", false }, { "ioprio_set", 0, "IOPRIO_", false },
};

static const char *word_with(const char *prefix, uint64_t value)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].value == value && strncmp(words[i].name, prefix, strlen(prefix)) == 0)
			return words[i].name;
	return NULL;
}

const char *syscall_word_of(const char *call, unsigned argument, uint64_t value)
{
	const char *word = NULL;
	for (size_t i = 0; i < ARRAY_LEN(meanings) && word == NULL; i++)
		if (meanings[i].argument == argument && strcmp(meanings[i].call, call) == 0)
			word = word_with(meanings[i].prefix, value);
	return word;
}

bool syscall_words_flags(const char *call, unsigned argument)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (meanings[i].argument == argument && strcmp(meanings[i].call, call) == 0)
			return meanings[i].flags;
	return false;
}
