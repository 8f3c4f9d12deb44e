/* SPDX-License-Identifier: Apache-2.0 */
/* listen_socket: see listen_socket.h. */
#include "supervisor/edge/listen_socket.h"

#include "supervisor/edge/listen_folder.h"
#include "supervisor/edge/listen_path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define UNPRIVILEGED_PORT 1024

enum { TCP_FLAGS_AT = 13, TCP_SYN = 0x02, TCP_ACK = 0x10 }; /* of a TCP header, where a filter of its socket begins */

/* What to do about it, "" where the error says all. */
static const char *remedy_of(const struct listen_address *address, int error)
{
	if (error == EACCES && address->kind == LISTEN_TCP && address->port < UNPRIVILEGED_PORT)
		return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
	if (error == EADDRINUSE && address->kind == LISTEN_TCP)
		return "; another program has the port: ss -ltnp shows it";
	if (error == EADDRINUSE)
		return "; somebody accepts on it: another service, or a server that was started by hand";
	if (error == EADDRNOTAVAIL)
		return "; no interface of this machine has that address";
	if (error == ENAMETOOLONG)
		return "; in a folder that others than root can change its name has room for 80 bytes";
	return "";
}

/* "listen tcp:80: Permission denied; ports below 1024 need ..." */
static int listen_failed(struct failure *why, const struct listen_address *address, int error)
{
	failed(why, 0, "listen %s: %s%s", address->text, strerror(error), remedy_of(address, error));
	why->error = error;
	return -1;
}

/* Where an address that is free for us may still linger in connections of an earlier worker. */
static int make_socket(int family, int *ret_fd)
{
	int on = 1;
	*ret_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*ret_fd < 0)
		return -1;
	return family == AF_UNIX ? 0 : setsockopt(*ret_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* One IPv6 socket; it takes IPv4 too where no host was named. */
static int bind_v6(const struct listen_address *address, int *ret_fd)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	int only = address->host[0] != '\0';
	if (only)
		inet_pton(AF_INET6, address->host, &name.sin6_addr);
	if (make_socket(AF_INET6, ret_fd) < 0 ||
	    setsockopt(*ret_fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
		return -1;
	return bind(*ret_fd, (struct sockaddr *)&name, sizeof(name));
}

static int bind_v4(const struct listen_address *address, int *ret_fd)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(address->port) };
	if (address->host[0] != '\0')
		inet_pton(AF_INET, address->host, &name.sin_addr);
	if (make_socket(AF_INET, ret_fd) < 0)
		return -1;
	return bind(*ret_fd, (struct sockaddr *)&name, sizeof(name));
}

/* A machine without IPv6 has no socket or no address of that family. */
static int bind_tcp(const struct listen_address *address, int *ret_fd)
{
	if (address->host[0] != '\0')
		return address->v6 ? bind_v6(address, ret_fd) : bind_v4(address, ret_fd);
	if (bind_v6(address, ret_fd) == 0)
		return 0;
	if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
		return -1;
	cleanup_close(ret_fd);
	return bind_v4(address, ret_fd);
}

/* What we have bound, and nobody else: in a folder that others can write, the path may be another's by now, and another's socket
 * may be linked to it. */
