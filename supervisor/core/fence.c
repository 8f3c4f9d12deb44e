/* SPDX-License-Identifier: Apache-2.0 */
/* fence: see fence.h. The order in which paths are added counts: of one that is named twice the last one does. */
#include "supervisor/core/fence.h"

#include "base/path.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* A list of what stands for a path is longer than all policies' lists together. */
_Static_assert(LAUNCH_PATHS_MAX >= 3 * POLICY_LIST_MAX + FENCE_OURS_MAX + 160, "all paths of a policy and our own fit");

static void add(struct launch *launch, enum launch_access access, bool optional, const char *path)
{
	if (path == NULL || path[0] == '\0')
		return;
	assert(launch->path_count < LAUNCH_PATHS_MAX);
	launch->paths[launch->path_count++] =
		(struct launch_path){ .access = access, .optional = optional, .path = (char *)path };
}

static void add_list(struct launch *launch, enum launch_access access, bool optional, const char *const *list,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(launch, access, optional, list[i]);
}

static bool is_below(const char *path, const char *directory)
{
	return path != NULL && directory != NULL && path_is_below(path, directory);
}

static bool is_within_any(const char *path, const struct words *directories)
{
	for (size_t i = 0; i < directories->count; i++)
		if (is_below(path, directories->list[i]))
			return true;
	return false;
}

/* As systemd's ProtectSystem=full has it, and what of the kernel root may write with no capability at all. */
static const char *const system_directories[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
						  "/boot", "/efi", "/etc", "/sys" };
static const char *const kernel_files[] = { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/acpi",
					    "/proc/fs", "/proc/scsi" };
/* Where root's files start programs for whoever writes them, or stand for packages, containers and machines. The home's own files once
 * more: it may be the working directory. */
static const char *const roots_own[] = { "/root", "/root/.ssh", "/root/.bashrc", "/root/.profile", "/root/.config", "/var/spool",
					 "/var/lib/dpkg", "/var/lib/apt", "/var/lib/rpm", "/var/lib/systemd", "/var/lib/cloud",
					 "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet",
					 "/var/lib/pam", "/var/lib/ucf", "/var/lib/dbus", "/var/lib/PackageKit", "/var/lib/python",
					 "/var/lib/private", "/var/lib/dkms", "/var/lib/extensions", "/var/lib/confexts",
					 "/var/lib/machines", "/var/lib/portables", "/var/lib/libvirt", "/var/lib/lxc", "/var/lib/snapd",
					 "/var/lib/polkit-1", "/var/cache/apt", "/var/cache/ldconfig", "/var/backups", "/run/systemd",
					 "/run/udev", "/run/tmpfiles.d", "/run/modprobe.d", "/run/sysctl.d", "/run/initramfs" };
/* Of these Landlock closes what is not the home of servers' data: a directory above would take no new entries. */
static const char *const roots_places[] = { "/root", "/var/spool" };
static const char *const roots_caches[] = { "/root/.cache", "/root/.npm", "/root/.yarn/berry", "/root/.pki", "/root/.node_repl_history",
					    "/root/.local/share/pnpm/store", "/root/.config/configstore", "/root/.config/nextjs-nodejs" };
/* Who takes orders there, takes them for the machine. Directories where it is all that they are for: a socket that is made anew comes
 * without its wall. */
static const char *const orders[] = { "/run/systemd/private", "/run/dbus", "/run/docker.sock", "/run/containerd", "/run/podman",
				      "/run/crio", "/run/k3s", "/run/buildkit", "/run/libvirt", "/run/snapd.socket",
				      "/run/snapd-snap.socket", "/run/udev/control", "/var/lib/lxd/unix.socket",
				      "/var/snap/lxd/common/lxd/unix.socket", "/var/lib/incus/unix.socket", "/run/initctl",
				      "/run/systemd/cgroups-agent", "/run/systemd/ask-password" };
/* Of the terminals of others: root's worker that reaches one types into root's shell. */
static const char *const terminals[] = { "/run/screen", "/run/tmux", "/tmp/screens", "/tmp/tmux-0", "/tmp/uscreens" };
/* What programs use, and nobody gets anywhere by. */
static const char *const harmless[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
					"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/hugepages" };

