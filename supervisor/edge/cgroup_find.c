/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_find: where we stand, from two texts of /proc, and where workers' groups go. Pure: every container, hybrid and
 * delegation is a row of tests/unit/test_cgroup_find.c. */
#include "supervisor/edge/cgroup_internal.h"

#include <stdio.h>
#include <string.h>

/* A part of a text that stays where it is. */
struct slice {
	const char *at;
	size_t length;
};

/* Cuts what stands before `separator` (or the end) off the front of *rest. False where nothing is left. */
static bool cut(struct slice *rest, char separator, struct slice *ret)
{
	if (rest->length == 0)
		return false;
	const char *end = memchr(rest->at, separator, rest->length);
	ret->at = rest->at;
	ret->length = end == NULL ? rest->length : (size_t)(end - rest->at);
	size_t taken = end == NULL ? rest->length : ret->length + 1;
	rest->at += taken;
	rest->length -= taken;
	return true;
}

static bool equals(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && memcmp(slice.at, text, slice.length) == 0;
}

/* True where `word` is one of the comma-separated words. */
static bool lists(struct slice words, const char *word)
{
	struct slice one;
	while (cut(&words, ',', &one))
		if (equals(one, word))
			return true;
	return false;
}

static bool is_octal(const char *at)
{
	return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' && at[2] <= '7';
}

/* Copies a path of mountinfo, where blanks are written "\040". False where it does not fit. */
static bool copy_unescaped(struct slice from, char *to, size_t size)
{
	size_t length = 0;
	for (size_t i = 0; i < from.length; i++) {
		char c = from.at[i];
		if (c == '\\' && i + 3 < from.length && is_octal(from.at + i + 1)) {
			c = (char)((from.at[i + 1] - '0') * 64 + (from.at[i + 2] - '0') * 8 + (from.at[i + 3] - '0'));
			i += 3;
		}
		if (length + 1 >= size)
			return false;
		to[length++] = c;
	}
	to[length] = '\0';
	return true;
}

static bool copy_plain(struct slice from, char *to, size_t size)
{
	if (from.length >= size)
		return false;
	memcpy(to, from.at, from.length);
	to[from.length] = '\0';
	return true;
}

/* What lies below `top` on the way to `path` ("" or "/x/y"); NULL where path is not below it. */
static const char *below(const char *path, const char *top)
{
	size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(path, top, length) != 0 || (path[length] != '\0' && path[length] != '/'))
		return NULL;
	return strcmp(path + length, "/") == 0 ? "" : path + length;
}

/* Our own path from /proc/self/cgroup: "4:cpu,cpuacct:/path"; "0::/path" for v2 (controller ""). */
static bool find_own(const char *self_cgroup, const char *controller, char *path, size_t size)
{
	struct slice text = { self_cgroup, strlen(self_cgroup) }, line, id, names;
	while (cut(&text, '\n', &line)) {
		if (!cut(&line, ':', &id) || !cut(&line, ':', &names))
			continue;
		bool unified = equals(id, "0") && names.length == 0;
		if (controller[0] == '\0' ? unified : lists(names, controller))
			return copy_plain(line, path, size);
	}
	return false;
}

struct mount {
	struct slice root, point, type, options;
};

/* One line of mountinfo: "31 23 0:28 ROOT POINT rw,... [optional]... - TYPE SOURCE OPTIONS". */
static bool parse_mount(struct slice line, struct mount *ret)
{
	struct slice field;
	*ret = (struct mount){ .root.at = NULL };
	for (int i = 0; i < 3; i++)
		if (!cut(&line, ' ', &field))
			return false;
	if (!cut(&line, ' ', &ret->root) || !cut(&line, ' ', &ret->point))
		return false;
	do {
		if (!cut(&line, ' ', &field))
			return false;
	} while (!equals(field, "-"));
	return cut(&line, ' ', &ret->type) && cut(&line, ' ', &field) && cut(&line, ' ', &ret->options);
}

/* Fills mount, root and own of a hierarchy from one line of mountinfo if it is a mount of `controller` below `top` that
 * shows our own group `own`. */
static bool match_mount(struct slice line, const char *controller, const char *own, const char *top,
			struct cgroup_hierarchy *ret)
{
	struct mount mount;
	if (!parse_mount(line, &mount))
		return false;
	if (controller[0] == '\0' ? !equals(mount.type, "cgroup2")
				  : !equals(mount.type, "cgroup") || !lists(mount.options, controller))
		return false;
	if (!copy_unescaped(mount.point, ret->mount, sizeof(ret->mount)) || below(ret->mount, top) == NULL ||
	    !copy_unescaped(mount.root, ret->root, sizeof(ret->root)))
		return false;
	const char *rest = below(own, ret->root);
	if (rest == NULL || strstr(rest, "/..") != NULL) /* another namespace's: cannot be mapped */
		return false;
	int length = snprintf(ret->own, sizeof(ret->own), "%s%s", ret->mount, rest);
	return length > 0 && (size_t)length < sizeof(ret->own);
}

/* Finds the hierarchy that has the controller. A later mount hides an earlier one at the same place. */
static bool find_hierarchy(const char *mountinfo, const char *controller, const char *own, const char *top,
			   struct cgroup_hierarchy *ret)
{
	struct slice text = { mountinfo, strlen(mountinfo) }, line;
	bool found = false;
	while (cut(&text, '\n', &line)) {
		struct cgroup_hierarchy candidate = { .base = "" };
		if (match_mount(line, controller, own, top, &candidate)) {
			*ret = candidate;
			found = true;
		}
	}
	return found;
}

