/* SPDX-License-Identifier: Apache-2.0 */
/* violation_text: a denied call for people: its arguments by name where that is cheap, what its list says of it, and what
 * allows it. Nothing that a pointer points to is known here. */
#include "supervisor/core/violation.h"

#include "supervisor/core/names.h"
#include "supervisor/core/syscall_match.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#define CALL_COLUMNS 60 /* of "denied CALL(...) by COMM, pid N" */
#define ONE_MAX 128     /* an argument in words */

/* How the arguments of a call are shown, a letter each; what is behind them is nothing. i: an int, a: a directory's
 * descriptor, x: a number, p: an address, m: a mode, s: a signal; the others are the tables below. */
static const struct shape {
	const char *call, *letters;
} shapes[] = {
	{ "socket", "wti" },        { "socketpair", "wtip" },      { "ioctl", "iwx" },
	{ "prctl", "wxxxx" },       { "clone", "wpppx" },          { "unshare", "w" },
	{ "setns", "iw" },          { "kill", "is" },              { "tkill", "is" },
	{ "tgkill", "iis" },        { "rt_sigqueueinfo", "isp" },  { "rt_tgsigqueueinfo", "iisp" },
	{ "pidfd_open", "ix" },     { "pidfd_getfd", "iix" },      { "pidfd_send_signal", "ispx" },
	{ "ptrace", "ripp" },       { "process_vm_readv", "ipxpxx" }, { "process_vm_writev", "ipxpxx" },
	{ "open", "pom" },          { "openat", "apom" },          { "open_by_handle_at", "ipo" },
	{ "name_to_handle_at", "apppx" }, { "mknod", "pmx" },      { "mknodat", "apmx" },
	{ "mount", "pppxp" },       { "umount2", "px" },           { "pivot_root", "pp" },
	{ "chroot", "p" },          { "move_mount", "apapx" },     { "open_tree", "apx" },
	{ "fsopen", "px" },         { "fsconfig", "ixppi" },       { "fsmount", "ixx" },
	{ "fspick", "apx" },        { "mount_setattr", "apxpx" },  { "keyctl", "kxxxx" },
	{ "add_key", "pppxi" },     { "request_key", "pppi" },     { "bpf", "bpi" },
	{ "perf_event_open", "piiix" }, { "userfaultfd", "x" },    { "fanotify_init", "xx" },
	{ "fanotify_mark", "ixxap" }, { "init_module", "pxp" },    { "finit_module", "ipx" },
	{ "delete_module", "px" },  { "kexec_load", "xxpx" },      { "kexec_file_load", "iixpx" },
	{ "reboot", "xxxp" },       { "swapon", "px" },            { "swapoff", "p" },
	{ "acct", "p" },            { "quotactl", "xpip" },        { "syslog", "ipi" },
	{ "settimeofday", "pp" },   { "clock_settime", "ip" },     { "clock_adjtime", "ip" },
	{ "adjtimex", "p" },        { "sethostname", "px" },       { "setdomainname", "px" },
	{ "iopl", "i" },            { "ioperm", "xxi" },           { "kcmp", "iiixx" },
	{ "personality", "x" },     { "seccomp", "xxp" },          { "fcntl", "iix" },
	{ "prlimit64", "iipp" },    { "setpriority", "iii" },      { "sched_setscheduler", "iip" },
	{ "vhangup", "" },          { "fork", "" },                { "vfork", "" },
};

