/* SPDX-License-Identifier: Apache-2.0 */
/* test_verdict: evidence in, one verdict out. A row names what was seen; everything else is as of an uneventful life. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/units.h"
#include "heapward/record.h"
#include "supervisor/core/names.h"
#include "supervisor/core/verdict.h"

enum {
	LINE = 1,           /* V8's fatal line on stderr */
	OTHER_LINE = 2,     /* another fatal line */
	REPORTER = 4,       /* a server said hello */
	NEAR = 8,           /* and its near-limit record came */
	CLOSED = 16,        /* and its process was seen to end */
	BYE = 32,           /* in order */
	OOM = 64,           /* oom_kill +1 in our own group */
	OOM_HOST = 128,     /* the kernel log says: not by a cgroup */
	OOM_ANCESTOR = 256, /* the kernel log names an ancestor */
	OOM_LOG = 512,      /* the kernel log names our own group */
	KILLED_BY_US = 1024,
	NO_GROUP = 2048,
	LAUNCHER = 4096,    /* the reporter is npm */
	THREAD = 8192,      /* the reporter is a worker thread */
	OLD = 16384,        /* its near-limit record is a minute old */
	TIMER = 32768,      /* the reporter is the JavaScript timer */
	TOLD = 65536,       /* its death was told as child.death */
	DRAINING = 131072,  /* it ended while it drained, before any signal */
	NOT_READY = 262144, /* it was ended because it was not ready in time */
	SELF = 1 << 19,     /* the reporter is the main process, no child of it */
	LOST = 1 << 20,     /* records were lost or not believed */
	LATE = 1 << 21,     /* it ended after we had begun to kill */
	KNOWN = 1 << 22,    /* the kernel tells how it ended: exit 0, or as below */
	ABORTED = 1 << 23, OOM_VICTIM = 1 << 24,
	UNSEEN = 1 << 25,   /* it was gone before its hello was read */
	STUCK = 1 << 26,     /* its event loop stood still when its end was asked for */
};
#define REPORTED (REPORTER | NEAR | CLOSED)
#define EXITED(code) CLD_EXITED, code
#define KILLED(signal) CLD_KILLED, signal

struct row {
	const char *what;
	unsigned seen;
	int wait_code, wait_status;
	enum asked asked;
	enum verdict_kind kind;
	bool certain;
	int exit_status;
};