/* Of /proc Landlock can leave root's worker its own entry only: those of its children do not exist yet. */
static void add_proc(const struct plan_fence *fence, struct launch *launch)
{
	if (fence->proc_read_only || (fence->root && fence->by_landlock))
		add(launch, LAUNCH_READ_ONLY, true, "/proc");
	if (!fence->proc_read_only && fence->root && fence->by_landlock)
		add(launch, LAUNCH_READ_WRITE, true, "/proc/self");
}

static void add_roots(const struct plan_fence *fence, struct launch *launch)
{
	if (fence->by_mounts)
		add_list(launch, LAUNCH_READ_ONLY, true, roots_own, ARRAY_LEN(roots_own));
	else
		add_list(launch, LAUNCH_READ_ONLY, true, roots_places, ARRAY_LEN(roots_places));
	if (fence->protect == PROTECT_SYSTEM_FULL)
		add_list(launch, LAUNCH_READ_WRITE, true, roots_caches, ARRAY_LEN(roots_caches));
}

/* Root's own session, with its bus and its agents, is in /run/user; whose working directory is there is part of it. */
static void add_roots_orders(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
			     struct launch *launch)
{
	static const char pm2[] = "/root/.pm2/rpc.sock"; /* of a daemon of root's, or, where the policy opens it, of the worker itself */
	if (!fence->root || !fence->by_mounts)
		return;
	add_list(launch, LAUNCH_HIDDEN, true, terminals, ARRAY_LEN(terminals));
	if (!is_within_any(pm2, &policy->sandbox.read_write))
		add(launch, LAUNCH_HIDDEN, true, pm2);
	if (!is_below(places->directory, "/run/user"))
		add(launch, LAUNCH_HIDDEN, true, "/run/user");
}

static void add_system(const struct plan_fence *fence, struct launch *launch)
{
	static const char *const open[] = { "/proc", "/dev", "/tmp", "/var/tmp" };
	if (fence->protect == PROTECT_SYSTEM_STRICT) {
		add(launch, LAUNCH_READ_ONLY, false, "/");
		add_list(launch, LAUNCH_READ_WRITE, true, open, ARRAY_LEN(open));
	}
	add_list(launch, LAUNCH_READ_ONLY, true, system_directories, ARRAY_LEN(system_directories));
	if (fence->by_mounts) {
		add_list(launch, LAUNCH_READ_ONLY, true, kernel_files, ARRAY_LEN(kernel_files));
		add_list(launch, LAUNCH_HIDDEN, true, orders, ARRAY_LEN(orders));
	}
	if (fence->few_devices) {
		add(launch, LAUNCH_HIDDEN, true, "/dev");
		add_list(launch, LAUNCH_READ_WRITE, true, harmless, ARRAY_LEN(harmless));
	}
	add_proc(fence, launch);
	if (fence->root)
		add_roots(fence, launch);
}

static bool is_closed_above(const struct launch *launch, const char *directory)
{
	for (size_t i = 0; i < launch->path_count; i++)
		if (launch->paths[i].access == LAUNCH_READ_ONLY && is_below(directory, launch->paths[i].path))
			return true;
	return false;
}

static bool is_roots_home(const struct plan_fence *fence, const char *directory)
{
	return fence->root && directory != NULL && strcmp(directory, "/root") == 0;
}

/* Images of Node have their applications below /usr: the working directory stays as it was, if it is not the system's own. By its name:
 * a link of the worker's own must not open what it leads to, and heapward-child looks at links. */
static void add_directory(const struct plan_fence *fence, const struct fence_places *places, struct launch *launch)
{
	if (fence->protect == PROTECT_SYSTEM_FULL && (is_closed_above(launch, places->directory) || is_roots_home(fence, places->directory))) {
		add(launch, LAUNCH_READ_WRITE, true, places->directory_named);
		return;
	}
	if (fence->own_tmp && (is_below(places->directory, "/tmp") || is_below(places->directory, "/var/tmp")))
		add(launch, fence->protect == PROTECT_SYSTEM_STRICT ? LAUNCH_READ_ONLY : LAUNCH_READ_WRITE, true,
		    places->directory_named);
}

static void add_words(struct launch *launch, enum launch_access access, bool optional, const struct words *words)
{
	add_list(launch, access, optional, (const char *const *)words->list, words->count);
}