/* Of the other calls how many arguments they have, in lists of names; what is in none is shown with six. */
static const char *const counted[] = {
	" getpid getppid gettid getuid geteuid getgid getegid getpgrp pause sched_yield setsid sync munlockall restart_syscall "
	"rt_sigreturn inotify_init ",
	" close fsync fdatasync fchdir chdir rmdir unlink dup pipe alarm umask exit exit_group getsid getpgid times time brk "
	"uname sysinfo epoll_create epoll_create1 eventfd mlockall inotify_init1 syncfs shmdt set_tid_address "
	"timer_delete timer_getoverrun sched_getscheduler sched_get_priority_max sched_get_priority_min io_destroy mq_unlink "
	"set_thread_area get_thread_area setfsuid setfsgid setuid setgid memfd_secret ",
	" access chmod fchmod creat dup2 link symlink rename mkdir truncate ftruncate flock statfs fstatfs stat lstat fstat "
	"utime utimes getcwd munmap mlock munlock listen shutdown nanosleep clock_gettime clock_getres gettimeofday "
	"getrlimit setrlimit getrusage getitimer setgroups getgroups setpgid setreuid setregid eventfd2 pipe2 removexattr "
	"lremovexattr fremovexattr inotify_rm_watch timerfd_create timerfd_gettime memfd_create io_setup rt_sigpending "
	"rt_sigsuspend sigaltstack capget capset getpriority set_robust_list arch_prctl landlock_restrict_self "
	"process_mrelease sched_getparam sched_setparam sched_rr_get_interval timer_gettime pkey_alloc ioprio_get msgget mq_notify ",
	" read write readv writev lseek poll chown fchown lchown readlink mprotect msync mincore madvise mlock2 "
	"bind connect accept getsockname getpeername sendmsg recvmsg getdents getdents64 dup3 execve fchmodat mkdirat "
	"unlinkat symlinkat futimesat listxattr llistxattr flistxattr inotify_add_watch setitimer sched_setaffinity "
	"sched_getaffinity sched_setattr getrandom getcpu membarrier setresuid setresgid getresuid getresgid ioprio_set "
	"close_range shmget shmat shmctl semget semop timer_create io_submit io_cancel landlock_create_ruleset get_robust_list "
	"faccessat readahead mq_getsetattr ",
	" rt_sigaction rt_sigprocmask rt_sigtimedwait wait4 pread64 pwrite64 sendfile fadvise64 fallocate sync_file_range tee "
	"vmsplice newfstatat readlinkat renameat faccessat2 utimensat accept4 epoll_ctl epoll_wait "
	"timerfd_settime timer_settime getxattr lgetxattr fgetxattr clock_nanosleep openat2 sendmmsg semctl msgsnd mq_open "
	"semtimedop sched_getattr pkey_mprotect rseq signalfd4 landlock_add_rule fchmodat2 cachestat ",
	" select ppoll waitid mremap setxattr lsetxattr fsetxattr getsockopt setsockopt statx linkat fchownat renameat2 preadv "
	"pwritev recvmmsg execveat process_madvise mq_timedsend mq_timedreceive msgrcv io_getevents remap_file_pages "
	"get_mempolicy ",
};

static const char any_shape[] = "xxxxxx";

struct word {
	uint64_t value;
	const char *name;
};

#define WORD(name) { (uint64_t)(name), #name }

static const struct word ptrace_words[] = {
	WORD(PTRACE_TRACEME), WORD(PTRACE_PEEKTEXT), WORD(PTRACE_PEEKDATA), WORD(PTRACE_POKETEXT), WORD(PTRACE_POKEDATA),
	WORD(PTRACE_CONT), WORD(PTRACE_KILL), WORD(PTRACE_ATTACH), WORD(PTRACE_DETACH), WORD(PTRACE_SEIZE),
};

static const struct word keyctl_words[] = {
	WORD(KEYCTL_GET_KEYRING_ID), WORD(KEYCTL_JOIN_SESSION_KEYRING), WORD(KEYCTL_UPDATE), WORD(KEYCTL_REVOKE),
	WORD(KEYCTL_CHOWN), WORD(KEYCTL_SETPERM), WORD(KEYCTL_DESCRIBE), WORD(KEYCTL_CLEAR), WORD(KEYCTL_LINK),
	WORD(KEYCTL_UNLINK), WORD(KEYCTL_SEARCH), WORD(KEYCTL_READ), WORD(KEYCTL_INSTANTIATE),
};

static const struct word bpf_words[] = {
	WORD(BPF_MAP_CREATE), WORD(BPF_MAP_LOOKUP_ELEM), WORD(BPF_MAP_UPDATE_ELEM), WORD(BPF_PROG_LOAD), WORD(BPF_OBJ_PIN),
	WORD(BPF_OBJ_GET), WORD(BPF_PROG_ATTACH), WORD(BPF_BTF_LOAD), WORD(BPF_LINK_CREATE),
};

static const struct word type_words[] = {
	WORD(SOCK_STREAM), WORD(SOCK_DGRAM), WORD(SOCK_RAW), WORD(SOCK_SEQPACKET),
};

static const struct word type_flags[] = { WORD(SOCK_CLOEXEC), WORD(SOCK_NONBLOCK) };

static const struct word open_modes[] = { WORD(O_RDONLY), WORD(O_WRONLY), WORD(O_RDWR) };

/* Those of several bits before those that are part of them. */
static const struct word open_flags[] = {
	WORD(O_TMPFILE), WORD(O_DIRECTORY), WORD(O_SYNC), WORD(O_DSYNC), WORD(O_CREAT), WORD(O_EXCL), WORD(O_TRUNC), WORD(O_APPEND),
	WORD(O_NONBLOCK), WORD(O_CLOEXEC), WORD(O_NOFOLLOW), WORD(O_PATH), WORD(O_DIRECT),
};