static const struct row rows[] = {
	{ "heap limit", LINE | REPORTED | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT, true, 134 },
	{ "heap limit behind npm", LINE | REPORTED, EXITED(134), ASKED_NOTHING, VERDICT_HEAP_LIMIT, true, 134 },
	{ "heap limit behind npm that says 1", LINE | REPORTED, EXITED(1), ASKED_NOTHING, VERDICT_HEAP_LIMIT, true, 1 },
	{ "heap limit behind sh that says 0", LINE | REPORTED, EXITED(0), ASKED_NOTHING, VERDICT_HEAP_LIMIT, true, 0 },
	{ "heap limit, stderr elsewhere", REPORTED | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "heap limit, no agent", LINE, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "heap limit behind a shell, no agent", LINE, EXITED(134), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "the line printed, then exit 0", LINE, EXITED(0), ASKED_NOTHING, VERDICT_EXIT, true, 0 },
	{ "the line printed, then exit 1", LINE, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "the line printed, then abort", LINE | REPORTER | CLOSED | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "near the limit, then exit in order", LINE | REPORTED | BYE, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "near the limit, then exit without a word", REPORTED, EXITED(3), ASKED_NOTHING, VERDICT_EXIT, true, 3 },
	{ "near the limit long ago, then abort", REPORTED | OLD, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "a thread's limit, then exit", REPORTED | THREAD, EXITED(7), ASKED_NOTHING, VERDICT_EXIT, true, 7 },
	{ "a thread's limit ends the process", LINE | REPORTER | CLOSED | THREAD | SELF, KILLED(SIGABRT), ASKED_NOTHING,
	  VERDICT_HEAP_LIMIT, false, 134 },
	{ "a thread's limit behind npm", LINE | REPORTER | CLOSED | THREAD, EXITED(1), ASKED_NOTHING, VERDICT_HEAP_LIMIT,
	  false, 1 },
	{ "the line and abort, a thread gone long ago", LINE | REPORTER | CLOSED | THREAD | OLD | SELF, KILLED(SIGABRT), ASKED_NOTHING,
	  VERDICT_SIGNAL, true, 134 },
	{ "abort with a thread alive", REPORTER | CLOSED | THREAD | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "the line printed, a thread alive", LINE | REPORTER | CLOSED | THREAD | BYE, EXITED(1), ASKED_NOTHING,
	  VERDICT_EXIT, true, 1 },
	{ "npm's own heap near its limit", REPORTED | LAUNCHER, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "heap limit, but only a timer reports", LINE | REPORTER | TIMER | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT,
	  false, 134 },
	{ "abort where only a timer reports", REPORTER | TIMER | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "abort after a child's heap limit", REPORTED | TOLD, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "abort", REPORTER | CLOSED | SELF, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_SIGNAL, true, 134 },
	{ "a V8 check", OTHER_LINE | REPORTER | CLOSED | SELF, KILLED(SIGTRAP), ASKED_NOTHING, VERDICT_SIGNAL, true, 133 },
	{ "SIGSEGV", 0, KILLED(SIGSEGV), ASKED_NOTHING, VERDICT_SIGNAL, true, 139 },
	{ "SIGTERM of its own", 0, KILLED(SIGTERM), ASKED_NOTHING, VERDICT_SIGNAL, true, 143 },
	{ "exit 0", 0, EXITED(0), ASKED_NOTHING, VERDICT_EXIT, true, 0 },
	{ "exit 137 is no kill", 0, EXITED(137), ASKED_NOTHING, VERDICT_EXIT, true, 137 },
	{ "OOM-killed, the log says whose", OOM | OOM_LOG, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_OOM_KILL, true, 137 },
	{ "OOM-killed, no log", OOM, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_OOM_KILL, false, 137 },
	{ "OOM-killed behind npm", OOM | OOM_LOG | REPORTER | CLOSED, EXITED(1), ASKED_NOTHING, VERDICT_OOM_KILL, true, 1 },
	{ "a helper OOM-killed, then exit 1", OOM | OOM_LOG, EXITED(1), ASKED_NOTHING, VERDICT_OOM_KILL, false, 1 },
	{ "a helper OOM-killed, then exit 0", OOM | OOM_LOG, EXITED(0), ASKED_NOTHING, VERDICT_EXIT, true, 0 },
	{ "an ancestor's limit", OOM | OOM_ANCESTOR, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_OOM_KILL, true, 137 },
	{ "the host's memory", OOM | OOM_HOST, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_OOM_KILL_HOST, true, 137 },
	{ "killed from outside", 0, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_UNKNOWN_KILL, true, 137 },
	{ "killed, only the log says OOM", OOM_LOG, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_UNKNOWN_KILL, false, 137 },
	{ "killed, no group to tell", NO_GROUP, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_UNKNOWN_KILL, false, 137 },
	{ "SIGSYS", 0, KILLED(SIGSYS), ASKED_NOTHING, VERDICT_SECCOMP, false, 159 },
	/* A worker that lies: what the kernel says outweighs its records and its text. */
	{ "forged, exit 0", LINE | REPORTED | SELF, EXITED(0), ASKED_NOTHING, VERDICT_EXIT, true, 0 },
	{ "forged, exit 134", LINE | REPORTED | SELF, EXITED(134), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "forged, SIGSEGV", LINE | REPORTED | SELF, KILLED(SIGSEGV), ASKED_NOTHING, VERDICT_SIGNAL, true, 139 },
	{ "forged, killed", LINE | REPORTED | SELF, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_UNKNOWN_KILL, true, 137 },
	{ "forged, no line, exit 1", REPORTED, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "forged by a child that lives on", LINE | REPORTER | NEAR, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "forged by a child that we killed", LINE | REPORTED | LATE, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "forged by a child that left with 0", LINE | REPORTED | KNOWN, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "by a child that was gone at once", LINE | REPORTED | UNSEEN, EXITED(1), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 1 },
	{ "a child at its limit, told by the kernel", LINE | REPORTED | KNOWN | ABORTED, EXITED(1), ASKED_NOTHING,
	  VERDICT_HEAP_LIMIT, true, 1 },
	{ "the same, and a bye in its name", LINE | REPORTED | BYE | KNOWN | ABORTED, EXITED(1), ASKED_NOTHING,
	  VERDICT_HEAP_LIMIT, false, 1 },
	{ "a heap limit, and a bye in its name", LINE | REPORTED | BYE | SELF, KILLED(SIGABRT), ASKED_NOTHING,
	  VERDICT_HEAP_LIMIT, false, 134 },
	{ "behind sh, and a bye in its name", LINE | REPORTED | BYE, EXITED(134), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false,
	  134 },
	{ "near-limit records lost in a flood", LINE | REPORTER | CLOSED | SELF | LOST, KILLED(SIGABRT), ASKED_NOTHING,
	  VERDICT_HEAP_LIMIT, false, 134 },
	{ "the same behind sh", LINE | REPORTER | CLOSED | LOST, EXITED(134), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "only others report", LINE | REPORTER, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT, false, 134 },
	{ "lost, but one was heard", LINE | REPORTED | SELF | LOST, KILLED(SIGABRT), ASKED_NOTHING, VERDICT_HEAP_LIMIT, true,
	  134 },
	{ "a helper OOM-killed, the server itself exits 1", OOM | OOM_LOG | REPORTER | CLOSED | SELF, EXITED(1),
	  ASKED_NOTHING, VERDICT_OOM_KILL, false, 1 },
	{ "the same with 137", OOM | OOM_LOG | REPORTER | CLOSED | SELF, EXITED(137), ASKED_NOTHING, VERDICT_OOM_KILL, false,
	  137 },
	{ "a helper OOM-killed, a child left with 0", OOM | OOM_LOG | REPORTER | CLOSED | KNOWN, EXITED(1), ASKED_NOTHING,
	  VERDICT_OOM_KILL, false, 1 },
	{ "OOM-killed behind node, told by the kernel", OOM | OOM_LOG | REPORTER | CLOSED | BYE | KNOWN | OOM_VICTIM,
	  EXITED(1), ASKED_NOTHING, VERDICT_OOM_KILL, true, 1 },
	{ "stopped, in order", 0, EXITED(0), ASKED_STOP, VERDICT_STOPPED, true, 0 },
	{ "stopped by its signal", 0, KILLED(SIGTERM), ASKED_STOP, VERDICT_STOPPED, true, 0 },
	{ "stopped by force", KILLED_BY_US, KILLED(SIGKILL), ASKED_STOP, VERDICT_STOPPED, true, 0 },
	{ "stopped, a helper OOM-killed meanwhile", OOM | OOM_LOG | REPORTER | CLOSED, EXITED(1), ASKED_STOP, VERDICT_STOPPED,
	  true, 0 },
	{ "replaced", 0, KILLED(SIGTERM), ASKED_RESTART, VERDICT_REPLACED, true, 0 },
	{ "replaced near its limit", REPORTED | OLD, KILLED(SIGTERM), ASKED_REPLACE, VERDICT_REPLACED, true, 0 },
	{ "drained, left by itself", DRAINING | REPORTED | BYE, EXITED(0), ASKED_REPLACE, VERDICT_REPLACED, true, 0 },
	{ "drained, and printed the line", DRAINING | REPORTED | BYE | LINE, EXITED(0), ASKED_REPLACE, VERDICT_REPLACED, true, 0 },
	{ "its limit while it drained", DRAINING | LINE | REPORTED, KILLED(SIGABRT), ASKED_REPLACE, VERDICT_HEAP_LIMIT, true, 134 },
	{ "the same behind sh that says 0", DRAINING | LINE | REPORTED, EXITED(0), ASKED_REPLACE, VERDICT_HEAP_LIMIT, true, 0 },
	{ "OOM-killed while it drained", DRAINING | OOM | OOM_LOG, KILLED(SIGKILL), ASKED_RESTART, VERDICT_OOM_KILL, true, 137 },
	{ "an exception while it drained", DRAINING, EXITED(1), ASKED_RESTART, VERDICT_EXIT, true, 1 },
	{ "asked to stop while it drained", DRAINING, EXITED(0), ASKED_STOP, VERDICT_STOPPED, true, 0 },
	{ "stuck", STUCK | REPORTER, KILLED(SIGTERM), ASKED_WATCHDOG, VERDICT_WATCHDOG, true, 143 },
	{ "stuck, and deaf", STUCK | KILLED_BY_US, KILLED(SIGKILL), ASKED_WATCHDOG, VERDICT_WATCHDOG, true, 137 },
	{ "stuck, as far as records were heard", STUCK | REPORTER | LOST, KILLED(SIGTERM), ASKED_WATCHDOG, VERDICT_WATCHDOG, false,
	  143 },
	{ "stuck near its limit", STUCK | REPORTED | OLD, KILLED(SIGTERM), ASKED_WATCHDOG, VERDICT_WATCHDOG, true, 143 },
	{ "turned again, and drained", DRAINING | REPORTER, EXITED(0), ASKED_WATCHDOG, VERDICT_REPLACED, true, 0 },
	{ "stuck, then a crash before anybody asked", STUCK, EXITED(1), ASKED_NOTHING, VERDICT_EXIT, true, 1 },
	{ "stuck, and an operator stops it", STUCK, KILLED(SIGTERM), ASKED_STOP, VERDICT_STOPPED, true, 0 },
	{ "stuck, and an operator restarts it", STUCK, KILLED(SIGTERM), ASKED_RESTART, VERDICT_REPLACED, true, 0 },
	{ "not ready in time", NOT_READY, KILLED(SIGTERM), ASKED_NOTHING, VERDICT_NOT_READY, true, 143 },
	{ "not ready in time, and deaf", NOT_READY | KILLED_BY_US, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_NOT_READY, true, 137 },
	{ "not ready in time, left with 0", NOT_READY, EXITED(0), ASKED_NOTHING, VERDICT_NOT_READY, true, 0 },
};

