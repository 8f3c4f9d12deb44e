/* SPDX-License-Identifier: Apache-2.0 */
/* test_state_files: deaths, events and figures on disk: there whole or not at all, for the owner only, bounded by count and
 * bytes, also on a full disk; and read back by the commands. */
#include "tests/unit/state_unit.h"

#include "supervisor/edge/state_internal.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>

static const char *death_path(const struct state_dir *dir, unsigned long long number)
{
	char name[64];
	snprintf(name, sizeof(name), "deaths/%06llu.json", number);
	return below(dir->state_path, name);
}

static void keep(struct state_dir *dir, uint64_t number, const char *json)
{
	struct failure why;
	if (state_dir_keep_death(dir, number, json, &why) != 0)
		fail_msg("%s", why.text);
}

static int entries_of(const char *path)
{
	int count = 0;
	DIR *directory = opendir(path);
	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count - 2;
}

static void a_death_is_kept_whole_and_for_its_owner_only(void **state)
{
	struct state_dir dir;
	mode_t mask = umask(0);
	take(&dir, *state, NAME);
	keep(&dir, 1, "{\"number\":1}\n");
	umask(mask);
	assert_string_equal(read_text(death_path(&dir, 1)), "{\"number\":1}\n");
	assert_int_equal(mode_of(death_path(&dir, 1)), 0600);
	keep(&dir, 1, "{}");
	assert_string_equal(read_text(death_path(&dir, 1)), "{}");
	assert_int_equal(entries_of(below(dir.state_path, "deaths")), 1); /* nothing temporary is left */
	state_dir_release(&dir);
}

static void what_a_killed_writer_left_is_written_over(void **state)
{
	struct state_dir dir;
	take(&dir, *state, NAME);
	write_file(below(dir.state_path, "deaths/.000001.json.new"), "a long half of a death that was never finished");
	keep(&dir, 1, "{}");
	assert_string_equal(read_text(death_path(&dir, 1)), "{}");
	assert_int_equal(entries_of(below(dir.state_path, "deaths")), 1);
	state_dir_release(&dir);
}

static void the_oldest_deaths_go_beyond_the_count(void **state)
{
	struct state_dir dir;
	take(&dir, *state, NAME);
	for (uint64_t number = 1; number <= STATE_DEATHS_MAX + 7; number++)
		keep(&dir, number, "{}");
	assert_int_equal(entries_of(below(dir.state_path, "deaths")), STATE_DEATHS_MAX);
	assert_false(is_there(death_path(&dir, 7)));
	assert_true(is_there(death_path(&dir, 8)));
	assert_true(is_there(death_path(&dir, STATE_DEATHS_MAX + 7)));
	state_dir_release(&dir);
}

static void the_oldest_deaths_go_beyond_the_bytes(void **state)
{
	struct state_dir dir;
	size_t size = STATE_DEATHS_BYTES_MAX / 8;
	cleanup_free char *large = malloc(size + 1);
	memset(large, 'x', size);
	large[size] = '\0';
	take(&dir, *state, NAME);
	for (uint64_t number = 1; number <= 10; number++)
		keep(&dir, number, large);
	assert_false(is_there(death_path(&dir, 2)));
	assert_true(is_there(death_path(&dir, 3)));
	assert_int_equal(entries_of(below(dir.state_path, "deaths")), 8);
	state_dir_release(&dir);
}

static void numbers_go_on_where_an_earlier_run_stopped(void **state)
{
	struct state_dir dir;
	take(&dir, *state, NAME);
	assert_int_equal(dir.next_death, 1);
	keep(&dir, 41, "{}");
	state_dir_release(&dir);
	take(&dir, *state, NAME);
	assert_int_equal(dir.next_death, 42);
	state_dir_release(&dir);
}

static void only_names_of_deaths_count(void **state)
{
	static const char *const names[] = {
		"7.json", "0000007.json", "000007.jsonl", "000007.json.new", ".000008.json.new", "000000.json", "x.json",
		"-00001.json", "99999999999999999999999.json", "18446744073709551615.json", "000009", "",
	};
	struct state_dir dir;
	take(&dir, *state, NAME);
	keep(&dir, 3, "{}");
	for (size_t i = 0; names[i][0] != '\0'; i++) {
		char path[128];
		snprintf(path, sizeof(path), "deaths/%s", names[i]);
		write_file(below(dir.state_path, path), "not one");
	}
	state_dir_release(&dir);
	take(&dir, *state, NAME);
	assert_int_equal(dir.next_death, 4);
	state_dir_release(&dir);
}

