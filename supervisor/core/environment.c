/* SPDX-License-Identifier: Apache-2.0 */
/* environment: see environment.h. */
#include "supervisor/core/environment.h"

#include <string.h>
#include <stdio.h>

const char *environment_get(char *const *list, const char *name)
{
	size_t length = strlen(name);
	for (; list != NULL && *list != NULL; list++) {
		if (strncmp(*list, name, length) == 0 && (*list)[length] == '=')
			return *list + length + 1;
	}
	return NULL;
}

/* The place of the variable with the name of "NAME=VALUE"; words->count where there is none. */
static size_t find(const struct words *words, const char *variable)
{
	size_t length = strcspn(variable, "=") + 1, at = 0;
	while (at < words->count && strncmp(words->list[at], variable, length) != 0)
		at++;
	return at;
}

/* Puts "NAME=VALUE" in the place of the NAME that is there, else at the end. A word without a name is no variable. */
static int put(struct words *words, const char *variable, struct failure *why)
{
	size_t at = find(words, variable);
	if (*variable == '=' || strchr(variable, '=') == NULL)
		return 0;
	if (at == ENVIRONMENT_VARIABLES_MAX)
		return failed(why, 0, "the environment has more than %d variables", ENVIRONMENT_VARIABLES_MAX);
	if (at == words->count)
		return words_add(words, variable, why);
	char *copy = strdup(variable);
	if (copy == NULL)
		return failed(why, 0, "out of memory");
	free(words->list[at]);
	words->list[at] = copy;
	return 0;
}

/* What talks to us, or to a manager about us, must not reach the worker. */
static bool is_ours(const char *variable)
{
	static const char *const names[] = { "NOTIFY_SOCKET=", "LISTEN_FDS=",	"LISTEN_PID=", "LISTEN_FDNAMES=",
					     "WATCHDOG_USEC=", "WATCHDOG_PID=", "HEAPWARD_" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* Is the variable "NAME=VALUE" one of "NAME", "NAME*"? */
static bool is_among(const struct words *names, const char *variable)
{
	size_t length = strcspn(variable, "=");
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		size_t wanted = strlen(names->list[i]);
		bool beginning = wanted > 0 && names->list[i][wanted - 1] == '*';
		if (beginning ? length >= wanted - 1 && strncmp(names->list[i], variable, wanted - 1) == 0
			      : length == wanted && strncmp(names->list[i], variable, wanted) == 0)
			return true;
	}
	return false;
}

static bool is_inherited(const struct environment *environment, const char *variable)
{
	bool all = environment->keep == NULL || environment->keep->list == NULL;
	bool kept = all || strncmp(variable, "PATH=", 5) == 0 || is_among(environment->keep, variable);
	return kept && !is_ours(variable) && !is_among(environment->drop, variable);
}

/* Of the terminal, the login and the service manager: no server is told anything by them. */
static bool is_of_the_session(const char *variable)
{
	static char *names[] = { "_", "SHLVL", "PWD", "OLDPWD", "SHELL", "TERM", "COLORTERM", "LS_COLORS", "LESS*", "EDITOR",
				 "PAGER", "MAIL", "HOME", "USER", "LOGNAME", "SSH_*", "SUDO_*", "XDG_*", "DBUS_*", "DISPLAY",
				 "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_*", "MEMORY_PRESSURE_*", "MANAGERPID" };
	const struct words words = { names, ARRAY_LEN(names) };
	return is_among(&words, variable);
}

static bool has(const struct words *words, const char *variable)
{
	return words != NULL && find(words, variable) < words->count;
}

/* What servers are commonly told where to listen and whom to ask by. */
static bool is_telling(const char *variable)
{
	static const char *const ends[] = { "PORT", "HOST", "URL", "URI", "NODE_ENV" };
	size_t length = strcspn(variable, "=");
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t wanted = strlen(ends[i]);
		if (length >= wanted && strncmp(variable + length - wanted, ends[i], wanted) == 0)
			return true;
	}
	return false;
}

static bool is_missed(const struct environment *environment, const char *variable)
{
	return !is_inherited(environment, variable) && !is_ours(variable) && !is_of_the_session(variable) &&
	       !has(environment->set, variable) && !has(environment->file, variable);
}

/* Adds those that are telling, or the others, as far as there is room; how many they are. */
static size_t add_missed(const struct environment *environment, bool telling, size_t *shown, char *text, size_t size)
{
	size_t count = 0, length = strlen(text);
	for (char *const *at = environment->inherited; at != NULL && *at != NULL; at++) {
		size_t name = strcspn(*at, "=");
		if (is_telling(*at) != telling || !is_missed(environment, *at))
			continue;
		count++;
		if (length + name + sizeof(", and 1000 more") > size)
			continue;
		length += (size_t)snprintf(text + length, size - length, "%s%.*s", *shown == 0 ? "" : ", ", (int)name, *at);
		(*shown)++;
	}
	return count;
}