static void add_policy(const struct policy *policy, const struct plan_fence *fence, struct launch *launch)
{
	static const char *const temporary[] = { "/tmp", "/var/tmp" };
	if (fence->own_tmp)
		add_list(launch, LAUNCH_PRIVATE, true, temporary, ARRAY_LEN(temporary));
	add_words(launch, LAUNCH_READ_ONLY, false, &policy->sandbox.read_only);
	add_words(launch, LAUNCH_READ_WRITE, false, &policy->sandbox.read_write);
	add_words(launch, LAUNCH_HIDDEN, true, &policy->sandbox.hidden);
}

/* A working directory that is reached by a link is the worker's own where the place is named by the same way: else a link of its own could
 * make anything a part of it. */
static bool is_in_directory(const struct fence_places *places, const struct fence_place *place)
{
	bool linked = places->directory != NULL && places->directory_named != NULL && strcmp(places->directory, places->directory_named) != 0;
	return is_below(place->path, places->directory) && (!linked || is_below(place->named, places->directory_named));
}

/* Where everybody makes files. */
static bool is_temporary(const char *path)
{
	return is_below(path, "/tmp") || is_below(path, "/var/tmp") || is_below(path, "/dev/shm");
}

bool fence_leaves_open(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		       const struct fence_place *place)
{
	if (!fence->by_landlock || place->path == NULL || place->path[0] == '\0')
		return false;
	return (fence->protect != PROTECT_SYSTEM_STRICT && is_in_directory(places, place)) ||
	       is_within_any(place->path, &policy->sandbox.read_write) || is_temporary(place->path);
}

static void add_ours(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		     struct launch *launch)
{
	for (size_t i = 0; i < places->ours_count; i++) {
		const struct fence_place *place = &places->ours[i];
		bool hidden = (place->kind == FENCE_SECRET || place->kind == FENCE_ORDERS) && fence->by_mounts;
		if (place->kind == FENCE_PROGRAM && is_within_any(place->path, &policy->sandbox.hidden))
			continue; /* what is hidden cannot be written either */
		if (!fence_leaves_open(policy, fence, places, place))
			add(launch, hidden ? LAUNCH_HIDDEN : LAUNCH_READ_ONLY, true, place->path);
	}
}

/* Else the program that it is loaded into would not start. By mounts it costs nothing to name it always: what is hidden may be
 * a link to where it is. */
static void add_agent(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		      struct launch *launch)
{
	if (fence->by_mounts || is_within_any(places->agent_directory, &policy->sandbox.hidden))
		add(launch, LAUNCH_READ_ONLY, true, places->agent_directory);
	/* As root it may write some of their files with no right but its number: their oom_score_adj. */
	if (fence->by_mounts && fence->protect != PROTECT_SYSTEM_NONE)
		add_list(launch, LAUNCH_HIDDEN, true, places->processes, FENCE_PROCESSES);
}

static void add_ports(const struct ports *ports, bool bind, struct launch *launch)
{
	for (size_t i = 0; i < ports->count; i++)
		launch->ports[launch->port_count++] = (struct launch_port){ .port = ports->list[i], .bind = bind };
}

static uint32_t flags_of(const struct plan_fence *fence)
{
	const struct {
		bool set;
		uint32_t flag;
	} flags[] = {
		{ fence->by_mounts, LAUNCH_BY_MOUNTS },
		{ fence->by_landlock, LAUNCH_BY_LANDLOCK },
		{ fence->own_dev, LAUNCH_OWN_DEV },
		{ fence->own_proc, LAUNCH_OWN_PROC },
		{ fence->root && fence->protect != PROTECT_SYSTEM_NONE, LAUNCH_GUARD_DEVICES },
		{ fence->limit_connect, LAUNCH_LIMIT_CONNECT },
		{ fence->limit_bind, LAUNCH_LIMIT_BIND },
		{ fence->own_signals, LAUNCH_OWN_SIGNALS },
		{ fence->own_sockets, LAUNCH_OWN_SOCKETS },
		{ fence->own_shm, LAUNCH_OWN_SHM },
		{ fence->by_landlock && fence->protect == PROTECT_SYSTEM_FULL && !fence->root, LAUNCH_MAKE_CACHES },
	};
	uint32_t all = 0;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		all |= flags[i].set ? flags[i].flag : 0;
	return all;
}

/* Whose working directory is "/" makes its files there. */
static bool closes_top(const struct plan_fence *fence, const struct fence_places *places)
{
	bool works_there = places->directory != NULL && strcmp(places->directory, "/") == 0;
	return fence->root && fence->by_mounts && fence->protect == PROTECT_SYSTEM_FULL && !works_there;
}

