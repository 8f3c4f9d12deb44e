/* SPDX-License-Identifier: Apache-2.0 */
/* listen_address: see listen_address.h. */
#include "supervisor/core/listen_address.h"
#include "supervisor/core/printable.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 64 /* bytes of a user's word in an error */

int listen_address_port(const char *text, uint16_t *ret)
{
	unsigned port = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits] != '\0' || text[0] == '0')
		return -1;
	for (; *text != '\0'; text++)
		port = port * 10 + (unsigned)(*text - '0');
	if (port > UINT16_MAX)
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

static bool is_address(int family, const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	return inet_pton(family, host, bytes) == 1;
}

/* Guesses what a text without a kind, or with a host that is no address, should have been. "" where it cannot. */
static void guess(const char *text, char ret[static LISTEN_TEXT_MAX])
{
	char host[LISTEN_TEXT_MAX];
	const char *rest = strncmp(text, "tcp:", 4) == 0 ? text + 4 : text, *colon = strrchr(rest, ':');
	uint16_t port;
	ret[0] = '\0';
	if (text[0] == '/' && strlen(text) < LISTEN_PATH_MAX)
		snprintf(ret, LISTEN_TEXT_MAX, "unix:%s", text);
	if (strlen(rest) >= LISTEN_TEXT_MAX / 2 || listen_address_port(colon == NULL ? rest : colon + 1, &port) < 0)
		return;
	snprintf(host, sizeof(host), "%.*s", colon == NULL ? 0 : (int)(colon - rest), rest);
	if (host[0] == '\0' || strcmp(host, "*") == 0)
		snprintf(ret, LISTEN_TEXT_MAX, "tcp:%u", port);
	else if (strcmp(host, "localhost") == 0)
		snprintf(ret, LISTEN_TEXT_MAX, "tcp:127.0.0.1:%u", port);
	else if (is_address(AF_INET, host))
		snprintf(ret, LISTEN_TEXT_MAX, "tcp:%s:%u", host, port);
	else if (is_address(AF_INET6, host))
		snprintf(ret, LISTEN_TEXT_MAX, "tcp:[%s]:%u", host, port);
}

/* "\"localhost:3000\" has no kind; did you mean ...?" */
static int refuse(const char *text, const char *what, struct failure *why)
{
	char shown[SHOWN_MAX], better[LISTEN_TEXT_MAX], shown_better[LISTEN_TEXT_MAX];
	printable_copy(shown, sizeof(shown), text);
	guess(text, better);
	if (better[0] == '\0' || strcmp(better, text) == 0)
		return failed(why, 0, "\"%s\" %s", shown, what);
	return failed(why, 0, "\"%s\" %s; did you mean \"%s\"?", shown, what,
		      printable_copy(shown_better, sizeof(shown_better), better));
}

static int read_host(const char *text, const char *host, size_t length, struct listen_address *ret, struct failure *why)
{
	bool bracketed = length >= 2 && host[0] == '[' && host[length - 1] == ']';
	if (bracketed) {
		host++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(ret->host))
		return refuse(text, "has no IP address before its port", why);
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)length, host);
	ret->v6 = bracketed;
	if (is_address(bracketed ? AF_INET6 : AF_INET, ret->host))
		return 0;
	return refuse(text,
		      !bracketed && strchr(ret->host, ':') != NULL ? "has an IPv6 address without [ and ]"
								   : "has a host that is no IP address",
		      why);
}

static int read_tcp(const char *text, struct listen_address *ret, struct failure *why)
{
	const char *rest = text + strlen("tcp:"), *colon = strrchr(rest, ':');
	ret->kind = LISTEN_TCP;
	if (strlen(text) >= sizeof(ret->text))
		return refuse(text, "is too long for an address", why);
	if (listen_address_port(colon == NULL ? rest : colon + 1, &ret->port) < 0)
		return refuse(text, "does not end in a port of 1 to 65535", why);
	if (colon != NULL && read_host(text, rest, (size_t)(colon - rest), ret, why) < 0)
		return -1;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

static int read_unix(const char *text, struct listen_address *ret, struct failure *why)
{
	const char *path = text + strlen("unix:");
	ret->kind = LISTEN_UNIX;
	if (path[0] != '/')
		return refuse(text, "has no absolute path", why);
	if (strlen(path) >= sizeof(ret->path))
		return refuse(text, "is too long: the path of a socket has at most 107 bytes", why);
	memcpy(ret->path, path, strlen(path) + 1);
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

int listen_address_parse(const char *text, struct listen_address *ret, struct failure *why)
{
	*ret = (struct listen_address){ 0 };
	if (strncmp(text, "tcp:", 4) == 0)
		return read_tcp(text, ret, why);
	if (strncmp(text, "unix:", 5) == 0)
		return read_unix(text, ret, why);
	return refuse(text, "is neither tcp:PORT nor unix:/PATH", why);
}

bool listen_address_clashes(const struct listen_address *a, const struct listen_address *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == LISTEN_TCP ? a->port == b->port : strcmp(a->path, b->path) == 0;
}

bool listen_addresses_are_equal(const struct listen_addresses *a, const struct listen_addresses *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i].text, b->list[i].text) != 0)
			return false;
	return true;
}

const struct listen_address *listen_addresses_find_port(const struct listen_addresses *addresses, uint16_t port)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->list[i].kind == LISTEN_TCP && addresses->list[i].port == port)
			return &addresses->list[i];
	return NULL;
}