#define OWN "/a/heapward-web/worker-0-a"

static void add_counters(const struct row *row, struct evidence *evidence)
{
	struct memory_counters *before = &evidence->before, *after = &evidence->after;
	before->known = (row->seen & NO_GROUP) == 0;
	before->level_count = 2;
	before->levels[0] = (struct level_counters){ .path = OWN, .max_bytes = 320 * MIB };
	before->levels[1] = (struct level_counters){ .path = "/a", .max_bytes = GIB };
	*after = *before;
	after->levels[0].oom_kill = (row->seen & OOM) != 0;
	evidence->kernel.found = (row->seen & (OOM_LOG | OOM_ANCESTOR | OOM_HOST)) != 0;
	evidence->kernel.host = (row->seen & OOM_HOST) != 0;
	snprintf(evidence->kernel.memcg, sizeof(evidence->kernel.memcg), "%s",
		 row->seen & OOM_ANCESTOR ? "/a" : row->seen & OOM_LOG ? OWN : "");
}

/* A worker thread has its process's main isolate beside it, whose leave-taking is what counts. */
static void add_main_isolate(const struct row *row, struct evidence *evidence, struct reporter *thread)
{
	struct reporter *main_isolate = thread + 1;
	*main_isolate = *thread;
	main_isolate->main_isolate = true;
	main_isolate->near_limit = false;
	thread->said_bye = true; /* as when a thread is taken down */
	thread->closed_usec = (row->seen & OLD ? 940 : 999) * USEC_PER_SEC;
	evidence->reporter_count = 2;
}

