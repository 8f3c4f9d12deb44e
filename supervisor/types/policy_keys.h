/* SPDX-License-Identifier: Apache-2.0 */
/* policy_keys: the one table of policy keys. The parser, --set, explain, init, the man page and the JSON Schema all
 * come from it; only keys that work are in it. X(ID, "section", "key", TYPE, "default", "choices or range", "help")
 * Types, and the member of struct policy that a key fills, are in core/policy_key.c. Ranges are read from this text
 * ("LOW to HIGH", before any comma); choices stand in the order of their enum in policy.h. A default "" is none. */
#ifndef SUPERVISOR_TYPES_POLICY_KEYS_H
#define SUPERVISOR_TYPES_POLICY_KEYS_H

/* A budget of its own for one verdict; the verdicts that count as deaths have one each. */
#define POLICY_BUDGET_KEYS(X, ID, name) \
	X(RESTART_BUDGET_##ID##_DEATHS, "restart", "budget.by_verdict." name ".deaths", COUNT_OR_INHERIT, "inherit", \
	  "0 to 1000, or inherit", "more deaths by " name " than this: give up, whatever budget.deaths says") \
	X(RESTART_BUDGET_##ID##_WITHIN, "restart", "budget.by_verdict." name ".within", TIME, "1h", "1s to 7d", \
	  "window of budget.by_verdict." name ".deaths; no healthy time shortens it")