void fence_fill(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		struct launch *launch)
{
	if (!fence->wanted)
		return;
	launch->fence = (struct launch_fence){
		.namespaces = (fence->user_namespace ? CLONE_NEWUSER : 0) | (fence->by_mounts ? CLONE_NEWNS : 0) |
			      (fence->network_namespace ? CLONE_NEWNET : 0),
		.landlock_abi = fence->landlock_abi,
		.flags = flags_of(fence) | (closes_top(fence, places) ? LAUNCH_CLOSE_TOP : 0),
	};
	if (fence->protect != PROTECT_SYSTEM_NONE) {
		add_system(fence, launch);
		add_roots_orders(policy, fence, places, launch);
		add_directory(fence, places, launch);
	}
	add_policy(policy, fence, launch);
	if (fence->protect != PROTECT_SYSTEM_NONE)
		add_ours(policy, fence, places, launch);
	add_agent(policy, fence, places, launch);
	add_ports(&policy->sandbox.connect, false, launch);
	add_ports(&policy->sandbox.bind, true, launch);
}

enum launch_access fence_left(const struct launch *launch, const char *path)
{
	enum launch_access left = LAUNCH_READ_WRITE;
	size_t nearest = 0;
	for (size_t i = 0; i < launch->path_count; i++) {
		const struct launch_path *wall = &launch->paths[i];
		size_t length = strlen(wall->path);
		if (length < nearest || (strcmp(path, wall->path) != 0 && !is_below(path, wall->path)))
			continue;
		nearest = length;
		left = wall->access;
	}
	return left;
}

void fence_files_text(const struct plan_fence *fence, char text[static FENCE_TEXT_MAX])
{
	static const char *const protect[] = { [PROTECT_SYSTEM_NONE] = "as the policy lists them",
					       [PROTECT_SYSTEM_FULL] = "system and heapward's own read-only",
					       [PROTECT_SYSTEM_STRICT] = "all read-only but read_write, /tmp, /dev" };
	char by[64] = "nothing makes it here";
	if (!fence->wanted || fence->protect == PROTECT_SYSTEM_AUTO) {
		snprintf(text, FENCE_TEXT_MAX, "unchanged");
		return;
	}
	if (fence->by_mounts)
		snprintf(by, sizeof(by), "mounts%s", fence->user_namespace ? " in a user namespace" : "");
	else if (fence->by_landlock)
		snprintf(by, sizeof(by), "Landlock ABI %u%s", fence->landlock_abi,
			 fence->landlock_abi < 3 ? ", which does not cover truncate" : "");
	snprintf(text, FENCE_TEXT_MAX, "%s%s%s (%s)%s%s%s%s", protect[fence->protect], fence->open[0] != '\0' ? " but " : "",
		 fence->open, by, fence->own_tmp ? ", own /tmp" : "", fence->own_dev ? ", own /dev" : fence->few_devices ? ", harmless devices" : "",
		 fence->own_proc ? ", /proc of its own tree" : "", fence->proc_read_only ? ", /proc read-only" : "");
}

static void ports_text(const char *what, const struct ports *ports, char *text, size_t size)
{
	size_t length = (size_t)snprintf(text, size, "%s%s", what, ports->count == 0 ? " no TCP port" : " TCP");
	for (size_t i = 0; i < ports->count && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, " %u", ports->list[i]);
}

void fence_network_text(const struct policy *policy, const struct plan_fence *fence, char text[static FENCE_TEXT_MAX])
{
	char connect[FENCE_TEXT_MAX / 3] = "", bind[FENCE_TEXT_MAX / 3] = "";
	if (fence->network_namespace) {
		snprintf(text, FENCE_TEXT_MAX, "none (network namespace%s); held sockets work",
			 fence->user_namespace ? " in a user namespace" : "");
		return;
	}
	if (fence->limit_connect)
		ports_text("connects to", &policy->sandbox.connect, connect, sizeof(connect));
	if (fence->limit_bind)
		ports_text("binds", &policy->sandbox.bind, bind, sizeof(bind));
	snprintf(text, FENCE_TEXT_MAX, "%s%s%s%s", connect, connect[0] != '\0' && bind[0] != '\0' ? ", " : "", bind,
		 connect[0] != '\0' || bind[0] != '\0' ? " (Landlock)" : "full");
}
