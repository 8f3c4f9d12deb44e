/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/listen_unit.h"

#include "supervisor/edge/ready_port.h"

static void a_port_is_ready_once_somebody_listens_on_it(void **state)
{
	static const char *const forms[] = { "tcp:", "tcp:127.0.0.1:", "tcp:[::1]:" };
	struct fixture *fixture = *state;
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		make_held(fixture, forms[i]);
		uint16_t port = fixture->sockets.list[0].address.port;
		listen_sockets_unlisten(&fixture->sockets); /* bound, and nobody else can have the port */
		for (int look = 0; look < 50; look++)
			assert_false(ready_port_accepts(port));
		assert_int_equal(listen_sockets_listen(&fixture->sockets, &why), 0);
		for (int look = 0; look < 50; look++)
			assert_true(ready_port_accepts(port));
		listen_sockets_finish(&fixture->sockets);
	}
}

static void a_full_queue_is_no_answer(void **state)
{
	struct fixture *fixture = *state;
	make_held(fixture, "tcp:127.0.0.1:");
	const struct listen_address *address = &fixture->sockets.list[0].address;
	/* A queue of one; the kernel lets one more in. */
	assert_int_equal(listen(fixture->sockets.list[0].fd, 0), 0);
	assert_true(ready_port_accepts(address->port));
	assert_false(ready_port_accepts(address->port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(a_port_is_ready_once_somebody_listens_on_it),
		LISTEN_TEST(a_full_queue_is_no_answer),
	};
	return cmocka_run_group_tests_name("ready_port", tests, NULL, NULL);
}
