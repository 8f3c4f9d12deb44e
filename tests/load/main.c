/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-load: an open-loop load on one server: a request every 1/RATE second whatever became of those before it, half
 * of them on kept-alive connections, half on new ones; no retries. At SIGTERM it asks no more and hears the answers that
 * are due. Prints one JSON object; exits 0 only where none failed.
 * usage: heapward-load [--rate N] [--seconds N] [--keep-alive PERCENT] [--timeout MSEC] [--path /P] [--body TEXT]
 *                      tcp:PORT | unix:PATH                                   loopback only */
#include "tests/load/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define REQUESTS_MAX 2000000

struct load {
	struct target target;
	struct sockaddr_un unix_address;
	long rate, seconds, keep_alive_percent, timeout_msec;
	int epoll_fd;
	struct connection connections[CONNECTIONS_MAX];
	uint64_t outcomes[OUTCOME_COUNT], sent, opened;
	uint32_t *latency_usec; /* of those that are OK */
	int64_t began_usec, first_failure_usec, last_failure_usec; /* when they were due, since the begin; -1: none */
};

static volatile sig_atomic_t asked_to_end;

static void ask_to_end(int number UNUSED)
{
	asked_to_end = 1;
}

static int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

static void usage(void)
{
	fputs("usage: heapward-load [--rate N] [--seconds N] [--keep-alive PERCENT] [--timeout MSEC] [--path /P] "
	      "[--body TEXT] tcp:PORT|unix:PATH\n", stderr);
	exit(2);
}

static void read_target(struct load *load, const char *text)
{
	struct sockaddr_in *tcp = (struct sockaddr_in *)&load->target.address;
	struct sockaddr_un *local = (struct sockaddr_un *)&load->target.address;
	if (strncmp(text, "tcp:", 4) == 0) {
		*tcp = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(text + 4)),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		load->target.length = sizeof(*tcp);
	} else if (strncmp(text, "unix:", 5) == 0 && strlen(text + 5) < sizeof(local->sun_path)) {
		local->sun_family = AF_UNIX;
		strcpy(local->sun_path, text + 5);
		load->target.length = sizeof(*local);
	} else {
		usage();
	}
}

static void read_options(struct load *load, int argc, char **argv)
{
	static const struct option options[] = {
		{ "rate", required_argument, NULL, 'r' },    { "seconds", required_argument, NULL, 's' },
		{ "keep-alive", required_argument, NULL, 'k' }, { "timeout", required_argument, NULL, 't' },
		{ "path", required_argument, NULL, 'p' },    { "body", required_argument, NULL, 'b' },
		{ 0 },
	};
	load->rate = 200;
	load->seconds = 10;
	load->keep_alive_percent = 50;
	load->timeout_msec = 2000;
	load->target.path = "/";
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'r': load->rate = atol(optarg); break;
		case 's': load->seconds = atol(optarg); break;
		case 'k': load->keep_alive_percent = atol(optarg); break;
		case 't': load->timeout_msec = atol(optarg); break;
		case 'p': load->target.path = optarg; break;
		case 'b': load->target.body = optarg; break;
		default: usage();
		}
	}
	if (optind != argc - 1 || load->rate < 1 || load->seconds < 1 || load->rate * load->seconds > REQUESTS_MAX)
		usage();
	read_target(load, argv[optind]);
}

static void watch(struct load *load, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection };
	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
		perror("heapward-load: epoll_ctl");
		exit(125);
	}
}

static void count(struct load *load, int64_t due_usec, enum outcome outcome)
{
	if (outcome == OUTCOME_PENDING)
		return;
	if (outcome == OUTCOME_OK) {
		load->latency_usec[load->outcomes[OUTCOME_OK]] = (uint32_t)(now_usec() - due_usec);
	} else {
		load->last_failure_usec = due_usec - load->began_usec;
		if (load->first_failure_usec < 0)
			load->first_failure_usec = load->last_failure_usec;
	}
	load->outcomes[outcome]++;
}

static struct connection *find_free(struct load *load)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (load->connections[i].state == CONNECTION_FREE)
			return &load->connections[i];
	return NULL;
}

static struct connection *find_idle(struct load *load)
{
	int64_t now = now_usec();
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &load->connections[i];
		if (connection->state == CONNECTION_IDLE && connection->idle_until_usec > now)
			return connection;
		if (connection->state == CONNECTION_IDLE)
			connection_drop(connection);
	}
	return NULL;
}

