/* SPDX-License-Identifier: Apache-2.0 */
/* policy_ready: the value of ready.when, and what contradicts it. */
#include "supervisor/core/listen_address.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/policy_value.h"
#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>

/* True for what a request line can hold as it stands. */
static bool is_path(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return text[0] == '/' && text[1] != '/' && strlen(text) < READY_PATH_MAX;
}

/* "8080/health", "/health" */
static bool read_http(const char *text, struct ready_when *ret)
{
	char port[8];
	size_t length = strcspn(text, "/");
	snprintf(port, sizeof(port), "%.*s", (int)length, text);
	if (length >= sizeof(port) || (length > 0 && listen_address_port(port, &ret->port) < 0) || !is_path(text + length))
		return false;
	ret->kind = READY_HTTP;
	snprintf(ret->path, sizeof(ret->path), "%s", text + length);
	return true;
}

/* False where `text` is no word of these. */
static bool read_word(const char *text, struct ready_when *ret)
{
	static const char *const words[] = {
		[READY_AUTO] = "auto", [READY_LISTENING] = "listening", [READY_STARTED] = "started", [READY_NOTIFY] = "notify"
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		ret->kind = (enum ready_kind)i;
		return true;
	}
	return false;
}

/* "http://localhost:8080/health": a URL, of which port and path count. */
static bool is_url(const char *text, struct ready_when *ret)
{
	const char *host = text + strlen("http://");
	if (strncmp(text, "http://", strlen("http://")) != 0)
		return false;
	size_t length = strcspn(host, ":/");
	return read_http(host + length + (host[length] == ':' ? 1 : 0), ret);
}

static int refuse(const struct policy_value *value, const char *text)
{
	char shown[POLICY_SHOWN_MAX], port_text[8] = "";
	struct ready_when meant = { 0 };
	uint16_t port;
	printable_copy(shown, sizeof(shown), text);
	if (is_url(text, &meant) && meant.port != 0)
		snprintf(port_text, sizeof(port_text), "%u", meant.port);
	if (meant.kind == READY_HTTP)
		return policy_value_error(value, value->node,
					  "\"%s\" names a host, and it is always this one; did you mean \"http:%s%s\"?",
					  shown, port_text, meant.path);
	if (listen_address_port(text, &port) == 0)
		return policy_value_error(value, value->node, "\"%s\" has no kind; did you mean \"tcp:%s\"?", shown,
					  shown);
	if (strncmp(text, "tcp:", 4) == 0)
		return policy_value_error(value, value->node, "\"%s\" is no tcp:PORT; a port is 1 to 65535", shown);
	if (strncmp(text, "http:", 5) == 0)
		return policy_value_error(value, value->node,
					  "\"%s\" is no http:PORT/PATH; the path begins with / and is at most %d bytes "
					  "without spaces", shown, READY_PATH_MAX - 1);
	return policy_value_error(value, value->node,
				  "unknown value \"%s\"; it is one of auto, listening, started, notify, tcp:PORT or "
				  "http:PORT/PATH", shown);
}

int policy_value_read_ready(const struct policy_value *value)
{
	struct ready_when ready = { 0 };
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL)
		return -1;
	if (strncmp(text, "tcp:", 4) == 0 && listen_address_port(text + 4, &ready.port) == 0)
		ready.kind = READY_TCP;
	else if (!(strncmp(text, "http:", 5) == 0 && read_http(text + 5, &ready)) && !read_word(text, &ready))
		return refuse(value, text);
	*(struct ready_when *)value->member = ready;
	return 0;
}

static void add(const struct policy *policy, struct policy_errors *errors, const char *text)
{
	policy_errors_add_key(errors, policy, KEY_READY_WHEN, false, "ready.when: %s", text);
}

/* We listen on a held port, so that it accepts before there is a worker. An answer on it is a worker's; but which one's,
 * where there may be two? */
static void check_held(const struct policy *policy, const struct ready_when *when, struct policy_errors *errors)
{
	char text[256];
	if (when->kind == READY_TCP) {
		snprintf(text, sizeof(text), "port %u is held by service.listen, so it answers before there is a worker; use "
			 "listening", when->port);
		add(policy, errors, text);
	} else if (policy->service.instances > 1) {
		snprintf(text, sizeof(text), "port %u is held, and any of the %u instances may answer on it; use listening or "
			 "notify", when->port, policy->service.instances);
		add(policy, errors, text);
	} else if (plan_replaces(policy)) {
		snprintf(text, sizeof(text), "port %u is held, and while one worker takes the place of another either may "
			 "answer on it; use listening or notify, or service.singleton: true", when->port);
		add(policy, errors, text);
	}
}

void policy_check_ready(const struct policy *policy, struct policy_errors *errors)
{
	struct ready_when when = plan_ready(policy);
	bool asks_a_port = when.kind == READY_TCP || when.kind == READY_HTTP;
	if (when.kind == READY_LISTENING && policy->heap.runtime == RUNTIME_NONE)
		add(policy, errors, "listening is told by the agent, which heap.runtime: none does without; use notify, "
		    "tcp:PORT or started");
	else if (when.kind == READY_LISTENING && policy->service.listen.count == 0)
		add(policy, errors, "listening is told of held sockets, and service.listen has none; use notify, tcp:PORT or "
		    "started");
	else if (when.kind == READY_HTTP && when.port == 0)
		add(policy, errors, "http:/PATH asks on the first TCP port of service.listen, and there is none; write "
		    "http:PORT/PATH");
	else if (asks_a_port && listen_addresses_find_port(&policy->service.listen, when.port) != NULL)
		check_held(policy, &when, errors);
	else if (asks_a_port && plan_replaces(policy) && policy->heap.runtime == RUNTIME_NONE)
		add(policy, errors, "while one worker takes the place of another, the first one answers on that port; use "
		    "notify, or service.singleton: true");
}
