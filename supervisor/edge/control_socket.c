/* SPDX-License-Identifier: Apache-2.0 */
/* control_socket: see control_socket.h. One request a connection; whoever is slow or speaks nonsense is dropped. */
#include "supervisor/edge/control_socket.h"

#include "supervisor/wire/control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CLIENT_PATIENCE_USEC (5 * USEC_PER_SEC)
#define LOOKING_GROUP "heapward"
#define PEER_GROUPS_MAX 256
#define REFUSAL_MAX 512

static void client_ready(struct source *source, uint32_t events);

static void drop(struct control_client *client)
{
	if (client->source.fd < 0)
		return;
	loop_remove(client->socket->loop, &client->source);
	close(TAKE_FD(client->source.fd));
	control_peer_forget(&client->peer);
	free(TAKE_POINTER(client->reply));
}

static bool is_in_group(int fd, const struct control_client *client, uint32_t gid)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t length = sizeof(groups);
	if (gid == UINT32_MAX)
		return false;
	if (client->peer.gid == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
		return false;
	for (size_t i = 0; i < length / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* Owner and root may do everything, from outside of workers; group heapward may look. */
static bool may(struct control_client *client, enum control_command command, char *why, size_t size)
{
#define X(id, name, changes) [CONTROL_##id] = changes,
	static const bool changing[] = { CONTROL_COMMANDS(X) };
#undef X
	struct control_socket *socket = client->socket;
	if (client->peer.uid == 0 || client->peer.uid == geteuid())
		return !changing[command] || socket->may_change(socket, &client->peer, why, size);
	snprintf(why, size, "not allowed: only the service's owner and root (to look: group heapward)");
	return !changing[command] && is_in_group(client->source.fd, client, socket->looking_gid);
}

static void refuse(struct control_reply *reply, const char *why)
{
	*reply = (struct control_reply){ .result = CONTROL_REFUSED };
	reply->text = strdup(why);
	reply->length = reply->text == NULL ? 0 : strlen(reply->text);
}

/* Takes reply->text over into one buffer with its header. */
static int start_reply(struct control_client *client, struct control_reply *reply)
{
	size_t length = reply->length < CONTROL_REPLY_MAX ? reply->length : CONTROL_REPLY_MAX;
	client->reply = malloc(CONTROL_REPLY_HEADER_BYTES + length);
	if (client->reply != NULL) {
		control_reply_header_encode(reply->result, length, client->reply);
		if (length > 0)
			memcpy(client->reply + CONTROL_REPLY_HEADER_BYTES, reply->text, length);
		client->reply_length = CONTROL_REPLY_HEADER_BYTES + length;
		client->reply_at = 0;
	}
	free(reply->text);
	return client->reply == NULL ? -1 : 0;
}

static void write_reply(struct control_client *client)
{
	ssize_t wrote = send(client->source.fd, client->reply + client->reply_at,
			     client->reply_length - client->reply_at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (wrote > 0)
		client->reply_at += (size_t)wrote;
	if (wrote <= 0 || client->reply_at == client->reply_length)
		drop(client);
}

static void answer(struct control_client *client, const struct control_request *request)
{
	struct control_reply reply = { .result = CONTROL_OK };
	struct failure ignored; /* the deadline drops a client that cannot be watched */
	char why[REFUSAL_MAX];
	if (may(client, request->command, why, sizeof(why)))
		client->socket->answer(client->socket, request, &reply);
	else
		refuse(&reply, why);
	if (start_reply(client, &reply) < 0) {
		drop(client);
		return;
	}
	(void)loop_change(client->socket->loop, &client->source, EPOLLOUT, &ignored);
	write_reply(client);
}

static void read_request(struct control_client *client)
{
	struct control_request request;
	ssize_t count = recv(client->source.fd, client->request + client->request_length,
			     sizeof(client->request) - client->request_length, MSG_DONTWAIT);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		drop(client);
		return;
	}
	client->request_length += (size_t)count;
	ssize_t used = control_request_decode(client->request, client->request_length, &request);
	if (used > 0)
		answer(client, &request);
	else if (used < 0 || client->request_length == sizeof(client->request))
		drop(client);
}

static void client_ready(struct source *source, uint32_t events UNUSED)
{
	struct control_client *client = source->owner;
	if (client->reply == NULL)
		read_request(client);
	else
		write_reply(client);
}

static struct control_client *free_client(struct control_socket *socket)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (socket->clients[i].source.fd < 0)
			return &socket->clients[i];
	return NULL;
}

static size_t count_insiders(const struct control_socket *socket)
{
	size_t count = 0;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		count += socket->clients[i].source.fd >= 0 && socket->clients[i].inside;
	return count;
}

/* Drops who has waited longest without a complete request, and gives its place; NULL: there is none. */
static struct control_client *evict(struct control_socket *socket, bool insiders_only)
{
	struct control_client *oldest = NULL;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &socket->clients[i];
		if (client->source.fd >= 0 && client->reply == NULL && (client->inside || !insiders_only) &&
		    (oldest == NULL || client->deadline_usec < oldest->deadline_usec))
			oldest = client;
	}
	if (oldest != NULL)
		drop(oldest);
	return oldest;
}

