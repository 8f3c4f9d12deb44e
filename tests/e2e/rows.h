/* SPDX-License-Identifier: Apache-2.0 */
/* rows: the one table of deaths. Each row is a way to die, in a kind of worker, behind a wrapping, and what heapward must
 * say of it. Both tiers run from here: SHORT rows are for CI, FULL ones for `tools/test --full`.
 *
 * X(tier, kind, wrapping, act, "way", "command", "settings", verdict, number, certain, exit status of `run`)
 * Commands and settings are split at spaces. "@js/" is this folder's workers/, "@worker" the C worker, "@dir/" the
 * test's directory. ANY holds nothing. Node rows are run with the `node` in PATH; no verdict counts as covered by the C
 * worker alone. */
#ifndef TESTS_E2E_ROWS_H
#define TESTS_E2E_ROWS_H

#define ANY (-1)

/* Limits that leave 64 MiB of old space its reserve, and ones that Buffers or a C heap reach in a moment. */
#define OLD_64 "memory.max=320M heap.old_space=64M"
#define MAX_320 "memory.max=320M"
#define C_OLD_32 "memory.max=256M heap.old_space=32M"
#define C_MAX_96 "memory.max=96M heap.runtime=none"
#define NONE ""

#define NODE_ROWS(X) \
	X(SHORT, NODE, DIRECT, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, 134) \
	X(SHORT, NODE, SH, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, 134) \
	X(SHORT, NODE, NPM, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, ANY) \
	X(SHORT, NODE, NPX, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, ANY) \
	X(SHORT, NODE, DIRECT, WAIT, "heap limit, old space from memory.max", "node @js/leak-heap.js", MAX_320, \
	  "heap-limit", ANY, YES, 134) \
	X(FULL, NODE, DIRECT, WAIT, "heap limit by a Map", "node @js/leak-heap.js map", OLD_64, "heap-limit", ANY, YES, 134) \
	X(FULL, NODE, DIRECT, WAIT, "heap limit by strings", "node @js/leak-heap.js strings", OLD_64, "heap-limit", ANY, YES, \
	  134) \
	X(FULL, NODE, DIRECT, WAIT, "heap limit by closures", "node @js/leak-heap.js closures", OLD_64, "heap-limit", ANY, \
	  YES, 134) \
	X(FULL, NODE, DIRECT, WAIT, "heap limit with timers between", "node @js/leak-heap.js slow", OLD_64, "heap-limit", \
	  ANY, YES, 134) \
	X(FULL, NODE, DIRECT, WAIT, "heap limit in an ES module", "node @js/leak-heap.mjs", OLD_64, "heap-limit", ANY, YES, \
	  134) \
	X(FULL, NODE, SH, WAIT, "heap limit, status swallowed", "node @js/leak-heap.js || true", OLD_64, "heap-limit", ANY, \
	  ANY, 0) \
	X(SHORT, NODE, DIRECT, WAIT, "Buffers until OOM-killed", "node @js/leak-buffers.js", MAX_320, "oom-kill", ANY, ANY, \
	  137) \
	X(SHORT, NODE, NPM, WAIT, "Buffers until OOM-killed", "node @js/leak-buffers.js", MAX_320, "oom-kill", ANY, ANY, ANY) \
	X(FULL, NODE, SH, WAIT, "Buffers until OOM-killed", "node @js/leak-buffers.js", MAX_320, "oom-kill", ANY, ANY, 137) \
	X(FULL, NODE, NPX, WAIT, "Buffers until OOM-killed", "node @js/leak-buffers.js", MAX_320, "oom-kill", ANY, ANY, ANY) \
	X(SHORT, NODE, DIRECT, WAIT, "exit 0", "node @js/end.js exit 0", NONE, "exit", 0, YES, 0) \
	X(SHORT, NODE, DIRECT, WAIT, "exit 3", "node @js/end.js exit 3", NONE, "exit", 3, YES, 3) \
	X(SHORT, NODE, NPM, WAIT, "exit 3", "node @js/end.js exit 3", NONE, "exit", 3, YES, 3) \
	X(FULL, NODE, SH, WAIT, "exit 3", "node @js/end.js exit 3", NONE, "exit", 3, YES, 3) \
	X(FULL, NODE, NPX, WAIT, "exit 3", "node @js/end.js exit 3", NONE, "exit", 3, YES, 3) \
	X(SHORT, NODE, DIRECT, WAIT, "exit 134 is no heap limit", "node @js/end.js exit 134", NONE, "exit", 134, YES, 134) \
	X(FULL, NODE, DIRECT, WAIT, "exit 137 is no OOM kill", "node @js/end.js exit 137", NONE, "exit", 137, YES, 137) \
	X(SHORT, NODE, DIRECT, WAIT, "uncaught exception", "node @js/end.js throw", NONE, "exit", 1, YES, 1) \
	X(FULL, NODE, DIRECT, WAIT, "a leak contained in a worker thread", "node @js/end.js thread", OLD_64, "exit", 7, ANY, 7) \
	X(SHORT, NODE, DIRECT, WAIT, "abort is no heap limit", "node @js/end.js abort", NONE, "signal", 6, YES, 134) \
	X(SHORT, NODE, DIRECT, WAIT, "SIGSEGV", "node @js/end.js signal SIGSEGV", NONE, "signal", 11, YES, 139) \
	X(FULL, NODE, DIRECT, WAIT, "SIGTERM from itself", "node @js/end.js signal SIGTERM", NONE, "signal", 15, YES, 143) \
	X(FULL, NODE, DIRECT, WAIT, "SIGTRAP", "node @js/end.js signal SIGTRAP", NONE, "signal", 5, YES, 133) \
	X(SHORT, NODE, DIRECT, WAIT, "prints the fatal line and lives on", "node @js/end.js lie", NONE, "exit", 1, ANY, 1) \
	X(SHORT, NODE, DIRECT, WAIT, "missing command", "no-such-program server.js", NONE, "exec", ANY, YES, 127) \
	X(SHORT, NODE, DIRECT, WAIT, "not executable", "@dir/not-executable", NONE, "exec", ANY, YES, 126) \
	X(SHORT, NODE, SH, WAIT, "missing command", "no-such-program server.js", NONE, "exit", 127, YES, 127) \
	X(SHORT, NODE, DIRECT, STOP, "stop on request", "node @js/serve.js", NONE, "stopped", ANY, YES, 0) \
	X(SHORT, NODE, DIRECT, TERM, "SIGTERM to the supervisor", "node @js/serve.js", NONE, "stopped", ANY, YES, 0) \
	X(SHORT, NODE, NPM, STOP, "stop on request", "node @js/serve.js", NONE, "stopped", ANY, YES, 0) \
	X(FULL, NODE, SH, STOP, "stop on request", "node @js/serve.js", "stop.timeout=2s", "stopped", ANY, YES, 0) \
	X(FULL, NODE, NPX, TERM, "SIGTERM to the supervisor", "node @js/serve.js", "stop.timeout=2s", "stopped", ANY, YES, 0) \
	X(SHORT, NODE, DIRECT, KILL_WORKER, "killed from outside", "node @js/serve.js", NONE, "unknown-kill", ANY, ANY, 137)