/* A text that is cut at its buffer's end. */
struct text {
	char *bytes;
	size_t size, length;
};

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text->bytes + text->length, text->size - text->length, format, args);
	va_end(args);
	text->length += length < 0 ? 0 : (size_t)length;
	if (text->length >= text->size)
		text->length = text->size - 1;
}

static void add_word(struct text *text, const struct word *words, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++) {
		if (words[i].value != value)
			continue;
		add(text, "%s", words[i].name);
		return;
	}
	add(text, "0x%" PRIx64, value);
}

static void add_flags(struct text *text, const struct word *words, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++) {
		if ((value & words[i].value) != words[i].value)
			continue;
		add(text, "|%s", words[i].name);
		value &= ~words[i].value;
	}
	if (value != 0)
		add(text, "|0x%" PRIx64, value);
}

/* A constant that lists of system calls know, too; flags joined by "|". */
static void add_constant(struct text *text, const char *call, unsigned argument, uint64_t value)
{
	const char *word = syscall_word_of(call, argument, value);
	uint64_t rest = value;
	size_t before = text->length;
	if (word == NULL && syscall_words_flags(call, argument)) {
		for (unsigned bit = 0; bit < 64; bit++) {
			const char *flag = value >> bit & 1 ? syscall_word_of(call, argument, UINT64_C(1) << bit) : NULL;
			if (flag != NULL)
				add(text, "%s%s", text->length > before ? "|" : "", flag);
			rest &= ~(flag != NULL ? UINT64_C(1) << bit : 0);
		}
	}
	if (word != NULL)
		add(text, "%s", word);
	else if (rest != 0 || text->length == before)
		add(text, "%s0x%" PRIx64, text->length > before ? "|" : "", rest);
}

static void add_signal(struct text *text, uint32_t number)
{
	if (number > 0 && number < 32)
		add(text, "%s", signal_name((int)number));
	else
		add(text, "%" PRIu32, number);
}

static void add_argument(struct text *text, const char *call, unsigned argument, char letter, uint64_t value)
{
	uint32_t low = (uint32_t)value;
	switch (letter) {
	case 'a':
		if ((int32_t)low == AT_FDCWD)
			add(text, "AT_FDCWD");
		else
			add(text, "%" PRId32, (int32_t)low);
		break;
	case 'b':
		add_word(text, bpf_words, ARRAY_LEN(bpf_words), low);
		break;
	case 'i':
		add(text, "%" PRId32, (int32_t)low);
		break;
	case 'k':
		add_word(text, keyctl_words, ARRAY_LEN(keyctl_words), low);
		break;
	case 'm':
		add(text, "0%" PRIo32, low);
		break;
	case 'o':
		add_word(text, open_modes, ARRAY_LEN(open_modes), low & O_ACCMODE);
		add_flags(text, open_flags, ARRAY_LEN(open_flags), low & ~(uint32_t)O_ACCMODE);
		break;
	case 'r':
		add_word(text, ptrace_words, ARRAY_LEN(ptrace_words), value);
		break;
	case 's':
		add_signal(text, low);
		break;
	case 't':
		add_word(text, type_words, ARRAY_LEN(type_words), low & 0xf);
		add_flags(text, type_flags, ARRAY_LEN(type_flags), low & ~UINT32_C(0xf));
		break;
	case 'w':
		add_constant(text, call, argument, strcmp(call, "clone") == 0 ? value : low);
		break;
	default:
		add(text, "0x%" PRIx64, value);
	}
}

static const char *shape_of(const char *call)
{
	char word[SYSCALL_NAME_MAX + 10];
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (strcmp(shapes[i].call, call) == 0)
			return shapes[i].letters;
	snprintf(word, sizeof(word), " %s ", call);
	for (size_t count = 0; count < ARRAY_LEN(counted); count++)
		if (strstr(counted[count], word) != NULL)
			return any_shape + strlen(any_shape) - count;
	return any_shape;
}

/* As many arguments as there is room for. */
const char *violation_call(const struct violation_call *call, size_t room, char *buffer, size_t size)
{
	const char *letters = shape_of(call->name);
	struct text text = { .bytes = buffer, .size = size };
	add(&text, "%s(", call->name);
	for (unsigned i = 0; letters[i] != '\0'; i++) {
		char bytes[ONE_MAX];
		struct text one = { .bytes = bytes, .size = sizeof(bytes) };
		add_argument(&one, call->name, i, letters[i], call->arguments[i]);
		size_t wanted = text.length + (i == 0 ? 0 : 2) + one.length;
		if (wanted + strlen(letters[i + 1] == '\0' ? ")" : ", ...)") > room) {
			add(&text, "%s...", i == 0 ? "" : ", ");
			break;
		}
		add(&text, "%s%s", i == 0 ? "" : ", ", bytes);
	}
	add(&text, ")");
	return buffer;
}