size_t environment_dropped(const struct environment *environment, char *text, size_t size)
{
	size_t shown = 0;
	text[0] = '\0';
	size_t count = add_missed(environment, true, &shown, text, size);
	count += add_missed(environment, false, &shown, text, size);
	size_t length = strlen(text);
	if (shown < count)
		snprintf(text + length, size - length, "%s%zu more", shown == 0 ? "" : ", and ", count - shown);
	return count;
}

static int put_all(struct words *ret, const struct words *from, struct failure *why)
{
	for (size_t i = 0; from != NULL && i < from->count; i++) {
		if (put(ret, from->list[i], why) < 0)
			return -1;
	}
	return 0;
}

static int put_layers(const struct environment *environment, struct words *ret, struct failure *why)
{
	for (char *const *at = environment->inherited; at != NULL && *at != NULL; at++) {
		/* Of a name that is there twice the first counts, as for getenv. */
		if (is_inherited(environment, *at) && find(ret, *at) == ret->count && put(ret, *at, why) < 0)
			return -1;
	}
	if (put_all(ret, environment->file, why) < 0 || put_all(ret, environment->set, why) < 0)
		return -1;
	const char *const last[] = { environment->notify_variable, environment->agent_variable,
				     environment->instance_variable };
	int result = 0;
	for (size_t i = 0; i < ARRAY_LEN(last) && result == 0; i++)
		result = last[i] != NULL ? put(ret, last[i], why) : 0;
	return result;
}

/* "--require PATH", quoted; "" where there is no agent. With leave to read what lies beside it. malloc'ed. */
static char *require_option(const char *agent_path, bool allow_read)
{
	char *option;
	cleanup_free char *files = NULL;
	if (agent_path == NULL)
		return strdup("");
	cleanup_free char *quoted = node_options_quote(agent_path);
	if (quoted == NULL || !allow_read)
		return quoted == NULL || asprintf(&option, "--require %s", quoted) < 0 ? NULL : option;
	const char *slash = strrchr(agent_path, '/');
	int length = slash == NULL ? 0 : (int)(slash + 1 - agent_path);
	if (asprintf(&files, "%.*s*", length, agent_path) < 0)
		return NULL;
	cleanup_free char *quoted_files = node_options_quote(files);
	if (quoted_files == NULL || asprintf(&option, "--require %s --allow-fs-read=%s", quoted, quoted_files) < 0)
		return NULL;
	return option;
}

/* Node would refuse to start with such a text, and merged with ours it could even mean something else. */
static int check_own(const char *own, struct failure *why)
{
	struct words words;
	int count = node_options_split(own, &words, why);
	words_finish(&words);
	return count < 0 ? -1 : 0;
}

/* Where a heapward around us runs us as its worker, its agent comes first in what we inherit: two of them in one process are one
 * too many, and V8 aborts. The option's value is one word, quoted or not. */
static const char *without_outer_agent(const struct environment *environment, const char *own)
{
	static const char option[] = "--require ", agent[] = "/agent.cjs";
	if (environment_get(environment->inherited, "HEAPWARD_AGENT") == NULL || strncmp(own, option, strlen(option)) != 0)
		return own;
	const char *value = own + strlen(option), *end = value;
	bool quoted = *value == '"';
	for (end += quoted; *end != '\0' && *end != (quoted ? '"' : ' '); end++)
		end += quoted && *end == '\\' && end[1] != '\0';
	if ((size_t)(end - value) < strlen(agent) || strncmp(end - strlen(agent), agent, strlen(agent)) != 0)
		return own;
	end += quoted && *end == '"';
	return end + strspn(end, " ");
}

static int merge_node_options(const struct environment *environment, struct words *ret, struct failure *why)
{
	const char *own = environment_get(ret->list, "NODE_OPTIONS");
	const char *planned = environment->node_options != NULL ? environment->node_options : "";
	own = own == NULL ? "" : without_outer_agent(environment, own);
	if (environment->agent_path == NULL && *planned == '\0')
		return 0;
	if (check_own(own, why) < 0)
		return -1;
	cleanup_free char *require = require_option(environment->agent_path, environment->agent_needs_read);
	cleanup_free char *variable = NULL;
	if (require == NULL ||
	    asprintf(&variable, "NODE_OPTIONS=%s%s%s%s%s", require, *require != '\0' && *planned != '\0' ? " " : "",
		     planned, *own != '\0' ? " " : "", own) < 0)
		return failed(why, 0, "out of memory");
	return put(ret, variable, why);
}

int environment_build(const struct environment *environment, struct words *ret, struct failure *why)
{
	*ret = (struct words){ 0 };
	/* An empty environment is a list too: execve wants one. */
	ret->list = calloc(2, sizeof(*ret->list));
	if (ret->list == NULL)
		return failed(why, 0, "environment: out of memory");
	if (put_layers(environment, ret, why) == 0 && merge_node_options(environment, ret, why) == 0)
		return 0;
	words_finish(ret);
	return failed_in(why, "environment");
}
