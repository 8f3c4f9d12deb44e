/* SPDX-License-Identifier: Apache-2.0 */
/* rows: the one table of deaths. Each row is a way to die, in a kind of worker, behind a wrapping, and what heapward must
 * say of it. Both tiers run from here: SHORT rows are for CI, FULL ones for `tools/test --full`.
 *
 * X(tier, kind, wrapping, act, "way", "command", "settings", verdict, number, certain, exit status of `run`)
 * Of the acts, WAIT does nothing, the others wait for "steady" first; CHILD waits for the child.death that must come and
 * whose verdict it is, and then stops the service.
 * Commands and settings are split at spaces. "@js/" is this folder's workers/, "@worker" the C worker, "@dir/" the
 * test's directory, "@addon" a native addon. ANY holds nothing; LOGGED: certain where the kernel tells whose limit it was
 * (v2, or a kernel log that can be read). Node rows are run with the `node` in PATH; no verdict counts as covered by the C
 * worker alone. */
#ifndef TESTS_E2E_ROWS_H
#define TESTS_E2E_ROWS_H

#define ANY (-1)
#define LOGGED 2

/* Limits that leave 64 MiB of old space its reserve, and ones that Buffers or a C heap reach in a moment. */
#define OLD_64 "memory.max=320M heap.old_space=64M"
#define MAX_320 "memory.max=320M"
#define C_OLD_32 "memory.max=256M heap.old_space=32M"
#define C_MAX_96 "memory.max=96M heap.runtime=none"
#define KILLS "sandbox.syscalls=server sandbox.violation=kill"
#define NONE ""

/* A way that ends with the same verdict behind every wrapping. Only the direct one's exit status is the program's own. */
#define SAME(X, tier, way, command, settings, verdict, number, certain, exit) \
	X(tier, NODE, DIRECT, WAIT, way, command, settings, verdict, number, certain, exit) \
	X(FULL, NODE, SH, WAIT, way, command, settings, verdict, number, certain, ANY) \
	X(FULL, NODE, NPM, WAIT, way, command, settings, verdict, number, certain, ANY) \
	X(FULL, NODE, NPX, WAIT, way, command, settings, verdict, number, certain, ANY)

/* A signal ends the program; of a wrapping only its exit code is seen, and that is all that can be told. */
#define SIGNALLED(X, tier, way, command, settings, signal) \
	X(tier, NODE, DIRECT, WAIT, way, command, settings, "signal", signal, YES, 128 + signal) \
	X(FULL, NODE, SH, WAIT, way, command, settings, "exit", 128 + signal, YES, 128 + signal) \
	X(FULL, NODE, NPM, WAIT, way, command, settings, "exit", ANY, YES, ANY) \
	X(FULL, NODE, NPX, WAIT, way, command, settings, "exit", ANY, YES, ANY)

/* Where the command cannot be run: seen by us, or told by the wrapping's exit code. */
#define NOT_RUN(X, tier, way, command, exit, sh_exit) \
	X(tier, NODE, DIRECT, WAIT, way, command, NONE, "exec", ANY, YES, exit) \
	X(FULL, NODE, SH, WAIT, way, command, NONE, "exit", sh_exit, YES, sh_exit) \
	X(FULL, NODE, NPM, WAIT, way, command, NONE, "exit", sh_exit, YES, sh_exit) \
	X(FULL, NODE, NPX, WAIT, way, command, NONE, "exit", sh_exit, YES, sh_exit)

/* Something is done to a worker that lives. */
#define ACTED(X, tier, wrapped, act, way, command, settings, verdict, exit) \
	X(tier, NODE, DIRECT, act, way, command, settings, verdict, ANY, YES, exit) \
	X(wrapped, NODE, SH, act, way, command, settings, verdict, ANY, YES, exit) \
	X(wrapped, NODE, NPM, act, way, command, settings, verdict, ANY, YES, exit) \
	X(wrapped, NODE, NPX, act, way, command, settings, verdict, ANY, YES, exit)

#define CHILD_SETTINGS " heap.old_space=40M heap.processes=2 log.events=json"
#define CHILD_ROW(X, tier, wrapping, way, command, settings, verdict, certain) \
	X(tier, NODE, wrapping, CHILD, way, command, settings CHILD_SETTINGS, verdict, ANY, certain, 0)