/* Whatever the order in which the directory gives them. */
static void of_very_many_deaths_the_newest_are_seen(void **state)
{
	uint64_t numbers[STATE_DEATHS_SEEN_MAX];
	struct state_dir dir;
	take(&dir, *state, NAME);
	for (unsigned number = 1; number <= STATE_DEATHS_SEEN_MAX + 100; number++)
		write_file(death_path(&dir, number), "{}");
	cleanup_fd int fd = open(below(dir.state_path, "deaths"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(state_death_numbers(fd, numbers), STATE_DEATHS_SEEN_MAX);
	for (size_t i = 0; i < STATE_DEATHS_SEEN_MAX; i++)
		assert_int_equal(numbers[i], 101 + i);
	state_dir_release(&dir);
	take(&dir, *state, NAME);
	assert_int_equal(dir.next_death, STATE_DEATHS_SEEN_MAX + 101);
	state_dir_release(&dir);
}

static void the_nth_last_death_is_read(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir dir;
	static const struct {
		const char *name;
		unsigned nth_last;
		const char *json, *text;
	} rows[] = {
		{ NAME, 1, "{\"number\":12}", NULL },
		{ NAME, 2, "{\"number\":9}", NULL },
		{ NAME, 3, NULL, "only 2 death(s) of \"" NAME "\" are kept" },
		{ NAME, 0, NULL, "only 2 death(s)" },
		{ "quiet", 1, NULL, "no death of \"quiet\" is known here" },
		{ "unknown", 1, NULL, "no death of \"unknown\" is known here" },
		{ "../heapward/" NAME, 1, NULL, "is no name of a service" },
		{ "..", 1, NULL, "is no name of a service" },
		{ "", 1, NULL, "is no name of a service" },
	};
	leave_service(fixture, "quiet");
	take(&dir, fixture, NAME);
	keep(&dir, 9, "{\"number\":9}");
	keep(&dir, 12, "{\"number\":12}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *json = NULL;
		struct failure why;
		int result = state_read_death(&fixture->roots, rows[i].name, rows[i].nth_last, &json, &why);
		assert_int_equal(result, rows[i].json == NULL ? -1 : 0);
		if (result == 0)
			assert_string_equal(json, rows[i].json);
		else
			assert_contains(why.text, rows[i].text);
	}
	state_dir_release(&dir);
}

static void a_death_that_is_no_file_of_ours_is_not_read(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir dir;
	struct failure why;
	cleanup_free char *json = NULL;
	take(&dir, fixture, NAME);
	assert_int_equal(symlink("/etc/passwd", death_path(&dir, 1)), 0);
	assert_int_equal(state_read_death(&fixture->roots, NAME, 1, &json, &why), -1);
	assert_int_equal(mkfifo(death_path(&dir, 2), 0600), 0); /* must not wait for a writer */
	assert_int_equal(state_read_death(&fixture->roots, NAME, 1, &json, &why), -1);
	write_file(death_path(&dir, 3), "");
	assert_int_equal(truncate(death_path(&dir, 3), STATE_DEATHS_BYTES_MAX), 0);
	assert_int_equal(state_read_death(&fixture->roots, NAME, 1, &json, &why), -1);
	assert_contains(why.text, "larger than");
	assert_null(json);
	state_dir_release(&dir);
	assert_int_equal(rename(dir.state_path, below(fixture->roots.state, "moved")), 0);
	assert_int_equal(symlink("moved", dir.state_path), 0);
	assert_int_equal(state_read_death(&fixture->roots, NAME, 1, &json, &why), -1);
	assert_contains(why.text, dir.state_path);
}

static void the_latest_death_of_all_is_found(void **state)
{
	static const struct {
		const char *name;
		time_t at;
	} rows[] = { { "first", 1000 }, { "second", 3000 }, { "third", 2000 } };
	const struct fixture *fixture = *state;
	char name[POLICY_NAME_MAX];
	struct failure why;
	leave_service(fixture, "quiet");
	assert_int_equal(state_latest_death(&fixture->roots, name, &why), -1);
	assert_contains(why.text, "no death is known here");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct state_dir dir;
		const struct timespec times[2] = { { .tv_sec = rows[i].at }, { .tv_sec = rows[i].at } };
		take(&dir, fixture, rows[i].name);
		keep(&dir, 1, "{}");
		assert_int_equal(utimensat(AT_FDCWD, death_path(&dir, 1), times, 0), 0);
		state_dir_release(&dir);
	}
	assert_int_equal(state_latest_death(&fixture->roots, name, &why), 0);
	assert_string_equal(name, "second");
}

static void append(struct state_dir *dir, const char *line)
{
	struct failure why;
	if (state_dir_append_event(dir, line, strlen(line), &why) != 0)
		fail_msg("%s", why.text);
}

static void events_are_appended_across_runs(void **state)
{
	struct state_dir dir;
	take(&dir, *state, NAME);
	append(&dir, "{\"a\":1}\n");
	state_dir_release(&dir);
	take(&dir, *state, NAME);
	assert_int_equal(dir.events_bytes, 8);
	append(&dir, "{\"a\":2}\n");
	assert_string_equal(read_text(below(dir.state_path, "events.jsonl")), "{\"a\":1}\n{\"a\":2}\n");
	state_dir_release(&dir);
}

static void events_rotate_at_their_bound_and_two_files_stay(void **state)
{
	struct state_dir dir;
	struct stat about;
	cleanup_free char *line = malloc(64 * KIB + 1);
	memset(line, 'x', 64 * KIB - 1);
	memcpy(line + 64 * KIB - 1, "\n", 2);
	take(&dir, *state, NAME);
	for (int i = 0; i < 16 * 3; i++)
		append(&dir, line);
	assert_int_equal(stat(below(dir.state_path, "events.jsonl"), &about), 0);
	assert_int_equal(about.st_size, STATE_EVENTS_BYTES_MAX);
	append(&dir, "{}\n");
	assert_string_equal(read_text(below(dir.state_path, "events.jsonl")), "{}\n");
	assert_int_equal(mode_of(below(dir.state_path, "events.jsonl")), 0600);
	assert_int_equal(stat(below(dir.state_path, "events.1.jsonl"), &about), 0);
	assert_int_equal(about.st_size, STATE_EVENTS_BYTES_MAX);
	assert_int_equal(entries_of(dir.state_path), 4); /* with deaths and held */
	/* A file that is gone, as after a rotation that could not make the new one, is made again. */
	assert_int_equal(unlink(below(dir.state_path, "events.jsonl")), 0);
	dir.events_bytes = STATE_EVENTS_BYTES_MAX;
	append(&dir, "{\"again\":1}\n");
	assert_string_equal(read_text(below(dir.state_path, "events.jsonl")), "{\"again\":1}\n");
	state_dir_release(&dir);
}

static void what_a_service_is_set_up_by_is_written_where_it_is_new(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir dir;
	struct failure why;
	struct stat first, second;
	take(&dir, fixture, NAME);
	assert_null(state_read_settings(&fixture->roots, NAME));
	assert_int_equal(state_dir_write_settings(&dir, "", &why), 0); /* nothing is no file */
	assert_null(state_read_settings(&fixture->roots, NAME));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_dir_write_settings(&dir, "/srv/web/web.yaml\n", &why), 0);
		assert_int_equal(stat(below(dir.state_path, "settings"), i == 0 ? &first : &second), 0);
	}
	assert_true(first.st_ino == second.st_ino);
	assert_int_equal(mode_of(below(dir.state_path, "settings")), 0600);
	cleanup_free char *text = state_read_settings(&fixture->roots, NAME);
	assert_string_equal(text, "/srv/web/web.yaml\n");
	assert_int_equal(state_dir_write_settings(&dir, "", &why), 0);
	cleanup_free char *none = state_read_settings(&fixture->roots, NAME);
	assert_string_equal(none, "");
	state_dir_release(&dir);
}

