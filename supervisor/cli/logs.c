/* SPDX-License-Identifier: Apache-2.0 */
/* logs: a service's events from the disk, and its worker's last output: of the living one, else as kept with its death.
 * Needs no supervisor. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/notice.h"
#include "supervisor/core/printable.h"

#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define FOLLOW_POLL_MSEC 200
#define EVENT_LINE_MAX (16 * 1024)

static const char usage[] = "NAME [-f] [--json]\n"
			    "Prints the events of a service, then the worker's last output on stderr.\n\n"
			    "  -f, --follow  go on with new events, until ^C; without the output\n"
			    "  --json        events only, one JSON object a line\n";

struct log_options {
	const char *name;
	bool follow, json;
};

static int read_options(int argc, char **argv, struct log_options *ret)
{
	*ret = (struct log_options){ 0 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--follow") == 0)
			ret->follow = true;
		else if (strcmp(argv[i], "--json") == 0)
			ret->json = true;
		else if (argv[i][0] == '-' || ret->name != NULL)
			return cli_wrong_usage("logs", "NAME [-f] [--json]");
		else
			ret->name = argv[i];
	}
	if (ret->name == NULL)
		return cli_wrong_usage("logs", "NAME [-f] [--json]");
	return ask_name_valid(ret->name) ? 0 : EXIT_USAGE;
}

static void print_event(const char *line, bool as_json)
{
	if (as_json) {
		fputs(line, stdout);
		return;
	}
	cleanup_free char *text = notice_line_text(line, strlen(line));
	if (text != NULL)
		fputs(text, stdout);
}

/* Prints whole lines from where the stream is; what has no newline yet stays for the next call. */
static void print_events(FILE *stream, bool as_json)
{
	char line[EVENT_LINE_MAX];
	long at = ftell(stream);
	while (at >= 0 && fgets(line, sizeof(line), stream) != NULL) {
		size_t length = strlen(line);
		if (length == 0 || line[length - 1] != '\n')
			break;
		print_event(line, as_json);
		at = ftell(stream);
	}
	clearerr(stream);
	if (at >= 0)
		fseek(stream, at, SEEK_SET);
	fflush(stdout);
}

static FILE *open_events(const struct state_roots *roots, const char *name, bool older, struct failure *why)
{
	int fd = state_open_events(roots, name, older, why);
	if (fd < 0)
		return NULL;
	FILE *stream = fdopen(fd, "r");
	if (stream == NULL)
		close(fd);
	return stream;
}

/* True where the name leads to another file now: the events were rotated. */
static bool is_another_file(const struct state_roots *roots, const char *name, FILE *stream)
{
	struct stat ours, theirs;
	struct failure ignored; /* between the two renames there is none */
	cleanup_fd int fd = state_open_events(roots, name, false, &ignored);
	return fd >= 0 && fstat(fd, &theirs) == 0 && fstat(fileno(stream), &ours) == 0 && ours.st_ino != theirs.st_ino;
}

static int follow(const struct state_roots *roots, const struct log_options *options, FILE *stream)
{
	const struct timespec pause = { .tv_nsec = FOLLOW_POLL_MSEC * 1000L * 1000 };
	struct failure ignored;
	while (!ferror(stdout)) {
		print_events(stream, options->json);
		nanosleep(&pause, NULL);
		if (!is_another_file(roots, options->name, stream))
			continue;
		print_events(stream, options->json);
		fclose(stream);
		stream = open_events(roots, options->name, false, &ignored);
		if (stream == NULL)
			return EXIT_SUPERVISOR;
	}
	fclose(stream);
	return 1;
}

/* The worker's bytes with nothing in them that could move a terminal's cursor. */
static void print_output(const char *text, size_t length)
{
	uint32_t character = 0;
	for (size_t at = 0; at < length;) {
		size_t count = printable_decode(text + at, length - at, &character);
		bool plain = count > 0 && (character == '\n' || character == '\t' || printable_is_plain(character));
		if (plain)
			fwrite(text + at, 1, count, stdout);
		else
			putchar('?');
		at += count > 0 ? count : 1;
	}
	if (length > 0 && text[length - 1] != '\n')
		putchar('\n');
}

static void print_kept_output(const struct state_roots *roots, const char *name)
{
	struct failure ignored; /* it never died: there is none */
	cleanup_free char *json = NULL;
	if (state_read_death(roots, name, 1, &json, &ignored) < 0)
		return;
	struct json_object *death = json_parse(json, strlen(json));
	const char *tail = json_find_text(death, "stderr_tail", "");
	printf("--- last output of the worker on stderr, kept with death %lld%s ---\n",
	       (long long)json_object_get_int64(json_find(death, "death")), tail[0] == '\0' ? ": none" : "");
	print_output(tail, strlen(tail));
	json_object_put(death);
}

static void print_last_output(const struct state_roots *roots, const char *name)
{
	struct failure ignored; /* then it is not running, and the disk knows */
	struct control_reply reply = { 0 };
	if (ask(roots, name, CONTROL_OUTPUT, NULL, &reply, &ignored) < 0 || reply.result != CONTROL_OK) {
		free(reply.text);
		print_kept_output(roots, name);
		return;
	}
	printf("--- last output of the worker on stderr, %zu bytes ---\n", reply.length);
	print_output(reply.text, reply.length);
	free(reply.text);
}

int cli_logs(int argc, char **argv)
{
	struct failure why;
	struct state_roots roots;
	struct log_options options;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward logs %s", usage);
		return EXIT_OK;
	}
	int status = read_options(argc, argv, &options);
	if (status != 0)
		return status;
	state_roots_find(&roots);
	FILE *older = open_events(&roots, options.name, true, &why);
	if (older != NULL) {
		print_events(older, options.json);
		fclose(older);
	}
	FILE *stream = open_events(&roots, options.name, false, &why);
	if (stream == NULL) {
		fprintf(stderr, "heapward: %s\n", why.text);
		return 1;
	}
	if (options.follow)
		return follow(&roots, &options, stream);
	print_events(stream, options.json);
	fclose(stream);
	if (!options.json)
		print_last_output(&roots, options.name);
	return EXIT_OK;
}
