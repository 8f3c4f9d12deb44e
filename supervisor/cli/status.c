/* SPDX-License-Identifier: Apache-2.0 */
/* status: one table for all services of this user's host, one service in full, or JSON. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/table.h"
#include "supervisor/core/status.h"
#include "supervisor/edge/loop.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "[NAME]... [--json | --fields A,B]\n"
			    "Without NAME: one table of all services. One NAME: that service in full.\n\n"
			    "  --json          one document: {\"schema\":1,\"services\":[...]}\n"
			    "  --fields A,B    a table of these columns, without its head\n";

struct status_options {
	const char *names[STATE_SERVICES_MAX];
	size_t name_count;
	const char *fields;
	bool json;
};

static int read_options(int argc, char **argv, struct status_options *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			ret->json = true;
		} else if (strncmp(argv[i], "--fields=", 9) == 0) {
			ret->fields = argv[i] + 9;
		} else if (strcmp(argv[i], "--fields") == 0 && i + 1 < argc) {
			ret->fields = argv[++i];
		} else if (argv[i][0] == '-' || ret->name_count == STATE_SERVICES_MAX) {
			return cli_wrong_usage("status", "[NAME]... [--json | --fields A,B]");
		} else {
			if (!ask_name_valid(argv[i]))
				return EXIT_USAGE;
			ret->names[ret->name_count++] = argv[i];
		}
	}
	if (ret->json && ret->fields != NULL)
		return cli_wrong_usage("status", "[NAME]... [--json | --fields A,B]");
	return ret->fields == NULL ? 0 : table_fields_check(ret->fields);
}

/* The documents of the services asked for; *ret_status is 1 where one of them is not known. */
static size_t collect(const struct state_roots *roots, const struct status_options *options, char **documents,
		      int *ret_status)
{
	struct failure why;
	size_t count = 0, listed = 0;
	cleanup_free struct state_service *services = calloc(STATE_SERVICES_MAX, sizeof(*services));
	if (services != NULL && options->name_count == 0)
		listed = state_list(roots, services);
	for (size_t i = 0; i < (options->name_count == 0 ? listed : options->name_count); i++) {
		const char *name = options->name_count == 0 ? services[i].name : options->names[i];
		char *document = ask_status(roots, name, &why);
		if (document != NULL) {
			documents[count++] = document;
			continue;
		}
		fprintf(stderr, "heapward: %s: %s\n", name, why.text);
		*ret_status = 1;
	}
	return count;
}

static void print_json(char *const *documents, size_t count)
{
	fputs("{\"schema\":1,\"services\":[", stdout);
	for (size_t i = 0; i < count; i++)
		printf("%s%.*s", i == 0 ? "" : ",", (int)strcspn(documents[i], "\n"), documents[i]);
	fputs("]}\n", stdout);
}

static int print_full(const char *document)
{
	cleanup_free char *text = status_text(document, loop_now_realtime_usec());
	if (text == NULL) {
		fputs("heapward: the supervisor's answer cannot be read; is it of another version?\n", stderr);
		return 1;
	}
	fputs(text, stdout);
	return EXIT_OK;
}

static int print(const struct status_options *options, char *const *documents, size_t count)
{
	if (options->json) {
		print_json(documents, count);
		return EXIT_OK;
	}
	if (options->fields == NULL && options->name_count == 1)
		return count == 1 ? print_full(documents[0]) : 1;
	if (count == 0 && options->name_count == 0) {
		fputs("no service is known here; start one with heapward run\n", stderr);
		return EXIT_OK;
	}
	return table_print(options->fields, documents, count);
}

int cli_status(int argc, char **argv)
{
	struct state_roots roots;
	struct status_options options;
	char *documents[STATE_SERVICES_MAX];
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward status %s", usage);
		table_fields_print();
		return EXIT_OK;
	}
	int status = read_options(argc, argv, &options), known = EXIT_OK;
	if (status != 0)
		return status;
	state_roots_find(&roots);
	size_t count = collect(&roots, &options, documents, &known);
	status = print(&options, documents, count);
	for (size_t i = 0; i < count; i++)
		free(documents[i]);
	return status != EXIT_OK ? status : known;
}