static void send_one(struct load *load, int64_t due_usec)
{
	/* Spread evenly: a request is kept alive where its number crosses another whole percent. */
	uint64_t number = load->sent++, percent = (uint64_t)load->keep_alive_percent;
	bool keep_alive = (number + 1) * percent / 100 > number * percent / 100;
	struct connection *connection = keep_alive ? find_idle(load) : NULL;
	if (connection != NULL) {
		count(load, due_usec, connection_again(connection, &load->target, due_usec));
		return;
	}
	connection = find_free(load);
	if (connection == NULL) {
		count(load, due_usec, OUTCOME_TIMEOUT); /* thousands hang already */
		return;
	}
	load->opened++;
	enum outcome outcome = connection_open(connection, &load->target, keep_alive, due_usec);
	if (outcome == OUTCOME_PENDING)
		watch(load, connection);
	count(load, due_usec, outcome);
}

static void end_the_late(struct load *load)
{
	int64_t oldest_usec = now_usec() - load->timeout_msec * USEC_PER_MSEC;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &load->connections[i];
		bool busy = connection->state == CONNECTION_BUSY || connection->state == CONNECTION_CONNECTING;
		if (!busy || connection->due_usec > oldest_usec)
			continue;
		connection_drop(connection);
		count(load, connection->due_usec, OUTCOME_TIMEOUT);
	}
}

static uint64_t ended(const struct load *load)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		sum += load->outcomes[i];
	return sum;
}

static void hear(struct load *load, int timeout_msec)
{
	struct epoll_event events[256];
	int ready = epoll_wait(load->epoll_fd, events, ARRAY_LEN(events), timeout_msec);
	for (int i = 0; i < ready; i++) {
		struct connection *connection = events[i].data.ptr;
		if (connection->state != CONNECTION_FREE)
			count(load, connection->due_usec, connection_ready(connection, &load->target, now_usec()));
	}
}

static void run(struct load *load)
{
	uint64_t all = (uint64_t)(load->rate * load->seconds);
	load->began_usec = now_usec();
	load->first_failure_usec = load->last_failure_usec = -1;
	while (load->sent < all || ended(load) < all) {
		all = asked_to_end ? load->sent : all;
		int64_t due_usec = load->began_usec + (int64_t)load->sent * USEC_PER_SEC / load->rate;
		int64_t wait_usec = due_usec - now_usec();
		if (load->sent < all && wait_usec <= 0) {
			send_one(load, due_usec);
			continue;
		}
		hear(load, load->sent < all ? (int)(wait_usec / USEC_PER_MSEC) + (wait_usec < USEC_PER_MSEC ? 0 : 1) : 20);
		end_the_late(load);
	}
}

static int by_size(const void *one, const void *other)
{
	uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
	return a < b ? -1 : a > b;
}

static double latency_msec(const struct load *load, double share)
{
	uint64_t all = load->outcomes[OUTCOME_OK];
	return all == 0 ? 0 : load->latency_usec[(uint64_t)((double)(all - 1) * share)] / 1000.0;
}

static uint64_t report(struct load *load)
{
	static const char *const names[] = {
#define X(id, name) name,
		OUTCOMES(X)
#undef X
	};
	uint64_t failed = load->sent - load->outcomes[OUTCOME_OK];
	qsort(load->latency_usec, load->outcomes[OUTCOME_OK], sizeof(load->latency_usec[0]), by_size);
	printf("{\"requests\":%llu,\"failed\":%llu", (unsigned long long)load->sent, (unsigned long long)failed);
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		printf(",\"%s\":%llu", names[i], (unsigned long long)load->outcomes[i]);
	printf(",\"connections\":%llu,\"p50_msec\":%.1f,\"p99_msec\":%.1f,\"max_msec\":%.1f", (unsigned long long)load->opened,
	       latency_msec(load, 0.5), latency_msec(load, 0.99), latency_msec(load, 1));
	if (failed > 0)
		printf(",\"failed_from_seconds\":%.3f,\"failed_to_seconds\":%.3f", (double)load->first_failure_usec / USEC_PER_SEC,
		       (double)load->last_failure_usec / USEC_PER_SEC);
	puts("}");
	return failed;
}

int main(int argc, char **argv)
{
	static struct load load;
	struct rlimit files;
	signal(SIGTERM, ask_to_end);
	read_options(&load, argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	load.latency_usec = calloc((size_t)(load.rate * load.seconds), sizeof(load.latency_usec[0]));
	if (load.epoll_fd < 0 || load.latency_usec == NULL) {
		perror("heapward-load");
		return 125;
	}
	run(&load);
	return report(&load) == 0 ? 0 : 1;
}