/* Adds the hierarchy of a controller; one that is there already only gets one name more. */
static bool add_hierarchy(struct cgroup_tree *tree, const char *mountinfo, const char *self_cgroup,
			  const char *controller, const char *top)
{
	struct cgroup_hierarchy found;
	char own[512];
	if (!find_own(self_cgroup, controller, own, sizeof(own)) ||
	    !find_hierarchy(mountinfo, controller, own, top, &found))
		return false;
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		struct cgroup_hierarchy *old = &tree->hierarchies[i];
		if (strcmp(old->mount, found.mount) != 0)
			continue;
		size_t length = strlen(old->controllers);
		snprintf(old->controllers + length, sizeof(old->controllers) - length, ",%s", controller);
		return true;
	}
	assert(tree->hierarchy_count < CGROUP_HIERARCHIES_MAX);
	snprintf(found.controllers, sizeof(found.controllers), "%s", controller);
	tree->hierarchies[tree->hierarchy_count++] = found;
	return true;
}

static void find_v1(struct cgroup_tree *tree, const char *mountinfo, const char *self_cgroup, const char *top)
{
	tree->version = CGROUP_V1;
	if (!add_hierarchy(tree, mountinfo, self_cgroup, "memory", top)) {
		snprintf(tree->problem, sizeof(tree->problem),
			 "our own memory cgroup is not to be seen below %s: mount it there, or show it to this container",
			 top);
		return;
	}
	add_hierarchy(tree, mountinfo, self_cgroup, "pids", top);
	add_hierarchy(tree, mountinfo, self_cgroup, "cpu", top);
	if (add_hierarchy(tree, mountinfo, self_cgroup, "", top))
		tree->version = CGROUP_HYBRID;
}

void cgroup_find(struct cgroup_tree *ret, const char *mountinfo, const char *self_cgroup, const char *root)
{
	char own[512];
	*ret = (struct cgroup_tree){ .version = CGROUP_NONE };
	if (find_own(self_cgroup, "memory", own, sizeof(own)))
		find_v1(ret, mountinfo, self_cgroup, root);
	else if (add_hierarchy(ret, mountinfo, self_cgroup, "", root))
		ret->version = CGROUP_V2;
	else
		snprintf(ret->problem, sizeof(ret->problem),
			 "no cgroup file system that shows our own group is mounted below %s: "
			 "mount -t cgroup2 none %s, or start the container with one", root, root);
}

int cgroup_hierarchy_of(const struct cgroup_tree *tree, const char *controller)
{
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		const char *names = tree->hierarchies[i].controllers;
		bool match = tree->version == CGROUP_V2 || (controller[0] == '\0' && names[0] == '\0') ||
			     lists((struct slice){ names, strlen(names) }, controller);
		if (match)
			return (int)i;
	}
	return -1;
}

void cgroup_kernel_path(const struct cgroup_hierarchy *hierarchy, const char *directory, char *path, size_t size)
{
	char whole[1200];
	const char *rest = below(directory, hierarchy->mount);
	assert(rest != NULL && size > 4);
	bool at_root = strcmp(hierarchy->root, "/") == 0;
	snprintf(whole, sizeof(whole), "%s%s", at_root ? (*rest == '\0' ? "/" : "") : hierarchy->root, rest);
	size_t length = strlen(whole);
	if (length < size)
		memcpy(path, whole, length + 1);
	else
		snprintf(path, size, "...%s", whole + length - (size - 4));
}

static void refuse_v2(struct cgroup_tree *tree, const struct cgroup_standing *standing)
{
	const struct cgroup_hierarchy *unified = &tree->hierarchies[0];
	char own[256];
	cgroup_kernel_path(unified, unified->own, own, sizeof(own));
	if (standing->own_writable && standing->others > 0)
		snprintf(tree->problem, sizeof(tree->problem),
			 "our own cgroup %s holds other processes too (%u): start heapward as the only one in it, with "
			 "`systemd-run --user --scope -p Delegate=yes heapward run ...`", own, standing->others);
	else if (strcmp(unified->own, unified->mount) == 0)
		snprintf(tree->problem, sizeof(tree->problem),
			 "the container's cgroup at %s is not writable: its own memory limit holds; for limits by "
			 "heapward start it with a writable one", unified->mount);
	else
		snprintf(tree->problem, sizeof(tree->problem),
			 "our own cgroup %s is not delegated to uid %u: start with "
			 "`systemd-run --user --scope -p Delegate=yes heapward run ...`", own, standing->uid);
}

void cgroup_choose_base_v2(struct cgroup_tree *tree, const struct cgroup_standing *standing)
{
	struct cgroup_hierarchy *unified = &tree->hierarchies[0];
	bool at_top = strcmp(unified->own, unified->mount) == 0;
	bool delegated = standing->own_writable && !(at_top && standing->top_is_root) &&
			 (standing->marked || !standing->top_is_root || !standing->top_writable);
	if (delegated && standing->others == 0) {
		memcpy(unified->base, unified->own, sizeof(unified->base));
		tree->needs_leaf = true;
	} else if (standing->top_is_root && standing->top_writable) {
		snprintf(unified->base, sizeof(unified->base), "%s/heapward", unified->mount);
		tree->owns_base = true;
	} else {
		refuse_v2(tree, standing);
		return;
	}
	if (!standing->has_memory)
		snprintf(tree->problem, sizeof(tree->problem),
			 "the memory controller is not available in %s: the kernel was started without it "
			 "(cgroup_disable=memory), or it was not delegated (systemd: Delegate=yes)", unified->base);
}
