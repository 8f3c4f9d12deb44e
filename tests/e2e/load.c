/* SPDX-License-Identifier: Apache-2.0 */
/* load: see load.h. */
#include "tests/e2e/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define SET "--set"
#define ENDLESS_SECONDS 3600

const char *load_program(void)
{
	static char path[WORLD_PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert(length > 0);
	path[length] = '\0';
	*strstr(path, "/e2e/") = '\0';
	strcat(path, "/load/heapward-load");
	return path;
}

int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	return ntohs(address.sin_port);
}

int connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static struct program *start(struct world *world, const char *target, int rate, int seconds)
{
	const char *words[] = { load_program(), "--rate", world_print(world, "%d", rate), "--seconds",
				world_print(world, "%d", seconds), "--timeout", world_print(world, "%.0f", 2000 * slowness()),
				"--body", LOAD_BODY, target, NULL };
	return program_start(world, words);
}

struct program *load_start(struct world *world, const char *target, int seconds)
{
	return start(world, target, 200, seconds);
}

struct program *load_start_at(struct world *world, const char *target, int rate)
{
	return start(world, target, rate, ENDLESS_SECONDS);
}

struct json_object *load_finish(struct world *world, struct program *load, double seconds)
{
	program_finish(world, load, seconds);
	return see(world, program_out(world, load));
}

struct json_object *load_end(struct world *world, struct program *load)
{
	kill(load->pid, SIGTERM);
	return load_finish(world, load, 10);
}

struct program *serve_start(struct world *world, const char *listen, const char *settings, const char *const *server)
{
	const char *words[WORDS_MAX] = { SET, "log.events=json", SET, world_print(world, "service.listen=[\"%s\"]", listen) };
	size_t count = 4;
	char *next = world_print(world, "%s", settings);
	for (char *setting; (setting = strsep(&next, " ")) != NULL;) {
		words[count++] = SET;
		words[count++] = setting;
	}
	words[count++] = "--";
	for (; *server != NULL; server++)
		words[count++] = *server;
	words[count] = NULL;
	return run_start(world, words);
}

struct program *serve(struct world *world, const char *listen, const char *settings, const char *const *server)
{
	struct program *run = serve_start(world, listen, settings, server);
	await_state(world, "ready", 20);
	return run;
}

struct program *serve_leak(struct world *world, const char *listen, const char *settings, const char *kib)
{
	return serve_leak_of(world, listen, settings, kib, "objects");
}

struct program *serve_leak_of(struct world *world, const char *listen, const char *settings, const char *kib,
			      const char *kind)
{
	const char *where = strchr(listen, ':') + 1;
	char *more = strchr(kind, ' ');
	const char *const server[] = { "node", js_worker_path(world, "leak-server.js"), where, kib,
				       world_print(world, "%.*s", (int)strcspn(kind, " "), kind),
				       more == NULL ? NULL : world_print(world, "%s", more + 1), NULL };
	return serve(world, listen, settings, server);
}

void serve_stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 30), 0);
}

void assert_none_failed(struct world *world, const struct program *run, struct json_object *load)
{
	if (see_number(load, "/failed") != 0)
		fail_msg("%s\n%s", json_object_to_json_string(load), program_err(world, run));
}

int64_t replaced(struct world *world)
{
	size_t keeps = world->keep_count;
	int64_t count = see_number(see_status(world), "/services/0/restarts/by_verdict/replaced");
	world_release(world, keeps);
	return count;
}

void await_replaced(struct world *world, int64_t wanted, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6), count = replaced(world);
	for (; count < wanted && now_usec() < deadline_usec; count = replaced(world))
		pause_msec(25);
	if (count < wanted)
		fail_msg("%lld of %lld replaced after %.1f s:\n%s", (long long)count, (long long)wanted, seconds,
			 heapward_says(world, 0, "logs", world->name, NULL));
}