#define POLICY_KEYS(X) \
	X(SERVICE_NAME, "service", "name", NAME, "", "[a-z0-9][a-z0-9-]{0,31}", \
	  "name of the service; default: -n, else the directory's name") \
	X(SERVICE_COMMAND, "service", "command", WORDS, "", "", \
	  "program and arguments; resolved anew at every launch") \
	X(SERVICE_DIRECTORY, "service", "directory", PATH, "", "", \
	  "working directory of the worker, seen from the policy file's own; default: ours") \
	X(SERVICE_ENVIRONMENT_SET, "service", "environment.set", PAIRS, "", "", \
	  "environment variables added to the inherited ones; layers add to each other, the last one wins") \
	X(SERVICE_ENVIRONMENT_KEEP, "service", "environment.keep", VARIABLES, "", "names, or beginnings of names with a * behind", \
	  "only these of the inherited variables, and PATH; default: all") \
	X(SERVICE_ENVIRONMENT_DROP, "service", "environment.drop", VARIABLES, "", "names, or beginnings of names with a * behind", \
	  "inherited variables that the worker does not get; environment.set and the file are no inheritance") \
	X(SERVICE_ENVIRONMENT_FILE, "service", "environment.file", PATH, "", "", \
	  "file of NAME=VALUE lines, seen from the policy file's directory; environment.set goes over it") \
	X(SERVICE_LISTEN, "service", "listen", LISTEN, "", "tcp:PORT, tcp:ADDRESS:PORT, tcp:[IPv6]:PORT, unix:/PATH", \
	  "sockets that heapward makes and holds across every restart; tcp:PORT is IPv4 and IPv6") \
	X(SERVICE_HOLD_FOR, "service", "hold_for", TIME, "5s", "0ms to 1h", \
	  "no worker expected for longer than this: the held sockets stop listening until just before the next start") \
	X(SERVICE_SINGLETON, "service", "singleton", TRUTH, "false", "true|false", \
	  "true: never two workers at once; a replacement drains first and then starts") \
	X(SERVICE_INSTANCES, "service", "instances", COUNT, "1", "1 to 16", \
	  "workers that run side by side on the held sockets, each with memory.max of its own and HEAPWARD_INSTANCE from 0 up; " \
	  "a change takes a new start of the supervisor") \
	X(MEMORY_MAX, "memory", "max", SIZE_OR_NONE, "none", "16M to 1024G, or none", \
	  "kernel cap for one worker and all its children (v2 memory.max, v1 limit_in_bytes)") \
	X(MEMORY_HIGH, "memory", "high", SIZE_OR_NONE, "none", "16M to 1024G, or none", \
	  "v2 memory.high; can stall a worker that has no swap") \
	X(MEMORY_SWAP, "memory", "swap", SIZE_OR_NONE, "0M", "0M to 1024G, or none", \
	  "swap that the worker may use on top of memory.max") \
	X(MEMORY_ENFORCE, "memory", "enforce", CHOICE, "required", "required|best_effort", \
	  "what to do where memory.max cannot be enforced: refuse, or start with a warning") \
	X(MEMORY_CHECK, "memory", "check", CHOICE, "warn", "warn|wait|refuse", \
	  "too little free memory before a start: warn, wait for it, or refuse") \
	X(MEMORY_SPARE, "memory", "spare", CHOICE, "check", "check|keep|never", \
	  "room for the second worker of a replacement: check when one begins, keep (plan for two workers at once), " \
	  "or never") \
	X(MEMORY_REPLACE_AT, "memory", "replace_at", PERCENT_OR_NONE, "90%", "50% to 100%, or none", \
	  "share of the worker's memory limit in use, without file cache, that counts as near the limit: for what leaks " \
	  "outside of V8's heap") \
	X(HEAP_RUNTIME, "heap", "runtime", CHOICE, "node", "node|none", "runtime whose heap heapward manages") \
	X(HEAP_OLD_SPACE, "heap", "old_space", OLD_SPACE, "auto", "16M to 1024G, N% of memory.max, or auto", \
	  "V8's old space; auto: memory.max - reserve - headroom") \
	X(HEAP_PROCESSES, "heap", "processes", COUNT, "1", "1 to 256", \
	  "Node processes that share memory.max; launchers such as npm do not count") \
	X(HEAP_HEADROOM, "heap", "headroom", SIZE, "48M", "0M to 4G", \
	  "heap granted once at the limit, so that requests in flight can finish") \
	X(HEAP_NEAR_LIMIT, "heap", "near_limit", CHOICE, "auto", "auto|replace|restart|report", \
	  "near the heap limit: replace the worker, restart it, or report; auto: replace with service.listen, else report") \
	X(HEAP_LEAD, "heap", "lead", TIME, "2s", "0ms to 10min", \
	  "old space is forecast to be full within this time, or 3 x the service's start-up time if that is longer: " \
	  "near the limit; 0ms: no forecast") \
	X(HEAP_LIVE_MAX, "heap", "live_max", PERCENT_OR_NONE, "95%", "50% to 100%, or none", \
	  "share of old space left by three full collections in a row that counts as near the limit") \
	X(HEAP_GC_TIME, "heap", "gc_time", PERCENT_OR_NONE, "50%", "10% to 100%, or none", \
	  "share of 5 s spent in collections, with old space 80% full, that counts as near the limit; so does, unless it is " \
	  "none, a storm: four full collections right after each other that leave three quarters of it or more") \
	X(HEAP_AT_LIMIT, "heap", "at_limit", CHOICE, "restart", "restart|raise|report", \
	  "after a fatal heap-limit error: restart, raise old space and restart, or report (exit with its status)") \
	X(HEAP_RAISE_BY, "heap", "raise.by", STEP, "50%", "1M to 1024G, or N% of old space", \
	  "how much old space each raise adds (at_limit: raise); memory.max grows with it where it must") \
	X(HEAP_RAISE_UP_TO, "heap", "raise.up_to", SIZE_OR_NONE, "none", "16M to 1024G, or none", \
	  "largest old space that raises may reach; at_limit: raise needs it") \
	X(RESTART_WHEN, "restart", "when", CHOICE, "failure", "failure|always|never", "deaths after which to restart") \
	X(RESTART_BACKOFF_FROM, "restart", "backoff.from", TIME, "100ms", "0ms to 1h", "first delay before a restart") \
	X(RESTART_BACKOFF_UP_TO, "restart", "backoff.up_to", TIME, "30s", "0ms to 1h", \
	  "longest delay before a restart") \
	X(RESTART_BACKOFF_FACTOR, "restart", "backoff.factor", COUNT, "2", "1 to 10", \
	  "each delay is this many times the one before") \
	X(RESTART_BUDGET_DEATHS, "restart", "budget.deaths", COUNT, "5", "1 to 1000", \
	  "more deaths than this within budget.within: give up") \
	X(RESTART_BUDGET_WITHIN, "restart", "budget.within", TIME, "10min", "1s to 7d", \
	  "window in which budget.deaths are counted") \
	POLICY_BUDGET_KEYS(X, HEAP_LIMIT, "heap-limit") \
	POLICY_BUDGET_KEYS(X, OOM_KILL, "oom-kill") \
	POLICY_BUDGET_KEYS(X, OOM_KILL_HOST, "oom-kill-host") \
	POLICY_BUDGET_KEYS(X, SECCOMP, "seccomp") \
	POLICY_BUDGET_KEYS(X, EXIT, "exit") \
	POLICY_BUDGET_KEYS(X, SIGNAL, "signal") \
	POLICY_BUDGET_KEYS(X, EXEC, "exec") \
	POLICY_BUDGET_KEYS(X, UNKNOWN_KILL, "unknown-kill") \
	POLICY_BUDGET_KEYS(X, NOT_READY, "not-ready") \
	POLICY_BUDGET_KEYS(X, WATCHDOG, "watchdog") \
	X(RESTART_EXHAUSTED, "restart", "exhausted", CHOICE, "auto", "auto|hold|exit", \
	  "budget used up: hold (state failed) or exit; auto: exit as PID 1 or under systemd, else hold") \
	X(RESTART_HEALTHY_AFTER, "restart", "healthy_after", TIME, "30s", "1s to 7d", \
	  "time alive after which back-off and budget start again") \
	X(STOP_SIGNAL, "stop", "signal", SIGNAL, "SIGTERM", "SIGTERM|SIGINT|SIGQUIT|SIGHUP|SIGUSR1|SIGUSR2|SIGKILL", \
	  "signal that asks the worker to stop") \
	X(STOP_TIMEOUT, "stop", "timeout", TIME, "10s", "0ms to 1h", \
	  "time after the stop signal until the whole group is killed") \
	X(DRAIN_TIMEOUT, "drain", "timeout", TIME, "30s", "0ms to 1h", \
	  "time that a worker which no longer accepts has to finish its connections; then the stop signal") \
	X(READY_WHEN, "ready", "when", READY, "auto", "auto, listening, started, notify, tcp:PORT, or http:PORT/PATH", \
	  "a worker is ready once it listens, is started, sends READY=1 to NOTIFY_SOCKET, accepts on a port, or answers " \
	  "with 200 to 399; auto: listening with service.listen, else started") \
	X(READY_WITHIN, "ready", "within", TIME, "90s", "1s to 1h", "a worker that is not ready by then is ended") \
	X(WATCHDOG_EVENT_LOOP, "watchdog", "event_loop", TIME_OR_NEVER, "never", "1s to 1h, or never", \
	  "a server whose event loop stands still for longer than this is replaced or restarted, verdict watchdog") \
	X(SANDBOX_SYSCALLS, "sandbox", "syscalls", SYSCALLS, "", "server, strict, compat, none, or the path of a list", \
	  "list of the system calls that the worker may make; default: compat with no policy file, server with one") \
	X(SANDBOX_VIOLATION, "sandbox", "violation", CHOICE, "errno", "errno|kill|audit", \
	  "a call that the list does not allow: fails with EPERM, ends the worker, or passes; reported in each case") \
	X(SANDBOX_USER, "sandbox", "user", USER, "", "", "user to run the worker as; default: unchanged") \
	X(SANDBOX_CAPABILITIES, "sandbox", "capabilities", CAPABILITIES, "", \
	  "none, unchanged, or names such as cap_net_bind_service", \
	  "capabilities of the worker; default: unchanged with no policy file, none with one") \
	X(SANDBOX_PROTECT_SYSTEM, "sandbox", "protect_system", CHOICE, "auto", "auto|none|full|strict", \
	  "what the worker cannot write: full: the system's own directories and all of heapward's; strict: everything but " \
	  "read_write, /tmp and /dev; auto: strict with sandbox.read_write, else full with a policy file, none without") \
	X(SANDBOX_READ_WRITE, "sandbox", "read_write", PATHS, "", "paths", \
	  "directories and files that the worker may write, whatever stands around them; they must be there") \
	X(SANDBOX_READ_ONLY, "sandbox", "read_only", PATHS, "", "paths", \
	  "directories and files that it may read and not write") \
	X(SANDBOX_HIDDEN, "sandbox", "hidden", PATHS, "", "paths", \
	  "directories and files of which it sees nothing; what is not there is passed over") \
	X(SANDBOX_PRIVATE_TMP, "sandbox", "private_tmp", TRUTH, "false", "true|false", \
	  "true: an empty /tmp and /var/tmp of its own, in memory, gone with the worker") \
	X(SANDBOX_PRIVATE_DEV, "sandbox", "private_dev", CHOICE, "auto", "auto|true|false", \
	  "of /dev null, zero, full, random, urandom, tty, pts and shm only, and what read_only or read_write name; true: " \
	  "shm is its own, too; auto: with a policy file, where mounts or Landlock can; false: all devices") \
	X(SANDBOX_PROC, "sandbox", "proc", CHOICE, "full", "full|own", \
	  "own: in /proc it sees the processes of its own tree only; process numbers stay what they are") \
	X(SANDBOX_ABSTRACT_SOCKETS, "sandbox", "abstract_sockets", CHOICE, "own", "own|full", \
	  "own: it connects to abstract UNIX sockets of its own tree only (Landlock, from ABI 6; not with ready.when: notify, " \
	  "whose socket is one)") \
	X(SANDBOX_NETWORK, "sandbox", "network", CHOICE, "full", "full|none", \
	  "none: no network but its own loopback; held sockets go on working, UNIX sockets with a path too") \
	X(SANDBOX_CONNECT, "sandbox", "connect", PORTS, "any", "any, none, or a list of ports", \
	  "TCP ports that it may connect to (Landlock, from ABI 4)") \
	X(SANDBOX_BIND, "sandbox", "bind", PORTS, "any", "any, none, or a list of ports", \
	  "TCP ports that it may bind beside its held sockets (Landlock, from ABI 4)") \
	X(SANDBOX_REQUIRE, "sandbox", "require", FEATURES, "", \
	  "landlock|mount-namespace|network-namespace|user-namespace|seccomp|separate-uid", \
	  "what this machine must be able to do, or the service is not started; without it a warning says what is missing") \
	X(LIMITS_TASKS, "limits", "tasks", COUNT_OR_INHERIT, "inherit", "1 to 4194304, or inherit", \
	  "most processes and threads in the worker's group") \
	X(LIMITS_FILES, "limits", "files", COUNT_OR_INHERIT, "inherit", "256 to 1048576, or inherit", \
	  "most open files of a process (RLIMIT_NOFILE); descriptors of heapward stand at 200 and up") \
	X(LIMITS_CPU, "limits", "cpu", CPU, "inherit", "1% to 6400%, or inherit", "processor time; 100% is one processor") \
	X(LIMITS_CORE, "limits", "core", SIZE_OR_INHERIT, "inherit", "0M to 1024G, or inherit", \
	  "largest core dump (RLIMIT_CORE); a dump of a server holds its secrets") \
	X(LIMITS_LOCKED, "limits", "locked", SIZE_OR_INHERIT, "inherit", "0M to 1024G, or inherit", \
	  "memory that a process may lock (RLIMIT_MEMLOCK)") \
	X(LOG_EVENTS, "log", "events", CHOICE, "auto", "auto|text|json", \
	  "event lines on stderr; auto: text on a terminal, JSON lines otherwise")

enum policy_key {
#define X(id, section, key, type, standard, range, help) KEY_##id,
	POLICY_KEYS(X)
#undef X
	POLICY_KEY_COUNT
};

#endif