static void note_rule(struct violation_list *list, const struct syscall_rule *rule)
{
	if (rule->kind == SYSCALL_DENY && list->deny_count < VIOLATION_DENIES_MAX)
		list->denies[list->deny_count++] = *rule;
	if (rule->kind == SYSCALL_ALLOW && rule->number >= 0 && rule->number < VIOLATION_NUMBERS)
		list->says[rule->number] |= rule->condition_count == 0 ? VIOLATION_ALLOWED : VIOLATION_ALLOWED_WITH_SOME;
}

void violation_list_note(struct violation_list *ret, const char *name, const struct syscall_list *list)
{
	*ret = (struct violation_list){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	for (size_t i = 0; i < list->rule_count; i++)
		note_rule(ret, &list->rules[i]);
}

static bool is_denied_by(const struct violation_list *list, const struct violation_call *call)
{
	for (size_t i = 0; i < list->deny_count; i++)
		if (list->denies[i].number == call->number && syscall_match(&list->denies[i], call->arguments))
			return true;
	return false;
}

/* "socket int0 == AF_ALG": the line that allows it: with the argument that lists look at, where this one does. */
static void add_line(struct text *text, const struct violation_call *call, bool by_argument)
{
	const char *letters = shape_of(call->name), *at = strchr(letters, 'w');
	add(text, "\"%s", call->name);
	if (by_argument && at != NULL && !syscall_words_flags(call->name, (unsigned)(at - letters))) {
		unsigned argument = (unsigned)(at - letters);
		add(text, " int%u == ", argument);
		add_constant(text, call->name, argument, (uint32_t)call->arguments[argument]);
	}
	add(text, "\"");
}

/* The line that is missing, and where it goes. */
static void add_remedy(struct text *text, const struct violation_call *call, const struct violation_list *list, bool some)
{
	bool own = strchr(list->name, '/') != NULL;
	add(text, ": not %sin the list %s; if it is needed: ", some ? "with these arguments " : "", list->name);
	if (own)
		add(text, "the line ");
	else
		add(text, "sandbox.syscalls: ./my.list, with the lines \"include %s\" and ", list->name);
	add_line(text, call, some);
	add(text, own ? " in it" : " (or as heapward learn writes it)");
}

/* What the list allows and does not deny was denied by what heapward adds to it (core/shield.c). */
static void add_reason(struct text *text, const struct violation_call *call, const struct violation_list *list)
{
	bool known = call->number >= 0 && call->number < VIOLATION_NUMBERS;
	unsigned says = known ? list->says[call->number] : 0;
	if (strchr(call->name, ' ') != NULL) /* of another architecture, or of those that are counted together */
		add(text, ": no list allows it");
	else if (is_denied_by(list, call))
		add(text, ": by a \"deny\" of the list %s", list->name);
	else if ((says & VIOLATION_ALLOWED) != 0 || (says != 0 && call->shielded))
		add(text, ": not with these arguments, to protect the supervisor and other services");
	else
		add_remedy(text, call, list, (says & VIOLATION_ALLOWED_WITH_SOME) != 0);
}

const char *violation_text(const struct violation_call *call, enum violation answer, const struct violation_list *list,
			   char *buffer, size_t size)
{
	static const char *const words[] = { [VIOLATION_ERRNO] = "denied", [VIOLATION_KILL] = "killed for",
					     [VIOLATION_AUDIT] = "let through" };
	char who[48], shown[VIOLATION_CALL_MAX];
	struct text text = { .bytes = buffer, .size = size };
	snprintf(who, sizeof(who), " by %s, pid %d", call->comm[0] == '\0' ? "a process" : call->comm, call->pid);
	if (call->count > 1) {
		add(&text, "%s %s: %" PRIu64 " times so far", words[answer], call->name, call->count);
		return buffer;
	}
	violation_call(call, CALL_COLUMNS - strlen(who) - strlen(words[answer]) - 1, shown, sizeof(shown));
	add(&text, "%s %s%s", words[answer], shown, who);
	if (list->name[0] != '\0')
		add_reason(&text, call, list);
	return buffer;
}

const char *violation_arguments(const struct violation_call *call, char *buffer, size_t size)
{
	struct text text = { .bytes = buffer, .size = size };
	for (size_t i = 0; i < VIOLATION_ARGUMENTS; i++)
		add(&text, "%s0x%" PRIx64, i == 0 ? "" : " ", call->arguments[i]);
	return buffer;
}