static bool is_fresh(const struct stat *status)
{
	return S_ISSOCK(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

static int own_path(const struct listen_sockets *sockets, struct listen_socket *socket)
{
	struct stat status;
	cleanup_fd int fd = openat(socket->folder_fd, listen_path_name(socket->address.path), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -1;
	if (!is_fresh(&status)) {
		errno = EEXIST;
		return -1;
	}
	socket->path_dev = status.st_dev;
	socket->path_ino = status.st_ino;
	bool same = (sockets->owner_uid == UINT32_MAX || sockets->owner_uid == status.st_uid) &&
		    (sockets->owner_gid == UINT32_MAX || sockets->owner_gid == status.st_gid);
	return same ? 0 : fchownat(fd, "", sockets->owner_uid, sockets->owner_gid, AT_EMPTY_PATH);
}

/* By the path as it was given where that is safe, for it becomes the socket's name. */
static int bind_path(const struct listen_socket *socket, bool path_stays)
{
	const char *path = socket->address.path;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	if (!path_stays)
		return listen_path_bind(socket->fd, socket->folder_fd, listen_path_name(path));
	memcpy(name.sun_path, path, strlen(path));
	return bind(socket->fd, (struct sockaddr *)&name, sizeof(name));
}

static int bind_unix(struct listen_socket *socket, bool path_stays)
{
	if (make_socket(AF_UNIX, &socket->fd) < 0)
		return -1;
	mode_t before = umask(0777 & ~LISTEN_UNIX_MODE);
	int result = bind_path(socket, path_stays), error = errno;
	umask(before);
	errno = error;
	return result;
}

/* Makes room for the path where what is there is nobody's. */
static int free_path(const struct listen_socket *socket, struct failure *why)
{
	const struct listen_address *address = &socket->address;
	const char *name = listen_path_name(address->path);
	switch (listen_path_look(socket->folder_fd, name)) {
	case LISTEN_PATH_FREE:
		return 0;
	case LISTEN_PATH_STALE:
		return unlinkat(socket->folder_fd, name, 0) == 0 || errno == ENOENT ? 0 : listen_failed(why, address, errno);
	case LISTEN_PATH_IN_USE:
		return listen_failed(why, address, EADDRINUSE);
	case LISTEN_PATH_FOREIGN:
		break;
	}
	if (errno != 0)
		return listen_failed(why, address, errno);
	return failed(why, 0, "listen %s: something that is no socket is in its place; move it away", address->text);
}

/* Without our descriptor the inode may be another's by now: then only a path that refuses is ours. */
static void remove_path(struct listen_socket *socket)
{
	struct stat status;
	const char *name = listen_path_name(socket->address.path);
	bool ours = socket->path_ino != 0 && fstatat(socket->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    status.st_dev == socket->path_dev && status.st_ino == socket->path_ino;
	if (ours && (socket->fd >= 0 || listen_path_look(socket->folder_fd, name) == LISTEN_PATH_STALE))
		unlinkat(socket->folder_fd, name, 0);
	socket->path_ino = 0;
}

static void close_one(struct listen_socket *socket)
{
	if (socket->address.kind == LISTEN_UNIX)
		remove_path(socket);
	cleanup_close(&socket->fd);
	cleanup_close(&socket->folder_fd);
	socket->fd = socket->folder_fd = -1;
}

static int make_unix(const struct listen_sockets *sockets, struct listen_socket *socket, struct failure *why)
{
	const struct listen_address *address = &socket->address;
	bool path_stays;
	cleanup_close(&socket->folder_fd);
	socket->folder_fd = listen_folder_open(address->path, sockets->owner_uid, sockets->owner_gid, &path_stays, why);
	if (socket->folder_fd < 0)
		return failed_in(why, "listen %s", address->text);
	if (free_path(socket, why) < 0)
		return -1;
	if (bind_unix(socket, path_stays) < 0 || own_path(sockets, socket) < 0)
		return listen_failed(why, address, errno);
	return 0;
}

/* Makes and binds one. On failure nothing of it is left. */
static int make_one(const struct listen_sockets *sockets, struct listen_socket *socket, struct failure *why)
{
	const struct listen_address *address = &socket->address;
	if (address->kind == LISTEN_UNIX ? make_unix(sockets, socket, why) == 0 : bind_tcp(address, &socket->fd) == 0)
		return 0;
	if (address->kind != LISTEN_UNIX)
		listen_failed(why, address, errno);
	close_one(socket);
	return -1;
}

int listen_sockets_make(struct listen_sockets *ret, const struct listen_addresses *addresses, uint32_t owner_uid,
			uint32_t owner_gid, struct failure *why)
{
	*ret = (struct listen_sockets){ .owner_uid = owner_uid, .owner_gid = owner_gid };
	for (size_t i = 0; i < addresses->count; i++) {
		struct listen_socket *socket = &ret->list[ret->count];
		*socket = (struct listen_socket){ .address = addresses->list[i], .fd = -1, .folder_fd = -1 };
		if (make_one(ret, socket, why) < 0) {
			listen_sockets_finish(ret);
			return -1;
		}
		ret->count++;
	}
	return 0;
}

/* A UNIX socket was closed with unlisten: its path is there, and stale. */
static int listen_one(const struct listen_sockets *sockets, struct listen_socket *socket, struct failure *why)
{
	if (socket->fd < 0 && make_one(sockets, socket, why) < 0)
		return -1;
	/* The kernel cuts it to net.core.somaxconn. */
	return listen(socket->fd, INT32_MAX) == 0 ? 0 : listen_failed(why, &socket->address, errno);
}

/* TCP: the kernel resets the queue and keeps the port bound; listen() opens it again. A UNIX socket never comes back from a
 * shutdown, so it is closed; its path stays and refuses. */
static void unlisten_one(struct listen_socket *socket)
{
	if (socket->fd < 0)
		return;
	shutdown(socket->fd, SHUT_RDWR);
	if (socket->address.kind == LISTEN_UNIX)
		close(TAKE_FD(socket->fd));
}

int listen_sockets_listen(struct listen_sockets *sockets, struct failure *why)
{
	for (size_t i = 0; i < sockets->count && !sockets->listening; i++) {
		if (listen_one(sockets, &sockets->list[i], why) == 0)
			continue;
		sockets->listening = true;
		listen_sockets_unlisten(sockets);
		return -1;
	}
	sockets->listening = true;
	return 0;
}

void listen_sockets_unlisten(struct listen_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count && sockets->listening; i++)
		unlisten_one(&sockets->list[i]);
	sockets->listening = false;
}

/* A handshake under way is completed: only what begins one is dropped. The connections that are accepted inherit the
 * filter, and never see such a segment. */
static void take_no_more(struct listen_socket *socket)
{
	static struct sock_filter only_syn_is_dropped[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN | TCP_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog filter = { ARRAY_LEN(only_syn_is_dropped), only_syn_is_dropped };
	if (socket->address.kind == LISTEN_UNIX)
		remove_path(socket);
	else if (socket->fd >= 0) /* where the kernel has no filters, who comes now waits in vain */
		(void)setsockopt(socket->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

void listen_sockets_last_call(struct listen_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		take_no_more(&sockets->list[i]);
	sockets->last_call = true;
}

void listen_sockets_finish(struct listen_sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		close_one(&sockets->list[i]);
	*sockets = (struct listen_sockets){ 0 };
}

void listen_sockets_hand_over(const struct listen_sockets *sockets, bool as_listen_fds, struct launch *launch)
{
	int first = as_listen_fds ? LISTEN_FDS_FIRST : LISTEN_WORKER_FD;
	for (size_t i = 0; i < sockets->count; i++) {
		assert(launch->keep_count < LAUNCH_KEEP_MAX && sockets->list[i].fd >= 0);
		launch->keep[launch->keep_count++] =
			(struct launch_descriptor){ .from = sockets->list[i].fd, .to = first + (int)i };
	}
	launch->listen_fds = as_listen_fds ? (uint32_t)sockets->count : 0;
}

void listen_addresses_keeper_job(const struct listen_addresses *addresses, struct keeper_job *job)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->list[i].kind == LISTEN_UNIX)
			memcpy(job->sockets[i].path, addresses->list[i].path, sizeof(job->sockets[i].path));
}

void listen_sockets_keeper_job(const struct listen_sockets *sockets, struct keeper_job *job)
{
	for (size_t i = 0; i < sockets->count; i++) {
		job->sockets[i].dev = sockets->list[i].path_dev;
		job->sockets[i].ino = sockets->list[i].path_ino;
	}
}