#define C_HEAP_ROWS(X) \
	X(SHORT, C, DIRECT, WAIT, "heap limit by objects", "@worker leak", C_OLD_32, "heap-limit", ANY, YES, 134) \
	X(SHORT, C, SH, WAIT, "heap limit by objects", "@worker leak", C_OLD_32, "heap-limit", ANY, YES, 134) \
	X(SHORT, C, NPM, WAIT, "heap limit by objects", "@worker leak", C_OLD_32, "heap-limit", ANY, YES, ANY) \
	X(SHORT, C, NPX, WAIT, "heap limit by objects", "@worker leak", C_OLD_32, "heap-limit", ANY, YES, ANY) \
	X(SHORT, C, DIRECT, WAIT, "heap limit by a spike", "@worker spike", C_OLD_32, "heap-limit", ANY, YES, 134) \
	X(FULL, C, SH, WAIT, "heap limit by a spike", "@worker spike", C_OLD_32, "heap-limit", ANY, YES, 134) \
	X(SHORT, C, SH, WAIT, "heap limit, status swallowed", "@worker leak || true", C_OLD_32, "heap-limit", ANY, ANY, 0) \
	X(SHORT, C, DIRECT, WAIT, "Buffers until OOM-killed", "@worker buffers", C_MAX_96, "oom-kill", ANY, ANY, 137) \
	X(SHORT, C, SH, WAIT, "Buffers until OOM-killed", "@worker buffers", C_MAX_96, "oom-kill", ANY, ANY, 137) \
	X(SHORT, C, NPM, WAIT, "Buffers until OOM-killed", "@worker buffers", "memory.max=192M heap.runtime=none", "oom-kill", \
	  ANY, ANY, ANY) \
	X(SHORT, C, DIRECT, WAIT, "prints the fatal line and lives on", "@worker print-fatal exit=1", NONE, "exit", 1, ANY, 1)