#define CHILD_DIES(X, tier, way, command, settings, verdict, certain) \
	CHILD_ROW(X, tier, DIRECT, way, command, settings, verdict, certain) \
	CHILD_ROW(X, FULL, SH, way, command, settings, verdict, certain) \
	CHILD_ROW(X, FULL, NPM, way, command, settings, verdict, certain) \
	CHILD_ROW(X, FULL, NPX, way, command, settings, verdict, certain)

#define HEAP_LIMIT(X, tier, way, command, settings) SAME(X, tier, way, command, settings, "heap-limit", ANY, YES, 134)
#define OOM_KILL(X, tier, way, command) SAME(X, tier, way, command, MAX_320, "oom-kill", ANY, LOGGED, 137)
#define EXITS(X, tier, way, command, settings, code) SAME(X, tier, way, command, settings, "exit", code, YES, code)

#define NODE_HEAP_ROWS(X) \
	X(SHORT, NODE, DIRECT, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, 134) \
	X(SHORT, NODE, SH, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, 134) \
	X(SHORT, NODE, NPM, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, ANY) \
	X(SHORT, NODE, NPX, WAIT, "heap limit by objects", "node @js/leak-heap.js", OLD_64, "heap-limit", ANY, YES, ANY) \
	HEAP_LIMIT(X, SHORT, "heap limit, old space from memory.max", "node @js/leak-heap.js", MAX_320) \
	HEAP_LIMIT(X, SHORT, "heap limit by a Map", "node @js/leak-heap.js map", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by a Set", "node @js/leak-heap.js set", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by a dictionary", "node @js/leak-heap.js dictionary", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by strings", "node @js/leak-heap.js strings", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by closures", "node @js/leak-heap.js closures", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by one huge array", "node @js/leak-heap.js array", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by JSON.parse", "node @js/leak-heap.js json", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit by promises", "node @js/leak-heap.js promises", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit in a microtask loop", "node @js/leak-heap.js microtasks", OLD_64) \
	HEAP_LIMIT(X, FULL, "heap limit with timers between", "node @js/leak-heap.js slow", OLD_64) \
	HEAP_LIMIT(X, SHORT, "heap limit in an ES module", "node @js/leak-heap.mjs", OLD_64) \
	X(FULL, NODE, SH, WAIT, "heap limit, status swallowed", "node @js/leak-heap.js || true", OLD_64, "heap-limit", ANY, \
	  YES, 0) \
	/* Node contains a thread's limit, but for a single huge allocation, and then only the fatal line tells. */ \
	SAME(X, SHORT, "one huge array in a worker thread", "node @js/end.js thread-array", OLD_64, "heap-limit", ANY, NO, 134) \
	CHILD_DIES(X, SHORT, "a child OOM-killed, its server lives", "node @js/parent.js buffers", "memory.max=320M", "oom-kill", \
		   LOGGED) \
	CHILD_DIES(X, SHORT, "a child at its heap limit, its server lives", "node @js/parent.js heap", "memory.max=700M", \
		   "heap-limit", YES) \
	OOM_KILL(X, SHORT, "Buffers until OOM-killed", "node @js/leak-buffers.js") \
	OOM_KILL(X, SHORT, "SharedArrayBuffers until OOM-killed", "node @js/leak-outside.js shared") \
	OOM_KILL(X, SHORT, "wasm memory until OOM-killed", "node @js/leak-outside.js wasm") \
	OOM_KILL(X, SHORT, "an addon's allocations until OOM-killed", "node @js/leak-outside.js addon @addon")