static struct control_client *find_place(struct control_socket *socket, bool inside)
{
	if (inside && count_insiders(socket) >= CONTROL_INSIDERS_MAX)
		return evict(socket, true);
	struct control_client *client = free_client(socket);
	if (client == NULL)
		client = evict(socket, true);
	return client != NULL ? client : evict(socket, false);
}

static void accept_client(struct control_socket *socket, int fd)
{
	struct failure ignored; /* the peer sees its connection closed */
	struct control_peer peer;
	char why[REFUSAL_MAX];
	if (!control_peer_find(&peer, fd)) {
		close(fd);
		return;
	}
	bool inside = !socket->may_change(socket, &peer, why, sizeof(why));
	struct control_client *client = find_place(socket, inside);
	if (client == NULL) {
		close(fd);
		control_peer_forget(&peer);
		return;
	}
	client->source.fd = fd;
	client->peer = peer;
	client->inside = inside;
	client->request_length = 0;
	client->deadline_usec = loop_now_usec() + CLIENT_PATIENCE_USEC;
	if (loop_add(socket->loop, &client->source, EPOLLIN, &ignored) == 0)
		return;
	close(TAKE_FD(client->source.fd));
	control_peer_forget(&client->peer);
}

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A client that stays in the queue would wake the loop without an end. */
static void turn_away(struct control_socket *socket)
{
	if (socket->spare_fd < 0)
		return;
	close(TAKE_FD(socket->spare_fd));
	int fd = accept4(socket->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	cleanup_close(&fd); /* before the spare is opened again: it may be the only one */
	socket->spare_fd = open_spare();
}

static void listener_ready(struct source *source, uint32_t events UNUSED)
{
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		accept_client(source->owner, fd);
	else if (errno == EMFILE || errno == ENFILE)
		turn_away(source->owner);
}

static int fill_address(const char *path, struct sockaddr_un *ret, struct failure *why)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return failed(why, ENAMETOOLONG, "control socket %s", path);
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

/* The mode is right before anybody can connect: connecting needs listen(), which comes last. */
static int open_listener(const char *path, uint32_t looking_gid, struct failure *why)
{
	struct sockaddr_un address;
	if (fill_address(path, &address, why) < 0)
		return -1;
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(why, errno, "socket");
	(void)unlink(path); /* one of a dead supervisor: the name's lock is ours */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return failed(why, errno, "bind %s", path);
	bool shared = looking_gid != UINT32_MAX && chown(path, (uid_t)-1, looking_gid) == 0;
	if (chmod(path, shared ? 0660 : 0600) < 0)
		return failed(why, errno, "chmod %s", path);
	if (listen(fd, CONTROL_CLIENTS_MAX) < 0)
		return failed(why, errno, "listen %s", path);
	return TAKE_FD(fd);
}

static uint32_t find_looking_group(void)
{
	struct group *group = getgrnam(LOOKING_GROUP);
	return group == NULL ? UINT32_MAX : group->gr_gid;
}

int control_socket_init(struct control_socket *ret, struct loop *loop, const char *path, struct failure *why)
{
	memset(ret, 0, sizeof(*ret));
	ret->loop = loop;
	ret->looking_gid = find_looking_group();
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		ret->clients[i].source = (struct source){ .fd = -1, .ready = client_ready, .owner = &ret->clients[i] };
		ret->clients[i].socket = ret;
	}
	ret->listener = (struct source){ .ready = listener_ready, .owner = ret };
	ret->spare_fd = -1;
	ret->listener.fd = open_listener(path, ret->looking_gid, why);
	if (ret->listener.fd < 0)
		return -1;
	ret->spare_fd = open_spare();
	return loop_add(loop, &ret->listener, EPOLLIN, why);
}

int64_t control_socket_deadline(const struct control_socket *socket)
{
	int64_t deadline = USEC_NEVER;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (socket->clients[i].source.fd >= 0 && socket->clients[i].deadline_usec < deadline)
			deadline = socket->clients[i].deadline_usec;
	return deadline;
}

void control_socket_tick(struct control_socket *socket, int64_t now_usec)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (socket->clients[i].source.fd >= 0 && socket->clients[i].deadline_usec <= now_usec)
			drop(&socket->clients[i]);
}

void control_socket_finish(struct control_socket *socket)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&socket->clients[i]);
	if (socket->listener.fd < 0)
		return;
	loop_remove(socket->loop, &socket->listener);
	close(TAKE_FD(socket->listener.fd));
	cleanup_close(&socket->spare_fd);
	socket->spare_fd = -1;
}
