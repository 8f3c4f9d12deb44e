/* SPDX-License-Identifier: Apache-2.0 */
/* host: what the plan needs to know of this machine, read once by edge/host_probe.c and edge/cgroup.c. Plain values,
 * so that a test can make any machine. */
#ifndef SUPERVISOR_TYPES_HOST_H
#define SUPERVISOR_TYPES_HOST_H

#include "base/base.h"
#include "supervisor/types/raise.h"

#define HOST_LEVELS_MAX 32
#define HOST_PATH_MAX 4096
#define HOST_OPTIONS_MAX 4096

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_HYBRID, CGROUP_V2 };

/* One cgroup on the way from where workers go (BASE) up to the root. */
struct host_level {
	char path[256]; /* as the kernel names it: "/system.slice/web.service"; "(out of sight)" for what v1's
			   hierarchical_memory_limit shows of ancestors that a container does not see */
	uint64_t max_bytes;     /* SIZE_NONE: no limit */
	uint64_t high_bytes;
	uint64_t current_bytes; /* in use and not reclaimable at once: usage less inactive_file, else a container full
				   of page cache looks full; SIZE_UNKNOWN where it cannot be read */
};

/* The program that the worker will run as its managed runtime. */
struct host_runtime {
	bool found;
	char path[HOST_PATH_MAX]; /* of the node binary: named by the command, else the first in the worker's PATH */
	int major, minor, patch;  /* 0 where unknown */
	char problem[256];        /* why it is unknown; "" where it is known */
};

/* What this kernel gives for walls around a worker, found by trying it. */
struct host_fence {
	uint32_t landlock_abi;   /* 0: none */
	bool mounts, network;    /* namespaces that we may make as we are */
	bool user;               /* in a user namespace anybody may make both */
	char problem[96];        /* why we may not make them as we are, "" */
	/* What the walls of this policy come to here, "" where nothing; known once there is a plan of them. */
	char closed[256];        /* directories in which nothing new can be made: "/, /run" */
	char open[256];          /* places of ours that Landlock cannot keep from the worker */
	char absent[256];        /* of sandbox.hidden: what is not there now */
	bool others_left_out;    /* other services' settings are too many to be kept from the worker */
};

struct host {
	enum cgroup_version cgroup_version;
	bool cgroup_writable;          /* workers' groups can be made here */
	char cgroup_problem[512];      /* why not, with the remedy, else "" */
	bool cgroup_closed;            /* some are made where not even its owner may write: in a hierarchy's root */
	struct host_level levels[HOST_LEVELS_MAX]; /* [0] is BASE, then its ancestors */
	size_t level_count;
	bool swap_accounting;          /* memory.swap.max or memsw files are there */
	uint64_t mem_total_bytes, mem_available_bytes; /* /proc/meminfo; SIZE_UNKNOWN */
	uint64_t swap_total_bytes;     /* /proc/meminfo; 0 where there is none, or it cannot be read */
	uint32_t processors;
	uint32_t listen_backlog; /* net.core.somaxconn; 0: unknown */
	struct host_runtime runtime;
	char node_options[HOST_OPTIONS_MAX]; /* the user's NODE_OPTIONS as the worker would see it, "" where none */
	bool node_options_cut;               /* it was longer: the plan refuses rather than drops options */
	uint32_t uid;
	char user[64]; /* name of uid, "" where it has none */
	char unreached[384];           /* why the worker could not reach its working directory, "" */
	char worker_user_problem[128]; /* of sandbox.user: "user web: no such user"; "" where there is none */
	bool pid1, under_systemd;
	bool attach_takes_admin; /* root: a filter on one's own socket (the last call of a drain) takes CAP_NET_ADMIN */
	struct host_fence fence;
	uint64_t peak_bytes;  /* measured by earlier runs of this service; SIZE_UNKNOWN where there are none */
	uint32_t peak_runs;
	struct raises raises; /* made after earlier fatal heap-limit errors (heap.at_limit: raise) */
	int64_t start_usec;     /* how long its last starts took, the longest: learned; 0 where unknown */
	uint64_t semi_space_bytes; /* of a worker whose old space is planned anew while it runs; 0: to be planned as well */
	uint64_t buffers_bytes; /* most external memory and array buffers that earlier runs measured; 0 where none */
};

#endif