/* `reporter` has room for two. */
static void make(const struct row *row, struct evidence *ret, struct reporter *reporter)
{
	*ret = (struct evidence){
		.exited = true, .wait_code = row->wait_code, .wait_status = row->wait_status, .asked = row->asked,
		.not_ready = (row->seen & NOT_READY) != 0, .left_draining = (row->seen & DRAINING) != 0,
		.we_killed = (row->seen & KILLED_BY_US) != 0, .agent_expected = true,
		.was_stuck = (row->seen & STUCK) != 0,
		.ended_usec = 1000 * USEC_PER_SEC, .reporters = reporter, .reporter_count = row->seen & REPORTER ? 1 : 0,
		.main_pid = row->seen & SELF ? 12 : 11, .killed_usec = 1000 * USEC_PER_SEC,
		.records_lost = (row->seen & LOST) != 0,
	};
	*reporter = (struct reporter){
		.pid = 12, .main_isolate = (row->seen & THREAD) == 0, .launcher = (row->seen & LAUNCHER) != 0,
		.near_limit = (row->seen & NEAR) != 0, .closed = (row->seen & CLOSED) != 0,
		.source = row->seen & TIMER ? HEAPWARD_SOURCE_TIMER : HEAPWARD_SOURCE_AGENT,
		.told = (row->seen & TOLD) != 0, .said_bye = (row->seen & BYE) != 0, .old_space_bytes = 64 * MIB, .granted_bytes = 48 * MIB,
		.near_limit_usec = (row->seen & OLD ? 940 : 999) * USEC_PER_SEC,
		.closed_usec = (row->seen & LATE ? 1001 : 1000) * USEC_PER_SEC, .end_known = (row->seen & KNOWN) != 0,
		.unseen = (row->seen & UNSEEN) != 0,
		.end_code = row->seen & (ABORTED | OOM_VICTIM) ? CLD_KILLED : CLD_EXITED,
		.end_status = row->seen & ABORTED ? SIGABRT : row->seen & OOM_VICTIM ? SIGKILL : 0,
		.last = { .at_usec = 5, .used_bytes = 110 * MIB, .limit_bytes = 112 * MIB },
	};
	if (row->seen & THREAD)
		add_main_isolate(row, ret, reporter);
	if (row->seen & (LINE | OTHER_LINE)) {
		ret->fatal.kind = row->seen & LINE ? FATAL_HEAP_LIMIT : FATAL_OTHER;
		strcpy(ret->fatal.text, "FATAL ERROR: as printed");
	}
	add_counters(row, ret);
}

