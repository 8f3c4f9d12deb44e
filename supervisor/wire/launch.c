/* SPDX-License-Identifier: Apache-2.0 */
/* launch: a header (magic, version, length) and then fields: tag, length, bytes. Integers are native: both ends are the
 * same build on the same machine, and the version text says so. */
#include "supervisor/wire/launch.h"

#include <stdio.h>
#include <string.h>

#define LAUNCH_MAGIC 0x6c647068u /* "hpdl" */
#define LAUNCH_WORDS_MAX 65536   /* arguments or variables */

enum tag {
	TAG_VERSION, TAG_ARGUMENT, TAG_VARIABLE, TAG_DIRECTORY, TAG_GROUP, TAG_KEEP, TAG_LIMIT, TAG_OOM_SCORE, TAG_USER,
	TAG_GID, TAG_CAPABILITIES, TAG_PARENT, TAG_FILTER, TAG_LISTEN_FDS,
	TAG_LISTENER, TAG_FENCE, TAG_PATH, TAG_PORT, TAG_REACH,
	TAG_COUNT
};

struct header {
	uint32_t magic, length; /* of everything, this header included */
};

struct field {
	uint32_t tag, length; /* of the bytes that follow; texts carry their closing NUL */
};

struct writer {
	unsigned char *bytes;
	size_t length, size;
	bool failed;
};

