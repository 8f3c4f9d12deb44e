/* SPDX-License-Identifier: Apache-2.0 */
/* tell: stop, drain, restart, reload, reset and ready: one word to a running supervisor, one line or an exit status back. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STOP_POLL_MSEC 20

struct order {
	const char *name; /* of the command */
	enum control_command command;
	const char *help;
};

/* The service's name, or NULL with *ret_status set to leave with. */
static const char *read_name(const struct order *order, int argc, char **argv, int *ret_status)
{
	*ret_status = EXIT_USAGE;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward %s NAME\n%s\n", order->name, order->help);
		*ret_status = EXIT_OK;
		return NULL;
	}
	if (argc != 2) {
		cli_wrong_usage(order->name, "NAME");
		return NULL;
	}
	return ask_name_valid(argv[1]) ? argv[1] : NULL;
}

static int send_order(const struct order *order, const struct state_roots *roots, const char *name)
{
	struct failure why;
	struct control_reply reply = { 0 };
	if (ask(roots, name, order->command, NULL, &reply, &why) < 0) {
		fprintf(stderr, "heapward: %s: %s\n", name, why.text);
		return 1;
	}
	bool refused = reply.result == CONTROL_REFUSED;
	bool lines = reply.length == 0 || reply.text[reply.length - 1] == '\n';
	if (order->command == CONTROL_RELOAD && lines)
		fputs(reply.text, stderr); /* every error and warning of the policy, or nothing */
	else if (refused)
		fprintf(stderr, "heapward: %s: refused: %s\n", name, reply.text);
	free(reply.text);
	if (refused && order->command == CONTROL_RELOAD)
		return EXIT_USAGE;
	return refused ? 1 : reply.result == CONTROL_NOT_READY ? 1 : EXIT_OK;
}

/* The name is free again: nothing of the service is left. */
static void wait_until_gone(const struct state_roots *roots, const char *name)
{
	const struct timespec pause = { .tv_nsec = STOP_POLL_MSEC * 1000 * 1000 };
	struct state_service service;
	state_look(roots, name, &service);
	while (service.running) {
		nanosleep(&pause, NULL);
		state_look(roots, name, &service);
	}
}

static int tell_order(const struct order *order, int argc, char **argv, const char *done)
{
	struct state_roots roots;
	int status;
	const char *name = read_name(order, argc, argv, &status);
	if (name == NULL)
		return status;
	state_roots_find(&roots);
	status = send_order(order, &roots, name);
	if (status != EXIT_OK)
		return status;
	if (order->command == CONTROL_STOP || order->command == CONTROL_DRAIN)
		wait_until_gone(&roots, name);
	if (order->command == CONTROL_RELOAD)
		printf("%s: %s; heapward logs %s says what takes it and when\n", name, done, name);
	else if (done[0] != '\0')
		printf("%s: %s\n", name, done);
	return EXIT_OK;
}

int cli_stop(int argc, char **argv)
{
	static const struct order order = {
		"stop", CONTROL_STOP,
		"Stops the service and its supervisor, and waits until both are gone: the stop\n"
		"signal, then, after stop.timeout, SIGKILL for the whole group."
	};
	return tell_order(&order, argc, argv, "stopped");
}

int cli_drain(int argc, char **argv)
{
	static const struct order order = {
		"drain", CONTROL_DRAIN,
		"Stops the service and its supervisor without losing a request, and waits until\n"
		"both are gone: clients that wait in the held sockets are let in, nobody after\n"
		"them, and what is open is finished, at most for drain.timeout; then as stop\n"
		"does. Needs service.listen. A stop meanwhile waits no longer."
	};
	return tell_order(&order, argc, argv, "drained and stopped");
}

int cli_restart(int argc, char **argv)
{
	static const struct order order = { "restart", CONTROL_RESTART,
					    "Replaces the worker by a new one, with several instances one after the other;\n"
					    "costs nothing of the restart budget." };
	return tell_order(&order, argc, argv, "restarting");
}

int cli_reset(int argc, char **argv)
{
	static const struct order order = { "reset", CONTROL_RESET,
					    "Lets a failed service start again, with its whole restart budget." };
	return tell_order(&order, argc, argv, "reset");
}

int cli_ready(int argc, char **argv)
{
	static const struct order order = {
		"ready", CONTROL_READY, "Exits 0 when the service is ready, else 1: for probes and deploy scripts."
	};
	return tell_order(&order, argc, argv, "");
}

int cli_reload(int argc, char **argv)
{
	static const struct order order = {
		"reload", CONTROL_RELOAD,
		"Reads the policy, its drop-ins and HEAPWARD_SET again. Valid: the rules of\n"
		"restarts count at once, all else from the next start, which follows at once\n"
		"where sockets are held (service.listen) and only a new worker can take what has\n"
		"changed; else heapward restart NAME makes one. A failed service starts again.\n"
		"Invalid: every error is printed, nothing changes, exit 2."
	};
	return tell_order(&order, argc, argv, "policy read again");
}