static void every_end_gets_its_one_verdict(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(&rows[i], &evidence, reporter);
		verdict_judge(&evidence, &verdict);
		if (verdict.kind != rows[i].kind || verdict.certain != rows[i].certain)
			fail_msg("%s: %s, certain %d: %s", rows[i].what, verdict_name(verdict.kind), verdict.certain, verdict.text);
		if (verdict_exit_status(&verdict) != rows[i].exit_status)
			fail_msg("%s: exit status %d", rows[i].what, verdict_exit_status(&verdict));
		assert_true(strlen(verdict.text) > 0 && verdict.evidence_count > 0);
	}
}

/* Whatever the records say: with the fatal line printed by anybody, a heap limit is certain only where the kernel has told
 * of a process that was aborted, or that ended behind a wrapper; and what the kernel decides, records do not change. */
static void no_records_whatever_outweigh_the_kernel(void **state UNUSED)
{
	static const int ends[][2] = { { EXITED(0) }, { EXITED(1) }, { EXITED(134) }, { EXITED(137) }, { KILLED(SIGABRT) },
				       { KILLED(SIGKILL) }, { KILLED(SIGSEGV) }, { KILLED(SIGSYS) } };
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict without, with;
	for (unsigned seen = 0; seen < 1u << 26; seen++) {
		if ((seen & (OTHER_LINE | OOM_HOST | OOM_ANCESTOR | NO_GROUP | KILLED_BY_US | DRAINING | NOT_READY)) != 0)
			continue;
		if ((seen & REPORTER) == 0 || ((seen & OOM) != 0) != ((seen & OOM_LOG) != 0) ||
		    __builtin_popcount(seen & (OLD | TOLD | LAUNCHER | THREAD | TIMER)) > 1)
			continue;
		if ((seen & (ABORTED | OOM_VICTIM)) == (ABORTED | OOM_VICTIM) || (seen & (ABORTED | KNOWN)) == ABORTED)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			struct row row = { .seen = seen & ~(unsigned)REPORTER, .wait_code = ends[i][0], .wait_status = ends[i][1] };
			make(&row, &evidence, reporter);
			verdict_judge(&evidence, &without);
			row.seen = seen;
			make(&row, &evidence, reporter);
			verdict_judge(&evidence, &with);
			bool aborted = ends[i][0] == CLD_KILLED && ends[i][1] == SIGABRT;
			bool wrapped = ends[i][0] == CLD_EXITED && (seen & (SELF | LATE)) == 0 &&
				       ((seen & KNOWN) == 0 || (seen & ABORTED) != 0);
			if (with.kind == VERDICT_HEAP_LIMIT && with.certain)
				assert_true((seen & LINE) != 0 && (seen & NEAR) != 0 && (aborted || wrapped));
			if (without.kind == VERDICT_OOM_KILL || without.kind == VERDICT_UNKNOWN_KILL ||
			    without.kind == VERDICT_SECCOMP)
				assert_int_equal(with.kind, without.kind);
			if (without.kind == VERDICT_HEAP_LIMIT && with.kind != VERDICT_HEAP_LIMIT)
				assert_true((seen & (LOST | NEAR)) == 0 || (seen & (OLD | TOLD | LAUNCHER | THREAD)) != 0);
		}
	}
}