#define NODE_END_ROWS(X) \
	EXITS(X, SHORT, "exit 0", "node @js/end.js exit 0", NONE, 0) \
	EXITS(X, SHORT, "exit 3", "node @js/end.js exit 3", NONE, 3) \
	EXITS(X, SHORT, "exit 134 is no heap limit", "node @js/end.js exit 134", NONE, 134) \
	EXITS(X, FULL, "exit 137 is no OOM kill", "node @js/end.js exit 137", NONE, 137) \
	EXITS(X, SHORT, "uncaught exception", "node @js/end.js throw", NONE, 1) \
	EXITS(X, SHORT, "a leak contained in a worker thread", "node @js/end.js thread 24", OLD_64, 7) \
	EXITS(X, SHORT, "a leak in a worker thread without limits", "node @js/end.js thread 0", OLD_64, 7) \
	EXITS(X, SHORT, "prints the fatal line, exits 1", "node @js/end.js lie 1", NONE, 1) \
	EXITS(X, FULL, "prints the fatal line beside a thread, exits 1", "node @js/end.js lie-thread 1", NONE, 1) \
	EXITS(X, SHORT, "prints the fatal line, exits 0", "node @js/end.js lie 0", NONE, 0) \
	SIGNALLED(X, SHORT, "prints the fatal line, aborts", "node @js/end.js lie abort", NONE, 6) \
	SIGNALLED(X, SHORT, "abort is no heap limit", "node @js/end.js abort", NONE, 6) \
	SIGNALLED(X, SHORT, "SIGSEGV", "node @js/end.js signal SIGSEGV", NONE, 11) \
	SIGNALLED(X, SHORT, "native stack overflow", "node --stack-size=65500 @js/end.js recurse", NONE, 11) \
	SIGNALLED(X, SHORT, "V8's own trap", "node --abort-on-uncaught-exception @js/end.js throw", NONE, 5) \
	SIGNALLED(X, SHORT, "V8 check at its start", "node --max-old-space-size=1 @js/end.js exit 0", NONE, 5) \
	SIGNALLED(X, FULL, "SIGTERM from itself", "node @js/end.js signal SIGTERM", NONE, 15) \
	/* Anybody can send SIGSYS, and our own filter sends none: never certain. */ \
	X(SHORT, NODE, DIRECT, WAIT, "SIGSYS", "node @js/end.js signal SIGSYS", NONE, "seccomp", ANY, NO, 159) \
	X(FULL, NODE, SH, WAIT, "SIGSYS", "node @js/end.js signal SIGSYS", NONE, "exit", 159, YES, 159) \
	X(FULL, NODE, NPM, WAIT, "SIGSYS", "node @js/end.js signal SIGSYS", NONE, "exit", ANY, YES, ANY) \
	X(FULL, NODE, NPX, WAIT, "SIGSYS", "node @js/end.js signal SIGSYS", NONE, "exit", ANY, YES, ANY) \
	SAME(X, SHORT, "a call that its list does not allow", "node @js/end.js denied", KILLS, "seccomp", ANY, YES, 137) \
	NOT_RUN(X, SHORT, "missing command", "no-such-program server.js", 127, 127) \
	NOT_RUN(X, SHORT, "not executable", "@dir/not-executable", 126, 126) \
	NOT_RUN(X, SHORT, "wrong architecture", "@dir/wrong-architecture", 126, 126) \
	SAME(X, SHORT, "working directory gone", "node @js/end.js exit 0", "service.directory=@dir/gone", "exec", ANY, YES, \
	     126) \
	ACTED(X, SHORT, FULL, STOP, "stop on request", "node @js/serve.js", "stop.timeout=2s", "stopped", 0) \
	ACTED(X, SHORT, FULL, TERM, "SIGTERM to the supervisor", "node @js/serve.js", "stop.timeout=2s", "stopped", 0) \
	ACTED(X, SHORT, FULL, STOP, "prints the fatal line, lives on", "node @js/end.js lie live", "stop.timeout=1s", "stopped", \
	      0) \
	ACTED(X, SHORT, FULL, KILL_WORKER, "killed from outside", "node @js/serve.js", NONE, "unknown-kill", 137)

#define NODE_ROWS(X) NODE_HEAP_ROWS(X) NODE_END_ROWS(X)

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

/* Parts of the names of ways that stand for the others where there is no time for all: as an ordinary user, and with each
 * Node on the cgroup v2 machine. */
#define REPRESENTATIVE \
	"heap limit by objects|Buffers until OOM-killed|a child OOM-killed|exit 3|uncaught exception|prints the fatal line, aborts" \
	"|SIGSEGV|missing command|not executable|working directory gone|stop on request|killed from outside"

#define ROWS(X) NODE_ROWS(X) C_HEAP_ROWS(X) C_END_ROWS(X) C_EXIT_ROWS(X) C_SIGNAL_ROWS(X)

#endif
