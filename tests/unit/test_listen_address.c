/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "supervisor/core/listen_address.h"

/* 107 bytes: the longest path that a socket can have. */
#define PATH_OF_107 \
	"/2345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"

static void addresses_are_read_by_kind(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum listen_kind kind;
		unsigned port;
		bool v6;
		const char *host, *path;
	} rows[] = {
		{ "tcp:3000", LISTEN_TCP, 3000, false, "", "" },
		{ "tcp:1", LISTEN_TCP, 1, false, "", "" },
		{ "tcp:65535", LISTEN_TCP, 65535, false, "", "" },
		{ "tcp:127.0.0.1:80", LISTEN_TCP, 80, false, "127.0.0.1", "" },
		{ "tcp:0.0.0.0:80", LISTEN_TCP, 80, false, "0.0.0.0", "" },
		{ "tcp:[::1]:3000", LISTEN_TCP, 3000, true, "::1", "" },
		{ "tcp:[::ffff:127.0.0.1]:3000", LISTEN_TCP, 3000, true, "::ffff:127.0.0.1", "" },
		{ "unix:/run/web.sock", LISTEN_UNIX, 0, false, "", "/run/web.sock" },
		{ "unix:/run/a b;c%.sock", LISTEN_UNIX, 0, false, "", "/run/a b;c%.sock" },
		{ "unix:" PATH_OF_107, LISTEN_UNIX, 0, false, "", PATH_OF_107 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen_address address;
		struct failure why;
		if (listen_address_parse(rows[i].text, &address, &why) < 0)
			fail_msg("%s: %s", rows[i].text, why.text);
		assert_int_equal(address.kind, rows[i].kind);
		assert_int_equal(address.port, rows[i].port);
		assert_int_equal(address.v6, rows[i].v6);
		assert_string_equal(address.host, rows[i].host);
		assert_string_equal(address.path, rows[i].path);
		assert_string_equal(address.text, rows[i].text);
	}
}

static void what_is_wrong_is_told_with_how_to_write_it(void **state UNUSED)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "\"\" is neither tcp:PORT nor unix:/PATH" },
		{ "3000", "\"3000\" is neither tcp:PORT nor unix:/PATH; did you mean \"tcp:3000\"?" },
		{ ":3000", "did you mean \"tcp:3000\"?" },
		{ "*:3000", "did you mean \"tcp:3000\"?" },
		{ "localhost:3000", "did you mean \"tcp:127.0.0.1:3000\"?" },
		{ "127.0.0.1:3000", "did you mean \"tcp:127.0.0.1:3000\"?" },
		{ "[::1]:3000", "\"[::1]:3000\" is neither" },
		{ "/run/web.sock", "did you mean \"unix:/run/web.sock\"?" },
		{ "http:3000", "\"http:3000\" is neither tcp:PORT nor unix:/PATH" },
		{ "TCP:3000", "is neither tcp:PORT nor unix:/PATH" },
		{ "tcp:", "does not end in a port of 1 to 65535" },
		{ "tcp:0", "does not end in a port of 1 to 65535" },
		{ "tcp:03000", "does not end in a port" },
		{ "tcp:65536", "does not end in a port" },
		{ "tcp:99999999999999999999", "does not end in a port" },
		{ "tcp:-1", "does not end in a port" },
		{ "tcp:http", "does not end in a port" },
		{ "tcp: 3000", "does not end in a port" },
		{ "tcp:3000 ", "does not end in a port" },
		{ "tcp::3000", "has no IP address before its port; did you mean \"tcp:3000\"?" },
		{ "tcp:*:3000", "has a host that is no IP address; did you mean \"tcp:3000\"?" },
		{ "tcp:localhost:3000", "has a host that is no IP address; did you mean \"tcp:127.0.0.1:3000\"?" },
		{ "tcp:web.example:3000", "\"tcp:web.example:3000\" has a host that is no IP address" },
		{ "tcp:1.2.3:3000", "has a host that is no IP address" },
		{ "tcp:::1:3000", "has an IPv6 address without [ and ]; did you mean \"tcp:[::1]:3000\"?" },
		{ "tcp:[]:3000", "has no IP address before its port" },
		{ "tcp:[::1:3000", "without [ and ]" },
		{ "tcp:[127.0.0.1]:3000", "has a host that is no IP address" },
		{ "tcp:[fe80::1%eth0]:3000", "has a host that is no IP address" },
		{ "tcp:" PATH_OF_107 PATH_OF_107 ":80", "is too long for an address" },
		{ "tcp:/2345678901234567890123456789012345678901234567890:80", "has no IP address" },
		{ "unix:", "has no absolute path" },
		{ "unix:web.sock", "has no absolute path" },
		{ "unix:@web", "has no absolute path" },
		{ "unix:/" PATH_OF_107, "at most 107 bytes" },
		{ "\033[2J:3000", "\"?[2J:3000\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen_address address;
		struct failure why;
		if (listen_address_parse(rows[i].text, &address, &why) == 0)
			fail_msg("%s was taken", rows[i].text);
		assert_contains(why.text, rows[i].error);
	}
}

static struct listen_address address_of(const char *text)
{
	struct listen_address address;
	struct failure why;
	if (listen_address_parse(text, &address, &why) < 0)
		fail_msg("%s", why.text);
	return address;
}

static void one_port_or_one_path_clashes(void **state UNUSED)
{
	static const struct {
		const char *a, *b;
		bool clash;
	} rows[] = {
		{ "tcp:3000", "tcp:3000", true },
		{ "tcp:3000", "tcp:127.0.0.1:3000", true },
		{ "tcp:[::1]:3000", "tcp:127.0.0.1:3000", true },
		{ "tcp:3000", "tcp:3001", false },
		{ "unix:/a", "unix:/a", true },
		{ "unix:/a", "unix:/b", false },
		{ "unix:/a", "tcp:3000", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen_address a = address_of(rows[i].a), b = address_of(rows[i].b);
		assert_int_equal(listen_address_clashes(&a, &b), rows[i].clash);
		assert_int_equal(listen_address_clashes(&b, &a), rows[i].clash);
	}
}

static void lists_are_compared_and_searched(void **state UNUSED)
{
	struct listen_addresses a = { .list = { address_of("tcp:3000"), address_of("unix:/a") }, .count = 2 };
	struct listen_addresses same = a, shorter = a, other = a, turned = a, none = { 0 };
	shorter.count = 1;
	other.list[0] = address_of("tcp:127.0.0.1:3000");
	turned.list[0] = a.list[1];
	turned.list[1] = a.list[0];
	assert_true(listen_addresses_are_equal(&a, &same) && listen_addresses_are_equal(&none, &none));
	assert_false(listen_addresses_are_equal(&a, &shorter) || listen_addresses_are_equal(&a, &other));
	assert_false(listen_addresses_are_equal(&a, &turned) || listen_addresses_are_equal(&none, &a));
	assert_ptr_equal(listen_addresses_find_port(&a, 3000), &a.list[0]);
	assert_null(listen_addresses_find_port(&a, 0));
	assert_null(listen_addresses_find_port(&none, 3000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_by_kind),
		cmocka_unit_test(what_is_wrong_is_told_with_how_to_write_it),
		cmocka_unit_test(one_port_or_one_path_clashes),
		cmocka_unit_test(lists_are_compared_and_searched),
	};
	return cmocka_run_group_tests_name("listen_address", tests, NULL, NULL);
}