static void a_heap_limit_names_old_space_and_headroom(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	make(&rows[0], &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "fatal heap-limit error: old space of 64 MiB reached, and the headroom granted "
					  "there: 48 MiB");
	reporter->old_space_bytes = SIZE_UNKNOWN;
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "fatal heap-limit error: V8's heap limit of 112 MiB reached");
}

static void an_oom_kill_names_whose_limit_was_hit(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	struct row row = { "", OOM | OOM_LOG, KILLED(SIGKILL), ASKED_NOTHING, VERDICT_OOM_KILL, true, 137 };
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "OOM-killed: the worker's own group reached memory.max 320 MiB");
	assert_string_equal(verdict.subject, OWN);
	row.seen = OOM | OOM_ANCESTOR;
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "OOM-killed: group /a reached its limit of 1 GiB");
	assert_string_equal(verdict.subject, "/a");
}

/* Two forged witnesses and a real SIGABRT; but the memory was never there. */
static void a_heap_that_the_kernel_never_counted_is_no_certain_limit(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	static const uint64_t peaks[] = { 40 * MIB, 55 * MIB, 300 * MIB, SIZE_UNKNOWN };
	for (size_t i = 0; i < ARRAY_LEN(peaks); i++) {
		make(&rows[0], &evidence, reporter);
		evidence.memory.peak_bytes = peaks[i];
		verdict_judge(&evidence, &verdict);
		assert_int_equal(verdict.kind, VERDICT_HEAP_LIMIT);
		assert_int_equal(verdict.certain, i > 0);
	}
	evidence.memory.peak_bytes = 300 * MIB; /* little is said to be used, of a limit that nobody can have */
	reporter->last.used_bytes = 1;
	reporter->old_space_bytes = 1024 * GIB;
	verdict_judge(&evidence, &verdict);
	assert_false(verdict.certain);
}