static void figures_come_back_and_are_unknown_where_there_are_none(void **state)
{
	const struct fixture *fixture = *state;
	const struct state_figures written = { 123456789012, 7, 4096, 850000 };
	static const char *const garbage[] = { "", "garbage", "peak_bytes 1 runs", "peak_bytes 5 runs 0 buffers_bytes 1\n" };
	struct state_figures read;
	struct state_dir dir;
	struct failure why;
	state_dir_read_figures(&fixture->roots, NAME, &read);
	assert_true(read.peak_bytes == SIZE_UNKNOWN && read.peak_runs == 0 && read.buffers_bytes == 0);
	take(&dir, fixture, NAME);
	assert_int_equal(state_dir_write_figures(&dir, &written, &why), 0);
	assert_int_equal(mode_of(below(dir.state_path, "figures")), 0600);
	state_dir_release(&dir);
	state_dir_read_figures(&fixture->roots, NAME, &read);
	assert_memory_equal(&read.peak_bytes, &written.peak_bytes, sizeof(read.peak_bytes));
	assert_int_equal(read.peak_runs, written.peak_runs);
	assert_int_equal(read.buffers_bytes, written.buffers_bytes);
	assert_int_equal(read.start_usec, 850000);
	for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
		write_file(below(dir.state_path, "figures"), garbage[i]);
		state_dir_read_figures(&fixture->roots, NAME, &read);
		assert_true(read.peak_bytes == SIZE_UNKNOWN && read.peak_runs == 0 && read.buffers_bytes == 0);
		assert_int_equal(read.start_usec, 0);
	}
}

