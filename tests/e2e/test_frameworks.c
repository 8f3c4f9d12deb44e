/* SPDX-License-Identifier: Apache-2.0 */
/* test_frameworks: unmodified servers of web frameworks (tools/frameworks) behind a held port are restarted under load, and
 * no request fails. */
#include "tests/e2e/load.h"

#include <stdio.h>

static const struct row {
	const char *name, *program; /* with port and text */
} rows[] = {
	{ "express", "const app = require('express')();\napp.get('/', (request, response) => response.send(text));\n"
		     "app.listen(port);\n" },
	{ "fastify", "const app = require('fastify')();\napp.get('/', async () => text);\napp.listen({ port });\n" },
	{ "koa", "const app = new (require('koa'))();\napp.use((context) => { context.body = text; });\napp.listen(port);\n" },
};

/* Installed where they are missing, in this test's own environment: a world has none in which npm finds its registry. */
static void find_frameworks(struct world *world)
{
	char directory[WORLD_PATH_MAX] = "";
	FILE *tool = popen(E2E_SOURCE_ROOT "/tools/frameworks", "r");
	assert_non_null(tool);
	assert_non_null(fgets(directory, sizeof(directory), tool));
	assert_int_equal(pclose(tool), 0);
	directory[strcspn(directory, "\n")] = '\0';
	world_environment(world, "NODE_PATH=%s/node_modules", directory);
}

static void restarts_lose_no_request(void **state)
{
	struct world *world = *state;
	const struct row *row = world->row;
	int port = free_port();
	const char *target = world_print(world, "tcp:%d", port);
	find_frameworks(world);
	world_write(world, "server.js", "const [port, text] = [%d, 'all is well\\n'];\n%s", port, row->program);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, "memory.max=320M heap.old_space=64M", server);
	struct program *load = load_start_at(world, target, 200);
	for (int i = 1; i <= 5; i++) {
		pause_msec(300);
		heapward_says(world, 0, "restart", world->name, NULL);
		await_replaced(world, i, 30);
	}
	assert_none_failed(world, run, load_end(world, load));
	assert_int_equal(count_events(world, program_err(world, run), "replace.refused"), 0);
	serve_stop(world, run);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = restarts_lose_no_request,
						.setup_func = world_make, .teardown_func = world_end,
						.initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("frameworks", tests, NULL, NULL);
}