static void a_limit_hit_on_the_way_out_is_said(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	struct row row = { "", OOM | OOM_LOG, KILLED(SIGKILL), ASKED_STOP, VERDICT_STOPPED, true, 0 };
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "stopped on request, but OOM-killed before it had left");
	row = (struct row){ "", LINE | REPORTED | SELF, KILLED(SIGABRT), ASKED_RESTART, VERDICT_REPLACED, true, 0 };
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "replaced on request, but V8 reached its heap limit before it had left");
}

static void a_replacement_says_who_asked_for_it(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	struct row row = { "", 0, KILLED(SIGTERM), ASKED_RESTART, VERDICT_REPLACED, true, 0 };
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "replaced on request");
	row.asked = ASKED_REPLACE;
	row.seen = KILLED_BY_US;
	make(&row, &evidence, reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "replaced before it reached a limit, killed after stop.timeout");
}

static void not_ready_says_what_was_missing(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporter;
	struct verdict verdict;
	struct row row = { "", NOT_READY, KILLED(SIGTERM), ASKED_NOTHING, VERDICT_NOT_READY, true, 143 };
	make(&row, &evidence, &reporter);
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "not ready within ready.within: ended");
	row.seen |= KILLED_BY_US;
	make(&row, &evidence, &reporter);
	strcpy(evidence.missing, "tcp:9000 does not accept");
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text,
			    "not ready within ready.within: tcp:9000 does not accept; killed after stop.timeout");
}

static void a_stuck_event_loop_is_told_with_what_was_seen_of_it(void **state UNUSED)
{
	static const struct {
		char state;
		const char *text;
	} states[] = {
		{ 'R', "then: its main thread runs: a loop that does not end, or long work in one piece" },
		{ 'S', "then: its main thread sleeps: it waits in a synchronous call" },
		{ 'D', "then: its main thread waits in the kernel: a disk or network file system" },
		{ 'T', "then: it is stopped (SIGSTOP, SIGTSTP)" },
		{ 't', "then: it is stopped by a debugger; pid 99 traces it" },
		{ 0, "then: what it does cannot be seen" },
	};
	static struct evidence evidence;
	struct reporter reporter;
	struct verdict verdict;
	struct row row = { "", STUCK, KILLED(SIGTERM), ASKED_WATCHDOG, VERDICT_WATCHDOG, true, 143 };
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		make(&row, &evidence, &reporter);
		evidence.stuck = (struct stuck){ .seen = true, .pid = 77, .allowed_usec = 30 * USEC_PER_SEC,
						 .silent_usec = 31 * USEC_PER_SEC, .state = states[i].state,
						 .tracer_pid = states[i].state == 't' ? 99 : 0 };
		verdict_judge(&evidence, &verdict);
		assert_string_equal(verdict.text, "its event loop was stuck for more than 30 s (watchdog.event_loop)");
		assert_string_equal(verdict.evidence[1],
				    "watchdog: no heartbeat for 31 s from pid 77 (watchdog.event_loop: 30 s)");
		assert_string_equal(verdict.evidence[2], states[i].text);
		assert_true(strstr(verdict.evidence[3], "heap record") == verdict.evidence[3] || verdict.evidence_count == 3);
	}
	evidence.stuck.collected_usec = 28 * USEC_PER_SEC;
	evidence.stuck.slept_usec = 3600 * USEC_PER_SEC;
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.evidence[3], "heap records: in collections for 28 s of that time");
	assert_string_equal(verdict.evidence[4], "the machine slept for 1 h meanwhile, which does not count");
	evidence.was_stuck = false;
	verdict_judge(&evidence, &verdict);
	assert_string_equal(verdict.text, "replaced because its event loop had been stuck");
}

