/* SPDX-License-Identifier: Apache-2.0 */
/* wall_hint: see wall_hint.h. */
#include "supervisor/core/wall_hint.h"

#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>

/* Node's codes, and the words of everybody else. By mounts a write fails with the first two, by Landlock and in what is hidden with the others. */
static const char *const signs[] = { "EROFS", "ead-only file system", "EACCES", "ermission denied" };

/* The path in quotes behind the error in its line, as Node writes it; "" where there is none. */
static void find_path(const unsigned char *from, const unsigned char *end, char ret[static 128])
{
	char raw[128] = "";
	size_t length = 0;
	ret[0] = '\0';
	while (from < end && *from != '\n' && *from != '\'')
		from++;
	if (from == end || *from != '\'')
		return;
	for (from++; from < end && *from != '\'' && *from != '\n' && *from != '\0' && length < sizeof(raw) - 1; from++)
		raw[length++] = (char)*from;
	if (raw[0] == '/' && from < end && *from == '\'')
		printable_copy(ret, 128, raw);
}

static bool is_said(const unsigned char *from, const unsigned char *to, const char *words)
{
	return memmem(from, (size_t)(to - from), words, strlen(words)) != NULL;
}

/* The number behind the last colon of a word; 0 where it is none that a port can have. */
static uint32_t port_of(const unsigned char *word, const unsigned char *end)
{
	uint32_t port = 0;
	const unsigned char *digit = memrchr(word, ':', (size_t)(end - word));
	if (digit == NULL)
		return 0;
	for (digit++; digit < end && port < 65536; digit++) {
		if (*digit < '0' || *digit > '9')
			return 0;
		port = port * 10 + (uint32_t)(*digit - '0');
	}
	return port < 65536 ? port : 0;
}

/* "listen EACCES: permission denied 0.0.0.0:80", "connect EACCES 10.0.0.1:5432 - Local (0.0.0.0:0)", as Node has it: 0 where
 * it was no port that was wanted. */
static uint32_t find_port(const unsigned char *output, const unsigned char *found, const unsigned char *end, bool *ret_connects)
{
	const unsigned char *line = found, *stop = memchr(found, '\n', (size_t)(end - found));
	uint32_t port = 0;
	end = stop == NULL ? end : stop;
	while (line > output && line[-1] != '\n')
		line--;
	*ret_connects = is_said(line, found, "connect ");
	if (!*ret_connects && !is_said(line, found, "listen ") && !is_said(line, found, "bind "))
		return 0;
	for (const unsigned char *word = found, *next; port == 0 && word < end; word = next + 1) {
		next = memchr(word, ' ', (size_t)(end - word));
		next = next == NULL ? end : next;
		port = port_of(word, next);
	}
	return port;
}

/* What closes a port: a wall of ours, or the system. "" where neither is known to. */
static void hint_port(const struct plan_fence *fence, uint32_t port, bool connects, char *text, size_t size)
{
	text[0] = '\0';
	if (connects && fence->limit_connect)
		snprintf(text, size, "its last output says that it may not connect to port %u: name it in sandbox.connect", port);
	else if (!connects && fence->limit_bind)
		snprintf(text, size, "its last output says that it may not listen on port %u: name it in sandbox.bind, or let heapward hold "
			 "it (service.listen: [\"tcp:%u\"])", port, port);
	else if (!connects && port < 1024)
		snprintf(text, size, "its last output says that it may not listen on port %u, which takes a right below 1024: let heapward, "
			 "as root, hold it (service.listen: [\"tcp:%u\"]), or sandbox.capabilities: [cap_net_bind_service]", port, port);
}

bool wall_hint(const struct plan_fence *fence, const unsigned char *output, size_t length, char *text, size_t size)
{
	char path[128];
	const unsigned char *found = NULL;
	if (output == NULL)
		return false;
	const unsigned char *denied = memmem(output, length, "EACCES", strlen("EACCES"));
	bool connects = false;
	uint32_t port = denied == NULL ? 0 : find_port(output, denied, output + length, &connects);
	if (port > 0) {
		hint_port(fence, port, connects, text, size);
		return text[0] != '\0';
	}
	if (!(fence->by_mounts || fence->by_landlock))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(signs) && found == NULL; i++)
		found = memmem(output, length, signs[i], strlen(signs[i]));
	if (found == NULL)
		return false;
	find_path(found, output + length, path);
	if (path[0] != '\0')
		snprintf(text, size, "its last output says that %s could not be written or read: if it is the sandbox that closes it, "
			 "sandbox: {read_write: [%s], protect_system: full} opens it (heapward status has the walls)", path, path);
	else
		snprintf(text, size, "its last output says that something could not be written or read: if it is the sandbox that closes it, "
			 "name it in sandbox.read_write, with protect_system: full (heapward status has the walls)");
	return true;
}
