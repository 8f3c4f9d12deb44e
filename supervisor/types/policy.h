/* SPDX-License-Identifier: Apache-2.0 */
/* policy: what the user asked for, typed, with the place each key came from. Nothing here is resolved against a
 * machine; that is the plan. */
#ifndef SUPERVISOR_TYPES_POLICY_H
#define SUPERVISOR_TYPES_POLICY_H

#include "base/base.h"
#include "supervisor/types/listen.h"
#include "supervisor/types/policy_keys.h"
#include "supervisor/types/verdict.h"

#define POLICY_NAME_MAX 33         /* with the closing NUL: [a-z0-9][a-z0-9-]{0,31} */
#define POLICY_WORDS_MAX 256       /* words of a command, variables of an environment */
#define POLICY_TEXT_MAX (64 * 1024) /* bytes of one policy file */
#define READY_PATH_MAX 128         /* of ready.when: http:, with the closing NUL */
#define POLICY_INHERIT UINT32_MAX  /* "inherit" in limits.* */
#define POLICY_LIST_MAX 64         /* paths, names of variables */
#define POLICY_PORTS_MAX 64        /* of sandbox.connect and sandbox.bind */
#define PERCENT_NONE UINT32_MAX    /* "none" where a percentage may stand */

enum enforce { ENFORCE_REQUIRED, ENFORCE_BEST_EFFORT };
enum memory_check { MEMORY_CHECK_WARN, MEMORY_CHECK_WAIT, MEMORY_CHECK_REFUSE };
enum spare { SPARE_CHECK, SPARE_KEEP, SPARE_NEVER };
enum runtime { RUNTIME_NODE, RUNTIME_NONE };
enum near_limit { NEAR_LIMIT_AUTO, NEAR_LIMIT_REPLACE, NEAR_LIMIT_RESTART, NEAR_LIMIT_REPORT };
enum at_limit { AT_LIMIT_RESTART, AT_LIMIT_RAISE, AT_LIMIT_REPORT };
enum restart_when { RESTART_WHEN_FAILURE, RESTART_WHEN_ALWAYS, RESTART_WHEN_NEVER };
enum exhausted { EXHAUSTED_AUTO, EXHAUSTED_HOLD, EXHAUSTED_EXIT };
enum ready_kind { READY_AUTO, READY_LISTENING, READY_STARTED, READY_NOTIFY, READY_TCP, READY_HTTP };
enum violation { VIOLATION_ERRNO, VIOLATION_KILL, VIOLATION_AUDIT };
enum protect_system { PROTECT_SYSTEM_AUTO, PROTECT_SYSTEM_NONE, PROTECT_SYSTEM_FULL, PROTECT_SYSTEM_STRICT };
enum private_dev { PRIVATE_DEV_AUTO, PRIVATE_DEV_TRUE, PRIVATE_DEV_FALSE };
enum proc_seen { PROC_SEEN_FULL, PROC_SEEN_OWN };
enum abstract_sockets { ABSTRACT_SOCKETS_OWN, ABSTRACT_SOCKETS_FULL };
enum network { NETWORK_FULL, NETWORK_NONE };
enum log_events { LOG_EVENTS_AUTO, LOG_EVENTS_TEXT, LOG_EVENTS_JSON };

enum old_space_kind { OLD_SPACE_AUTO, OLD_SPACE_BYTES, OLD_SPACE_PERCENT };

struct old_space {
	enum old_space_kind kind;
	uint64_t bytes;   /* of OLD_SPACE_BYTES */
	uint32_t percent; /* of OLD_SPACE_PERCENT: of memory.max */
};

struct ready_when {
	enum ready_kind kind;
	uint16_t port; /* of READY_TCP and READY_HTTP; 0, of READY_HTTP: the first held TCP port */
	char path[READY_PATH_MAX]; /* of READY_HTTP: "/health" */
};

/* How much a raise adds: a size, or a percentage of the old space there is. */
struct step_size {
	uint64_t bytes;   /* 0: the percentage counts */
	uint32_t percent;
};

/* restart.budget.by_verdict.NAME; deaths is POLICY_INHERIT where the verdict has no budget of its own. */
struct verdict_budget {
	uint32_t deaths;
	int64_t within_usec;
};