static void a_launch_that_failed_names_its_step(void **state UNUSED)
{
	static const struct {
		const char *step, *text;
		int error, exit_status;
	} launches[] = {
		{ "exec", "node", ENOENT, 127 }, { "exec", "server.js", EACCES, 126 }, { "exec", "a.out", ENOEXEC, 126 },
		{ "user", "web", EPERM, 126 }, { "directory", "/gone", ENOENT, 126 },
	};
	static struct evidence evidence;
	struct reporter reporter[2];
	struct verdict verdict;
	char wanted[256];
	for (size_t i = 0; i < ARRAY_LEN(launches); i++) {
		make(&rows[0], &evidence, reporter);
		evidence.launch.failed = true;
		evidence.launch.error = launches[i].error;
		strcpy(evidence.launch.step, launches[i].step);
		strcpy(evidence.launch.text, launches[i].text);
		verdict_judge(&evidence, &verdict);
		assert_int_equal(verdict.kind, VERDICT_EXEC);
		assert_string_equal(verdict.subject, launches[i].step);
		assert_int_equal(verdict_exit_status(&verdict), launches[i].exit_status);
		snprintf(wanted, sizeof(wanted), "%s: %s: %s", launches[i].step, launches[i].text, strerror(launches[i].error));
		assert_string_equal(verdict.text, wanted);
	}
}

/* The main thread's hello was refused or lost: then nobody says how its process ended. */
static void a_thread_whose_process_does_not_report_is_no_witness(void **state UNUSED)
{
	static struct evidence evidence;
	struct reporter reporters[2];
	struct verdict verdict;
	make(&rows[0], &evidence, reporters);
	evidence.reporter_count = 1;
	reporters[0].main_isolate = reporters[0].near_limit = false;
	reporters[0].closed_usec = evidence.ended_usec;
	verdict_judge(&evidence, &verdict);
	assert_int_equal(verdict.kind, VERDICT_HEAP_LIMIT);
	assert_false(verdict.certain);
	assert_string_equal(verdict.text, "fatal heap-limit error: V8 reached its heap limit");
}

/* A stop while the launch waits for memory. */
static void a_worker_that_was_never_started_ends_with_nothing(void **state UNUSED)
{
	static struct evidence evidence;
	struct verdict verdict;
	evidence = (struct evidence){ .asked = ASKED_STOP };
	verdict_judge(&evidence, &verdict);
	assert_int_equal(verdict.kind, VERDICT_STOPPED);
	assert_int_equal(verdict.exit_status, 0);
	assert_int_equal(verdict_exit_status(&verdict), 0);
	assert_string_equal(verdict.evidence[0], "wait status: none, the main process was never started");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_end_gets_its_one_verdict),
		cmocka_unit_test(no_records_whatever_outweigh_the_kernel),
		cmocka_unit_test(a_heap_limit_names_old_space_and_headroom),
		cmocka_unit_test(an_oom_kill_names_whose_limit_was_hit),
		cmocka_unit_test(a_heap_that_the_kernel_never_counted_is_no_certain_limit),
		cmocka_unit_test(a_limit_hit_on_the_way_out_is_said),
		cmocka_unit_test(a_replacement_says_who_asked_for_it),
		cmocka_unit_test(not_ready_says_what_was_missing),
		cmocka_unit_test(a_stuck_event_loop_is_told_with_what_was_seen_of_it),
		cmocka_unit_test(a_launch_that_failed_names_its_step),
		cmocka_unit_test(a_thread_whose_process_does_not_report_is_no_witness),
		cmocka_unit_test(a_worker_that_was_never_started_ends_with_nothing),
	};
	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
