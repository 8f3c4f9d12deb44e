/* SPDX-License-Identifier: Apache-2.0 */
/* test_drain: held sockets served by the `node` of PATH, and left by it: unmodified servers of every kind, clients that
 * retry nothing, drains driven by hand. `test_drain N` swaps workers N times under load (5). */
#include "tests/unit/drain_unit.h"

#include <netinet/tcp.h>

static unsigned swaps = 5;

static void workers_are_swapped_under_load_without_one_failed_request(void **state UNUSED)
{
	static struct worker workers[2];
	struct process load;
	start_worker(&workers[0], "", "http");
	wait_serving(&workers[0]);
	start_client(&load, "load", "/");
	for (unsigned i = 0; i < swaps; i++) {
		struct worker *old = &workers[i % 2], *spare = &workers[(i + 1) % 2];
		start_worker(spare, "", "http");
		wait_serving(spare);
		pass_msec(250); /* both serve for a while */
		drain(old);
		wait_drained(old);
		end_worker(old);
		assert_string_equal(old->process.output, "");
	}
	let_go_on(&load);
	wait_end(&load);
	print_message("%s", load.output);
	assert_int_equal(strncmp(load.output, "0 of ", 5), 0);
	end_worker(&workers[swaps % 2]);
}

static void connections_are_told_and_finished(void **state UNUSED)
{
	static const struct {
		const char *server, *client, *url, *output;
		bool answers_first; /* the client gets its answer before it is let go on */
	} rows[] = {
		{ "http", "twice", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "http", "twice", "/raw", "200 fine keep-alive | 200 fine close\n", true },
		{ "http", "twice", "/own", "200 fine keep-alive | 200 fine close\n", true },
		{ "http", "slow", "/slow", "200 fine close\n", false },
		{ "http", "early", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "https", "https", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "http2", "http2", "/", "fine | goaway 0 2147483647 | fine | closed\n", false },
		{ "net", "net", "/", "one two\n", true },
		{ "thread", "twice", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "cluster", "twice", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "exclusive", "twice", "/", "200 fine keep-alive | 200 fine close\n", true },
		{ "shared", "twice", "/", "200 fine keep-alive | 200 fine close\n", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct worker worker;
		struct process client;
		print_message("%s: %s %s\n", rows[i].server, rows[i].client, rows[i].url);
		start_worker(&worker, "", rows[i].server);
		wait_serving(&worker);
		start_client(&client, rows[i].client, rows[i].url);
		wait_output(&client, "asked\n");
		drain(&worker);
		if (rows[i].answers_first && is_drained_within_msec(&worker, 300))
			fail_msg("%s %s: drained too early", rows[i].server, rows[i].url);
		let_go_on(&client);
		wait_end(&client);
		assert_string_equal(client.output + strlen("asked\n"), rows[i].output);
		wait_drained(&worker);
		end_worker(&worker);
		assert_string_equal(worker.process.output, "");
	}
}

/* Who reaches the queue when the command is there already: a handshake that was on its way. */
static void the_last_worker_lets_in_who_waits_in_the_queue(void **state UNUSED)
{
	static const struct {
		const char *kind;
		size_t reporters;
	} rows[] = { { "http", 1 }, { "thread", 2 }, { "cluster", 3 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct worker worker;
		struct process client;
		start_worker(&worker, "", rows[i].kind);
		wait_serving(&worker);
		wait_reporters(&worker, rows[i].reporters);
		pass_msec(100); /* and listen, for all that they tell */
		kill(worker.process.pid, SIGSTOP);
		assert_true(records_send_drain(&worker.records, true) > 0);
		start_client(&client, "slow", "/slow");
		wait_output(&client, "asked\n");
		kill(worker.process.pid, SIGCONT);
		wait_end(&client);
		assert_string_equal(client.output, "asked\n200 fine close\n");
		wait_drained(&worker);
		end_worker(&worker);
	}
}

static void a_program_sees_what_it_would_see_without_us(void **state UNUSED)
{
	static struct worker worker;
	char wanted[512];
	for (int i = 0; i < 2; i++) {
		serve_path(i == 1);
		start_worker(&worker, "", "look");
		/* On a path the second address is a host name that nobody looks at. */
		snprintf(wanted, sizeof(wanted), "true\nevent\nlistening true %s\nclosed undefined false\n"
			 "ERR_SERVER_ALREADY_LISTEN\nevent\nlistening true %s\n", i == 1 ? held.place : "true",
			 i == 1 ? held.place : "true");
		wait_output(&worker.process, wanted);
		end_worker(&worker);
		assert_string_equal(worker.process.output, wanted);
	}
	serve_path(false);
}

static void only_what_a_second_worker_could_not_have_is_foreign(void **state UNUSED)
{
	static struct worker worker;
	char wanted[64];
	start_worker(&worker, "", "others");
	wait_serving(&worker);
	snprintf(wanted, sizeof(wanted), "tcp:127.0.0.1:%d", atoi(worker.process.output));
	assert_string_equal(worker.records.foreign, wanted);
	assert_int_equal(worker.records.good, worker.collections + 3); /* hello, foreign, held */
	end_worker(&worker);
}

static unsigned queue_length(void)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	assert_int_equal(getsockopt(held.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_sacked; /* of a listening socket */
}

static void the_queue_keeps_its_length(void **state UNUSED)
{
	static struct worker worker;
	static const char *const kinds[] = { "net", "http", "cluster", "shared" };
	unsigned length = queue_length();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct process client;
		start_worker(&worker, "", kinds[i]);
		wait_serving(&worker);
		start_client(&client, i == 0 ? "net" : "twice", "/");
		wait_output(&client, "asked\n"); /* all who listen do so now */
		assert_int_equal(queue_length(), length);
		let_go_on(&client);
		wait_end(&client);
		end_worker(&worker);
	}
}

static void a_drained_program_leaves_in_order(void **state UNUSED)
{
	static struct worker worker;
	start_worker(&worker, "", "orderly");
	wait_serving(&worker);
	drain(&worker);
	wait_drained(&worker);
	assert_string_equal(worker.process.output, "");
	end_worker(&worker);
	assert_string_equal(worker.process.output, "true\nclose\nleaves undefined\n");
	assert_int_equal(worker.process.status, 0);
}

static void a_drained_worker_leaves_new_connections_to_the_next(void **state UNUSED)
{
	static struct worker worker, next;
	struct process client;
	start_worker(&worker, "", "orderly"); /* which stays */
	wait_serving(&worker);
	drain(&worker);
	wait_drained(&worker);
	start_client(&client, "twice", "/");
	pass_msec(300); /* it waits in the queue */
	start_worker(&next, "", "http");
	wait_output(&client, "asked\n");
	let_go_on(&client);
	wait_end(&client);
	assert_string_equal(client.output, "asked\n200 fine keep-alive | 200 fine keep-alive\n");
	end_worker(&worker);
	end_worker(&next);
}

static void a_cluster_that_forks_while_it_drains_loses_nobody(void **state UNUSED)
{
	static struct worker worker;
	struct process client;
	start_worker(&worker, "", "refork");
	wait_serving(&worker);
	start_client(&client, "twice", "/");
	wait_output(&client, "asked\n");
	drain(&worker);
	kill(worker.process.pid, SIGUSR2);
	wait_output(&worker.process, "again\n");
	let_go_on(&client);
	wait_end(&client);
	assert_string_equal(client.output, "asked\n200 fine keep-alive | 200 fine close\n");
	wait_drained(&worker);
	end_worker(&worker);
	assert_string_equal(worker.process.output, "again\n");
}

static void without_the_addon_one_server_has_the_socket_itself(void **state UNUSED)
{
	static struct worker worker;
	struct process client;
	start_worker(&worker, "--no-addons", "http");
	wait_serving(&worker);
	start_client(&client, "twice", "/");
	wait_output(&client, "asked\n");
	assert_int_equal(records_send_drain(&worker.records, false), 0);
	let_go_on(&client);
	wait_end(&client);
	assert_string_equal(client.output, "asked\n200 fine keep-alive | 200 fine keep-alive\n");
	end_worker(&worker);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_told_and_finished),
		cmocka_unit_test(the_last_worker_lets_in_who_waits_in_the_queue),
		cmocka_unit_test(a_program_sees_what_it_would_see_without_us),
		cmocka_unit_test(only_what_a_second_worker_could_not_have_is_foreign),
		cmocka_unit_test(the_queue_keeps_its_length),
		cmocka_unit_test(a_drained_program_leaves_in_order),
		cmocka_unit_test(a_drained_worker_leaves_new_connections_to_the_next),
		cmocka_unit_test(a_cluster_that_forks_while_it_drains_loses_nobody),
		cmocka_unit_test(without_the_addon_one_server_has_the_socket_itself),
		cmocka_unit_test(workers_are_swapped_under_load_without_one_failed_request),
	};
	if (argc > 1)
		swaps = (unsigned)atoi(argv[1]);
	return cmocka_run_group_tests_name("drain", tests, hold_sockets, give_sockets_up);
}