/* A NULL-terminated list of strings that the policy owns. For pairs: "NAME=VALUE". */
struct words {
	char **list;
	size_t count;
};

/* TCP ports that are left to the worker. */
struct ports {
	bool limited; /* false: any */
	uint16_t list[POLICY_PORTS_MAX];
	size_t count;
};

/* Where a key was set; file is "" where the default holds, else a file name (its end, where it is long), "--set", "-m",
 * "-n", "HEAPWARD_SET" or "command line". */
struct origin {
	char file[128];
	int line; /* from 1; 0 where there are no lines */
	int column;
	char source[160]; /* the line it stands in, for errors found later; "" where there is none */
	int caret;        /* column of source, from 0, where the value begins */
};

struct policy {
	struct {
		char name[POLICY_NAME_MAX];
		struct words command;
		char *directory;             /* NULL: ours; a file's relative one is joined to the file's directory */
		struct words environment_set; /* "NAME=VALUE", each name once */
		struct words environment_keep; /* "NAME" or "NAME*"; list NULL: all; a list of none: none */
		struct words environment_drop;
		char *environment_file;      /* NULL: none; joined as directory is */
		struct listen_addresses listen;
		int64_t hold_for_usec;
		bool singleton;
		uint32_t instances;
	} service;
	struct {
		uint64_t max_bytes; /* SIZE_NONE: no limit of our own */
		uint64_t high_bytes;
		uint64_t swap_bytes;
		enum enforce enforce;
		enum memory_check check;
		enum spare spare;
		uint32_t replace_at_percent; /* of the limit; PERCENT_NONE: not watched */
	} memory;
	struct {
		enum runtime runtime;
		struct old_space old_space;
		uint32_t processes;
		uint64_t headroom_bytes;
		enum near_limit near_limit;
		int64_t lead_usec;           /* 0: no forecast */
		uint32_t live_max_percent;   /* of old space; PERCENT_NONE: off */
		uint32_t gc_time_percent;    /* of the window; PERCENT_NONE: off */
		enum at_limit at_limit;
		struct step_size raise_by;
		uint64_t raise_up_to_bytes; /* SIZE_NONE: not set */
	} heap;
	struct {
		enum restart_when when;
		int64_t backoff_from_usec;
		int64_t backoff_up_to_usec;
		uint32_t backoff_factor;
		uint32_t budget_deaths;
		int64_t budget_within_usec;
		struct verdict_budget by_verdict[VERDICT_COUNT];
		enum exhausted exhausted;
		int64_t healthy_after_usec;
	} restart;
	struct {
		int signal;
		int64_t timeout_usec;
	} stop;
	struct {
		int64_t timeout_usec;
	} drain;
	struct {
		struct ready_when when;
		int64_t within_usec;
	} ready;
	struct {
		int64_t event_loop_usec; /* USEC_NEVER: no watchdog */
	} watchdog;
	struct {
		char *syscalls; /* "server", "none", or a path, which has a slash; NULL: see policy_syscalls */
		enum violation violation;
		char *user;         /* NULL: unchanged */
		char *capabilities; /* NULL: unchanged; "" none; else comma-separated names, each once */
		enum protect_system protect_system;
		struct words read_write, read_only, hidden; /* joined as directory is */
		bool private_tmp;
		enum private_dev private_dev;
		enum proc_seen proc;
		enum abstract_sockets abstract_sockets;
		enum network network;
		struct ports connect, bind;
		struct words require; /* words of the key's range */
	} sandbox;
	struct {
		uint32_t tasks; /* POLICY_INHERIT: not set */
		uint32_t files;
		uint32_t cpu_percent;
		uint64_t core_bytes; /* SIZE_NONE: inherit */
		uint64_t locked_bytes;
	} limits;
	struct {
		enum log_events events;
	} log;
	bool from_file; /* at least one policy file was read: its defaults are stricter than those of a bare `run` */
	struct origin origins[POLICY_KEY_COUNT];
	bool misread[POLICY_KEY_COUNT]; /* set somewhere, but not to be read: the value is another one's */
	bool incomplete;                /* something was refused: a key that is not set may be what was meant */
};

#endif