static void put(struct writer *writer, const void *bytes, size_t length)
{
	if (writer->length + length > writer->size) {
		size_t size = (writer->length + length) * 2;
		unsigned char *grown = size > LAUNCH_BYTES_MAX * 2 ? NULL : realloc(writer->bytes, size);
		if (grown == NULL) {
			writer->failed = true;
			return;
		}
		writer->bytes = grown;
		writer->size = size;
	}
	if (length > 0)
		memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

static void put_field(struct writer *writer, enum tag tag, const void *bytes, size_t length)
{
	struct field field = { .tag = (uint32_t)tag, .length = (uint32_t)length };
	if (writer->failed || length > LAUNCH_BYTES_MAX) {
		writer->failed = true;
		return;
	}
	put(writer, &field, sizeof(field));
	if (!writer->failed)
		put(writer, bytes, length);
}

static void put_text(struct writer *writer, enum tag tag, const char *text)
{
	if (text != NULL)
		put_field(writer, tag, text, strlen(text) + 1);
}

static void put_texts(struct writer *writer, enum tag tag, char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		put_text(writer, tag, list[i]);
}

static void put_arrays(struct writer *writer, const struct launch *launch)
{
	for (size_t i = 0; i < launch->group_count; i++)
		put_field(writer, TAG_GROUP, &launch->groups[i], sizeof(launch->groups[i]));
	for (size_t i = 0; i < launch->keep_count; i++)
		put_field(writer, TAG_KEEP, &launch->keep[i], sizeof(launch->keep[i]));
	for (size_t i = 0; i < launch->limit_count; i++)
		put_field(writer, TAG_LIMIT, &launch->limits[i], sizeof(launch->limits[i]));
}

/* A letter for what is left of it, a capital where it need not be there, and the path. */
static const char path_letters[] = "hrwp", optional_letters[] = "HRWP";

static void put_path(struct writer *writer, const struct launch_path *path)
{
	char *text;
	if (asprintf(&text, "%c%s", (path->optional ? optional_letters : path_letters)[path->access], path->path) < 0) {
		writer->failed = true;
		return;
	}
	put_text(writer, TAG_PATH, text);
	free(text);
}

static void put_fence(struct writer *writer, const struct launch *launch)
{
	put_field(writer, TAG_FENCE, &launch->fence, sizeof(launch->fence));
	for (size_t i = 0; i < launch->path_count; i++)
		put_path(writer, &launch->paths[i]);
	for (size_t i = 0; i < launch->port_count; i++)
		put_field(writer, TAG_PORT, &launch->ports[i], sizeof(launch->ports[i]));
}

static void put_user(struct writer *writer, const struct launch *launch)
{
	uint32_t ids[2] = { launch->uid, launch->gid };
	if (!launch->set_user)
		return;
	put_field(writer, TAG_USER, ids, sizeof(ids));
	for (size_t i = 0; i < launch->gid_count; i++)
		put_field(writer, TAG_GID, &launch->gids[i], sizeof(launch->gids[i]));
}

int launch_encode(const struct launch *launch, unsigned char **ret, size_t *ret_length, struct failure *why)
{
	struct writer writer = { 0 };
	struct header header = { .magic = LAUNCH_MAGIC };
	assert(launch->group_count <= LAUNCH_GROUPS_MAX && launch->keep_count <= LAUNCH_KEEP_MAX);
	assert(launch->limit_count <= LAUNCH_LIMITS_MAX && launch->listen_fds <= LISTEN_MAX);
	assert(launch->gid_count <= LAUNCH_GIDS_MAX);
	assert(launch->path_count <= LAUNCH_PATHS_MAX && launch->port_count <= LAUNCH_PORTS_MAX);
	put(&writer, &header, sizeof(header));
	put_text(&writer, TAG_VERSION, HEAPWARD_VERSION);
	put_texts(&writer, TAG_ARGUMENT, launch->argv);
	put_texts(&writer, TAG_VARIABLE, launch->environment);
	put_text(&writer, TAG_DIRECTORY, launch->directory);
	put_arrays(&writer, launch);
	put_field(&writer, TAG_OOM_SCORE, &launch->oom_score_add, sizeof(launch->oom_score_add));
	put_user(&writer, launch);
	put_text(&writer, TAG_CAPABILITIES, launch->capabilities);
	put_fence(&writer, launch);
	if (launch->reach != NULL)
		put_texts(&writer, TAG_REACH, launch->reach);
	put_field(&writer, TAG_PARENT, &launch->parent_pid, sizeof(launch->parent_pid));
	if (launch->listen_fds > 0)
		put_field(&writer, TAG_LISTEN_FDS, &launch->listen_fds, sizeof(launch->listen_fds));
	if (launch->filter != NULL)
		put_field(&writer, TAG_FILTER, launch->filter, launch->filter_bytes);
	if (launch->set_listener)
		put_field(&writer, TAG_LISTENER, &launch->unheard, sizeof(launch->unheard));
	if (writer.failed || writer.length > LAUNCH_BYTES_MAX) {
		free(writer.bytes);
		return failed(why, 0, "command and environment exceed %d MiB", LAUNCH_BYTES_MAX / (1024 * 1024));
	}
	header.length = (uint32_t)writer.length;
	memcpy(writer.bytes, &header, sizeof(header));
	*ret = writer.bytes;
	*ret_length = writer.length;
	return 0;
}

struct reader {
	struct launch *launch;
	size_t argument_count, variable_count, reach_count;
	unsigned seen; /* a bit a tag */
};

static int add_text(char ***list, size_t *count, const unsigned char *bytes, struct failure *why)
{
	char **grown;
	if (*count >= LAUNCH_WORDS_MAX)
		return failed(why, 0, "more than %d words", LAUNCH_WORDS_MAX);
	/* Room for 16 more each time, and for the closing NULL. */
	if (*list == NULL || (*count + 1) % 16 == 0) {
		grown = realloc(*list, (*count + 17) * sizeof(char *));
		if (grown == NULL)
			return failed(why, 0, "out of memory");
		*list = grown;
	}
	(*list)[*count] = strdup((const char *)bytes);
	if ((*list)[*count] == NULL)
		return failed(why, 0, "out of memory");
	(*list)[++*count] = NULL;
	return 0;
}

static int set_text(char **ret, const unsigned char *bytes, struct failure *why)
{
	*ret = strdup((const char *)bytes);
	return *ret == NULL ? failed(why, 0, "out of memory") : 0;
}

/* Copies one element into array[*count], which holds `max`. */
static int add_element(void *array, size_t *count, size_t max, size_t size, const unsigned char *bytes, size_t length,
		       struct failure *why)
{
	if (length != size || *count >= max)
		return failed(why, 0, "a list is too long or has an element of another size");
	memcpy((unsigned char *)array + *count * size, bytes, size);
	++*count;
	return 0;
}

static int set_value(void *ret, size_t size, const unsigned char *bytes, size_t length, struct failure *why)
{
	if (length != size)
		return failed(why, 0, "a field has another size");
	memcpy(ret, bytes, size);
	return 0;
}

static int set_user(struct launch *launch, const unsigned char *bytes, size_t length, struct failure *why)
{
	uint32_t ids[2];
	if (set_value(ids, sizeof(ids), bytes, length, why) < 0)
		return -1;
	launch->set_user = true;
	launch->uid = ids[0];
	launch->gid = ids[1];
	return 0;
}

static int set_listen_fds(struct launch *launch, const unsigned char *bytes, size_t length, struct failure *why)
{
	if (set_value(&launch->listen_fds, sizeof(launch->listen_fds), bytes, length, why) < 0)
		return -1;
	return launch->listen_fds <= LISTEN_MAX ? 0 : failed(why, 0, "more than %d held sockets", LISTEN_MAX);
}

static int add_path(struct launch *launch, const unsigned char *bytes, struct failure *why)
{
	const char *letter = strchr(path_letters, bytes[0]), *capital = strchr(optional_letters, bytes[0]);
	if (launch->path_count == LAUNCH_PATHS_MAX)
		return failed(why, 0, "more than %d paths", LAUNCH_PATHS_MAX);
	if (bytes[0] == '\0' || bytes[1] == '\0' || (letter == NULL && capital == NULL))
		return failed(why, 0, "a path says not what is left of it");
	struct launch_path *path = &launch->paths[launch->path_count];
	if (set_text(&path->path, bytes + 1, why) < 0)
		return -1;
	path->access = (enum launch_access)(letter != NULL ? letter - path_letters : capital - optional_letters);
	path->optional = capital != NULL;
	launch->path_count++;
	return 0;
}

static int set_fence(struct launch *launch, const unsigned char *bytes, size_t length, struct failure *why)
{
	if (set_value(&launch->fence, sizeof(launch->fence), bytes, length, why) < 0)
		return -1;
	return (launch->fence.flags & ~(uint32_t)LAUNCH_FENCE_FLAGS) == 0 ? 0 : failed(why, 0, "an unknown wall");
}

static int set_filter(struct launch *launch, const unsigned char *bytes, size_t length, struct failure *why)
{
	if (length == 0)
		return failed(why, 0, "an empty filter");
	launch->filter = malloc(length);
	if (launch->filter == NULL)
		return failed(why, 0, "out of memory");
	memcpy(launch->filter, bytes, length);
	launch->filter_bytes = length;
	return 0;
}

static int check_version(const unsigned char *bytes, struct failure *why)
{
	bool same = strcmp((const char *)bytes, HEAPWARD_VERSION) == 0;
	return same ? 0 : failed(why, 0, "made by version %.32s, this is %s", bytes, HEAPWARD_VERSION);
}

static int read_text_field(struct reader *reader, enum tag tag, const unsigned char *bytes, size_t length,
			   struct failure *why)
{
	struct launch *launch = reader->launch;
	if (length == 0 || memchr(bytes, '\0', length) != bytes + length - 1)
		return failed(why, 0, "a text is not terminated");
	if (tag == TAG_VERSION)
		return check_version(bytes, why);
	if (tag == TAG_ARGUMENT)
		return add_text(&launch->argv, &reader->argument_count, bytes, why);
	if (tag == TAG_VARIABLE)
		return add_text(&launch->environment, &reader->variable_count, bytes, why);
	if (tag == TAG_REACH)
		return add_text(&launch->reach, &reader->reach_count, bytes, why);
	if (tag == TAG_PATH)
		return add_path(launch, bytes, why);
	return set_text(tag == TAG_DIRECTORY ? &launch->directory : &launch->capabilities, bytes, why);
}

static int read_field(struct reader *reader, uint32_t tag, const unsigned char *bytes, size_t length,
		      struct failure *why)
{
	struct launch *launch = reader->launch;
	switch (tag) {
	case TAG_VERSION:
	case TAG_ARGUMENT:
	case TAG_VARIABLE:
	case TAG_DIRECTORY:
	case TAG_CAPABILITIES:
	case TAG_PATH:
	case TAG_REACH:
		return read_text_field(reader, (enum tag)tag, bytes, length, why);
	case TAG_GROUP:
		return add_element(launch->groups, &launch->group_count, LAUNCH_GROUPS_MAX, sizeof(launch->groups[0]),
				   bytes, length, why);
	case TAG_KEEP:
		return add_element(launch->keep, &launch->keep_count, LAUNCH_KEEP_MAX, sizeof(launch->keep[0]), bytes,
				   length, why);
	case TAG_LIMIT:
		return add_element(launch->limits, &launch->limit_count, LAUNCH_LIMITS_MAX, sizeof(launch->limits[0]),
				   bytes, length, why);
	case TAG_GID:
		return add_element(launch->gids, &launch->gid_count, LAUNCH_GIDS_MAX, sizeof(launch->gids[0]), bytes,
				   length, why);
	case TAG_PORT:
		return add_element(launch->ports, &launch->port_count, LAUNCH_PORTS_MAX, sizeof(launch->ports[0]),
				   bytes, length, why);
	case TAG_FENCE:
		return set_fence(launch, bytes, length, why);
	case TAG_OOM_SCORE:
		return set_value(&launch->oom_score_add, sizeof(launch->oom_score_add), bytes, length, why);
	case TAG_PARENT:
		return set_value(&launch->parent_pid, sizeof(launch->parent_pid), bytes, length, why);
	case TAG_LISTEN_FDS:
		return set_listen_fds(launch, bytes, length, why);
	case TAG_USER:
		return set_user(launch, bytes, length, why);
	case TAG_FILTER:
		return set_filter(launch, bytes, length, why);
	case TAG_LISTENER:
		launch->set_listener = true;
		return set_value(&launch->unheard, sizeof(launch->unheard), bytes, length, why);
	default:
		return failed(why, 0, "unknown field %u", tag);
	}
}

/* The version stands first, and only the elements of lists may come again. */
static int check_place(struct reader *reader, uint32_t tag, struct failure *why)
{
	const unsigned lists = 1u << TAG_ARGUMENT | 1u << TAG_VARIABLE | 1u << TAG_GROUP | 1u << TAG_KEEP |
			       1u << TAG_LIMIT | 1u << TAG_GID | 1u << TAG_PATH | 1u << TAG_PORT | 1u << TAG_REACH;
	if (reader->seen == 0 && tag != TAG_VERSION)
		return failed(why, 0, "does not begin with a version");
	if (tag >= TAG_COUNT)
		return failed(why, 0, "unknown field %u", tag);
	if ((reader->seen & ~lists & 1u << tag) != 0)
		return failed(why, 0, "a field stands twice");
	reader->seen |= 1u << tag;
	return 0;
}

static int read_fields(struct reader *reader, const unsigned char *bytes, size_t length, struct failure *why)
{
	struct field field;
	while (length > 0) {
		if (length < sizeof(field))
			return failed(why, 0, "cut off");
		memcpy(&field, bytes, sizeof(field));
		bytes += sizeof(field);
		length -= sizeof(field);
		if (field.length > length)
			return failed(why, 0, "a field is longer than the record");
		if (check_place(reader, field.tag, why) < 0 ||
		    read_field(reader, field.tag, bytes, field.length, why) < 0)
			return -1;
		bytes += field.length;
		length -= field.length;
	}
	if (reader->argument_count == 0)
		return failed(why, 0, "no command");
	return 0;
}

static int complete(struct reader *reader, struct failure *why)
{
	if (reader->launch->environment != NULL)
		return 0;
	reader->launch->environment = calloc(1, sizeof(char *));
	return reader->launch->environment == NULL ? failed(why, 0, "out of memory") : 0;
}

int launch_decode(const unsigned char *bytes, size_t length, struct launch *ret, struct failure *why)
{
	struct header header;
	struct reader reader = { .launch = ret };
	memset(ret, 0, sizeof(*ret));
	if (length < sizeof(header) || length > LAUNCH_BYTES_MAX)
		return failed(why, 0, "launch record: %zu bytes", length);
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != LAUNCH_MAGIC || header.length != length)
		return failed(why, 0, "launch record: not one, or cut off");
	if (read_fields(&reader, bytes + sizeof(header), length - sizeof(header), why) < 0 ||
	    complete(&reader, why) < 0) {
		launch_finish(ret);
		return failed_in(why, "launch record");
	}
	return 0;
}

static void free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void launch_finish(struct launch *launch)
{
	free_list(launch->argv);
	free_list(launch->environment);
	free_list(launch->reach);
	free(launch->directory);
	free(launch->capabilities);
	free(launch->filter);
	for (size_t i = 0; i < launch->path_count; i++)
		free(launch->paths[i].path);
	memset(launch, 0, sizeof(*launch));
}

size_t launch_report_encode(const struct launch_report *report, unsigned char *buffer, size_t size)
{
	assert(size >= sizeof(*report));
	memcpy(buffer, report, sizeof(*report));
	return sizeof(*report);
}

int launch_report_decode(const unsigned char *bytes, size_t length, struct launch_report *ret, struct failure *why)
{
	if (length != sizeof(*ret))
		return failed(why, 0, "launch report: %zu bytes", length);
	memcpy(ret, bytes, sizeof(*ret));
	if ((uint32_t)ret->step >= LAUNCH_STEP_COUNT || (uint32_t)ret->kind >= LAUNCH_REPORT_KINDS ||
	    memchr(ret->text, '\0', sizeof(ret->text)) == NULL)
		return failed(why, 0, "launch report: not one");
	return 0;
}