static void a_start_up_time_is_known_without_a_group_and_may_be_missing(void **state)
{
	const struct fixture *fixture = *state;
	static const struct {
		const char *text;
		uint64_t buffers_bytes;
		int64_t start_usec;
	} rows[] = {
		{ "peak_bytes 5 runs 1 buffers_bytes 7\n", 7, 0 }, /* of a heapward that did not measure it */
		{ "peak_bytes 5 runs 1 buffers_bytes 7 start_usec 900\n", 7, 900 },
		{ "peak_bytes 18446744073709551614 runs 0 buffers_bytes 0 start_usec 900\n", 0, 900 },
		{ "peak_bytes 5 runs 1 buffers_bytes 7 start_usec -900\n", 7, 0 },
		{ "peak_bytes 5 runs 1 buffers_bytes 7 start_usec 3600000001\n", 7, 0 },
	};
	struct state_figures read;
	struct state_dir dir;
	take(&dir, fixture, NAME);
	state_dir_release(&dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_file(below(dir.state_path, "figures"), rows[i].text);
		state_dir_read_figures(&fixture->roots, NAME, &read);
		assert_int_equal(read.buffers_bytes, rows[i].buffers_bytes);
		assert_int_equal(read.start_usec, rows[i].start_usec);
	}
}

/* Fills what is left of the small disk; the file is the caller's to remove. */
static void fill_disk(const char *path)
{
	static const char block[4096];
	int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
		;
	while (fd >= 0 && write(fd, block, 1) > 0)
		;
	close(fd);
}

/* In a mount namespace of its own. The number of the check that failed, 0 for none. */
static int live_on_a_full_disk(struct fixture *fixture)
{
	static char large[32 * 1024];
	const struct state_figures figures = { 1, 1, 1, 1 };
	struct state_dir dir;
	struct failure why;
	memset(large, 'x', sizeof(large) - 1);
	memcpy(large + sizeof(large) - 2, "\n", 2);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir(below(fixture->directory, "lib"), 0755) < 0 ||
	    mount("none", below(fixture->directory, "lib"), "tmpfs", 0, "size=256k,mode=755") < 0)
		return 1;
	if (state_dir_take(&dir, &fixture->roots, NAME, &why) < 0 || dir.problem[0] != '\0' ||
	    state_dir_keep_death(&dir, 1, "{\"old\":1}", &why) < 0 || state_dir_append_event(&dir, "{}\n", 3, &why) < 0)
		return 2;
	fill_disk(below(dir.state_path, "filler"));
	if (state_dir_keep_death(&dir, 1, large, &why) == 0 || strstr(why.text, "No space left on device") == NULL)
		return 3;
	if (strcmp(read_text(death_path(&dir, 1)), "{\"old\":1}") != 0 || entries_of(below(dir.state_path, "deaths")) != 1)
		return 4;
	if (state_dir_append_event(&dir, large, strlen(large), &why) == 0)
		return 5;
	if (strcmp(read_text(below(dir.state_path, "events.jsonl")), "{}\n") != 0 || dir.events_bytes != 3)
		return 6;
	if (state_dir_write_figures(&dir, &figures, &why) == 0 || is_there(below(dir.state_path, "figures")))
		return 7;
	unlink(below(dir.state_path, "filler"));
	if (state_dir_keep_death(&dir, 1, large, &why) < 0 || state_dir_append_event(&dir, "{}\n", 3, &why) < 0)
		return 8;
	return strcmp(read_text(below(dir.state_path, "events.jsonl")), "{}\n{}\n") == 0 ? 0 : 9;
}

static void a_full_disk_leaves_the_old_state_and_never_half_a_file(void **state)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(live_on_a_full_disk(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_death_is_kept_whole_and_for_its_owner_only),
		TEST(what_a_killed_writer_left_is_written_over),
		TEST(the_oldest_deaths_go_beyond_the_count),
		TEST(the_oldest_deaths_go_beyond_the_bytes),
		TEST(numbers_go_on_where_an_earlier_run_stopped),
		TEST(only_names_of_deaths_count),
		TEST(of_very_many_deaths_the_newest_are_seen),
		TEST(the_nth_last_death_is_read),
		TEST(a_death_that_is_no_file_of_ours_is_not_read),
		TEST(the_latest_death_of_all_is_found),
		TEST(events_are_appended_across_runs),
		TEST(events_rotate_at_their_bound_and_two_files_stay),
		TEST(what_a_service_is_set_up_by_is_written_where_it_is_new),
		TEST(figures_come_back_and_are_unknown_where_there_are_none),
		TEST(a_start_up_time_is_known_without_a_group_and_may_be_missing),
		TEST(a_full_disk_leaves_the_old_state_and_never_half_a_file),
	};
	return cmocka_run_group_tests_name("state_files", tests, NULL, NULL);
}