#define C_END_ROWS(X) \
	X(SHORT, C, DIRECT, WAIT, "missing command", "no-such-worker", NONE, "exec", ANY, YES, 127) \
	X(SHORT, C, DIRECT, WAIT, "missing path", "/no/such/worker", NONE, "exec", ANY, YES, 127) \
	X(SHORT, C, DIRECT, WAIT, "not executable", "@dir/not-executable", NONE, "exec", ANY, YES, 126) \
	X(SHORT, C, DIRECT, WAIT, "a directory", "@dir/", NONE, "exec", ANY, YES, 126) \
	X(SHORT, C, DIRECT, STOP, "stop on request", "@worker steady", NONE, "stopped", ANY, YES, 0) \
	X(SHORT, C, SH, STOP, "stop on request", "@worker steady", "stop.timeout=1s", "stopped", ANY, YES, 0) \
	X(SHORT, C, DIRECT, TERM, "SIGTERM to the supervisor", "@worker steady", NONE, "stopped", ANY, YES, 0) \
	X(SHORT, C, DIRECT, INT, "SIGINT to the supervisor", "@worker steady", NONE, "stopped", ANY, YES, 0) \
	X(SHORT, C, DIRECT, STOP, "stop of one that ignores it", "@worker ignore-term", "stop.timeout=300ms", "stopped", ANY, \
	  YES, 0) \
	X(SHORT, C, DIRECT, KILL_WORKER, "killed from outside", "@worker steady", NONE, "unknown-kill", ANY, ANY, 137)

#define C_EXIT(X, tier, wrapping, code) \
	X(tier, C, wrapping, WAIT, "exit " #code, "@worker exit=" #code, NONE, "exit", code, YES, code)
#define C_EXIT_ROWS(X) \
	C_EXIT(X, SHORT, DIRECT, 0) C_EXIT(X, SHORT, DIRECT, 1) C_EXIT(X, SHORT, DIRECT, 2) C_EXIT(X, SHORT, DIRECT, 42) \
	C_EXIT(X, SHORT, DIRECT, 125) C_EXIT(X, SHORT, DIRECT, 126) C_EXIT(X, SHORT, DIRECT, 127) \
	C_EXIT(X, SHORT, DIRECT, 134) C_EXIT(X, SHORT, DIRECT, 137) C_EXIT(X, SHORT, DIRECT, 139) \
	C_EXIT(X, SHORT, DIRECT, 143) C_EXIT(X, SHORT, DIRECT, 255) C_EXIT(X, SHORT, SH, 0) C_EXIT(X, SHORT, SH, 3) \
	C_EXIT(X, SHORT, SH, 134) C_EXIT(X, SHORT, SH, 137) C_EXIT(X, FULL, NPM, 0) C_EXIT(X, FULL, NPM, 3) \
	C_EXIT(X, FULL, NPX, 3)

#define C_SIGNAL(X, tier, wrapping, name, number) \
	X(tier, C, wrapping, WAIT, name, "@worker signal=" #number, NONE, "signal", number, YES, 128 + number)
#define C_SIGNAL_ROWS(X) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGHUP", 1) C_SIGNAL(X, SHORT, DIRECT, "SIGINT", 2) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGQUIT", 3) C_SIGNAL(X, SHORT, DIRECT, "SIGILL", 4) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGTRAP", 5) C_SIGNAL(X, SHORT, DIRECT, "SIGABRT", 6) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGBUS", 7) C_SIGNAL(X, SHORT, DIRECT, "SIGFPE", 8) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGUSR1", 10) C_SIGNAL(X, SHORT, DIRECT, "SIGSEGV", 11) \
	X(SHORT, C, DIRECT, WAIT, "SIGSYS", "@worker signal=31", NONE, "seccomp", ANY, NO, 159) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGUSR2", 12) C_SIGNAL(X, SHORT, DIRECT, "SIGPIPE", 13) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGALRM", 14) C_SIGNAL(X, SHORT, DIRECT, "SIGTERM", 15) \
	C_SIGNAL(X, SHORT, DIRECT, "SIGXCPU", 24)

#define ROWS(X) NODE_ROWS(X) C_HEAP_ROWS(X) C_END_ROWS(X) C_EXIT_ROWS(X) C_SIGNAL_ROWS(X)

#endif
