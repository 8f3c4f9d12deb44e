/* SPDX-License-Identifier: Apache-2.0 */
/* What the real kernel tells of a group's memory: OOM kills and whose limit it was, usage that nears a limit, the levels
 * above, file cache. On v1, hybrid and v2, as test_cgroup. */
#include "tests/unit/cgroup_fixture.h"
#include "supervisor/edge/kernel_log.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Allocates until it is killed. */
static void run_a_leak(void)
{
	for (;;) {
		char *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			_exit(3);
		memset(memory, 1, MIB);
	}
}

static bool wakes_up(int watch_fd, uint32_t events, int timeout_msec)
{
	struct epoll_event event = { .events = events }, ready;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watch_fd, &event), 0);
	int count = epoll_wait(epoll_fd, &ready, 1, timeout_msec);
	close(epoll_fd);
	return count == 1 && (ready.events & events) != 0;
}

static void an_oom_kill_is_counted_heard_and_found_in_the_log(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	struct memory_counters before, after;
	struct kernel_log log;
	struct kernel_oom oom = { .found = false };
	uint32_t events;
	char path[256];
	make_worker(fixture, &group, 24 * MIB);
	kernel_log_open(&log);
	int watch_fd = cgroup_watch_oom(&group, &events, &why);
	assert_true(watch_fd >= 0);
	cgroup_read_counters(&group, &before);
	assert_false(wakes_up(watch_fd, events, 0));
	pid_t pid = run_in_group(&group, run_a_leak);
	assert_true(wakes_up(watch_fd, events, 10000));
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	sleep_msec(20); /* the kernel passes on memory events every 10 ms at most */
	cgroup_oom_heard(watch_fd);
	assert_false(wakes_up(watch_fd, events, 0));
	cgroup_read_counters(&group, &after);
	assert_true(before.known && after.known && after.level_count == before.level_count && after.level_count >= 2);
	assert_int_equal(after.levels[0].oom_kill - before.levels[0].oom_kill, 1);
	assert_int_equal(after.levels[0].max_bytes, 24 * MIB);
	assert_true(after.has_vmstat && after.vmstat_oom_kill > before.vmstat_oom_kill);
	assert_int_equal(after.levels[0].has_oom, is_v2(fixture));
	assert_int_equal(after.levels[0].has_failcnt, !is_v2(fixture));
	/* v1's failcnt stays at 0 on some kernels (6.18), whatever happens: see whose_limit.c. */
	assert_true(!is_v2(fixture) || after.levels[0].oom > before.levels[0].oom);
	for (size_t i = 1; i < after.level_count; i++)
		assert_int_equal(after.levels[i].oom, before.levels[i].oom);
	cgroup_path(&group, path, sizeof(path));
	assert_string_equal(path, after.levels[0].path);
	kernel_log_read(&log, path, &oom);
	assert_int_equal(oom.readable, geteuid() == 0); /* root may read it, here and in the VM */
	if (oom.readable) {
		assert_true(oom.found && !oom.host);
		assert_string_equal(oom.memcg, path);
		assert_int_equal(oom.pid, pid);
		assert_contains(oom.line, "Killed process");
	}
	kernel_log_close(&log);
	close(watch_fd);
	remove_within_a_second(&group);
}

#define CACHED_BYTES (12 * MIB)

/* File cache, where a real file can be made (the VM's / is read-only), then 16 MiB of its own, piece by piece. */
static void run_up_to_a_threshold(void)
{
	static char bytes[MIB];
	cleanup_fd int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (size_t i = 0; fd >= 0 && i < CACHED_BYTES; i += sizeof(bytes))
		(void)!write(fd, bytes, sizeof(bytes));
	for (int i = 0; i < 16; i++) {
		memset(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, MIB);
		sleep_msec(5);
	}
	for (;;)
		pause();
}

static void usage_is_told_before_the_limit(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	struct memory_sample memory;
	uint32_t events;
	char text[64];
	make_worker(fixture, &group, 64 * MIB);
	int watch_fd = cgroup_watch_usage(&group, 14 * MIB, &events, &why);
	assert_true(watch_fd >= 0);
	assert_false(wakes_up(watch_fd, events, 0));
	pid_t pid = run_in_group(&group, run_up_to_a_threshold);
	assert_true(wakes_up(watch_fd, events, 10000));
	cgroup_unwatch_usage(&group, &watch_fd, SIZE_NONE);
	assert_int_equal(watch_fd, -1);
	sleep_msec(500);
	cgroup_read_memory(&group, &memory);
	uint64_t kept = cgroup_read_kept(&group), warm = cgroup_read_kept_of(group.directory_fd[0], is_v2(fixture), false);
	assert_true(kept >= 14 * MIB && kept <= warm && warm <= memory.current_bytes);
	if (!is_v2(fixture)) /* where memory.high has made room, by file cache first */
		assert_true(memory.current_bytes - warm >= CACHED_BYTES / 2);
	assert_int_equal(cgroup_watch_usage(&group, 14 * MIB, &events, &why), -1);
	assert_string_equal(why.text, "usage is there already");
	if (is_v2(fixture))
		assert_int_equal(read_worker_file(&group, "memory", "memory.high", text, sizeof(text)), 0); /* "max" */
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
}

static void an_ancestors_limit_is_told_from_ours(void **state)
{
	const struct fixture *fixture = *state;
	struct cgroup group;
	struct memory_counters before, after;
	struct kernel_log log;
	struct kernel_oom oom = { .found = false };
	const char *name = is_v2(fixture) ? "memory.max" : "memory.limit_in_bytes";
	make_worker(fixture, &group, 512 * MIB);
	kernel_log_open(&log);
	int fd = openat(fixture->service.directory_fd[0], name, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "24M", 3), 3);
	cgroup_read_counters(&group, &before);
	pid_t pid = run_in_group(&group, run_a_leak);
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	cgroup_read_counters(&group, &after);
	assert_int_equal(after.levels[0].oom_kill - before.levels[0].oom_kill, 1);
	assert_int_equal(after.levels[1].max_bytes, 24 * MIB);
	if (is_v2(fixture)) {
		assert_int_equal(after.levels[0].oom, before.levels[0].oom);
		assert_true(after.levels[1].oom > before.levels[1].oom);
	} else {
		assert_int_equal(after.levels[0].failcnt, before.levels[0].failcnt);
		assert_true(after.levels[1].failcnt > before.levels[1].failcnt);
	}
	kernel_log_read(&log, after.levels[0].path, &oom);
	if (oom.readable)
		assert_string_equal(oom.memcg, after.levels[1].path);
	kernel_log_close(&log);
	assert_true(write(fd, is_v2(fixture) ? "max" : "-1", is_v2(fixture) ? 3 : 2) > 0);
	close(fd);
	remove_within_a_second(&group);
}

static void the_levels_above_base_are_described(void **state)
{
	const struct fixture *fixture = *state;
	static struct host host;
	char base[256], own[256];
	bool own_seen = false;
	cgroup_tree_describe(&fixture->tree, &host);
	cgroup_kernel_path(&fixture->tree.hierarchies[0], fixture->tree.hierarchies[0].base, base, sizeof(base));
	cgroup_kernel_path(&fixture->tree.hierarchies[0], fixture->tree.hierarchies[0].own, own, sizeof(own));
	assert_true(host.cgroup_writable && host.level_count >= 1 && host.swap_accounting);
	assert_string_equal(host.levels[0].path, base);
	for (size_t i = 0; i < host.level_count; i++) {
		own_seen = own_seen || strcmp(host.levels[i].path, own) == 0;
		assert_true(host.levels[i].max_bytes != SIZE_UNKNOWN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(host.levels[i].path, host.levels[k].path);
	}
	assert_true(own_seen);
}

static int filled[2]; /* a pipe that the child closes */

/* Where the directory can be written: inside a read-only machine there is no page cache to make. */
static void fill_page_cache(void)
{
	static char chunk[MIB];
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (int i = 0; i < 24 && fd >= 0; i++)
		(void)!write(fd, chunk, sizeof(chunk));
	close(filled[1]); /* and not `fd`: the cache goes with the file */
	for (;;)
		pause();
}

static void page_cache_is_not_in_use(void **state)
{
	const struct fixture *fixture = *state;
	struct host_level level;
	struct cgroup group;
	uint64_t cache = 0, usage;
	char byte;
	make_worker(fixture, &group, 64 * MIB);
	assert_int_equal(pipe(filled), 0);
	pid_t pid = run_in_group(&group, fill_page_cache);
	close(filled[1]);
	assert_int_equal(read(filled[0], &byte, 1), 0);
	close(filled[0]);
	assert_true(cgroup_read_keyed(group.directory_fd[0], "memory.stat",
				      is_v2(fixture) ? "inactive_file" : "total_inactive_file", &cache));
	usage = cgroup_read_or_unknown(group.directory_fd[0], is_v2(fixture) ? "memory.current" : "memory.usage_in_bytes");
	cgroup_describe(&group, &level);
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
	assert_int_equal(level.max_bytes, 64 * MIB);
	assert_true(level.current_bytes + cache < usage + 2 * MIB && level.current_bytes + cache + 2 * MIB > usage);
}

static void nothing_is_known_without_a_group(void **state UNUSED)
{
	struct cgroup none;
	struct memory_sample sample;
	struct memory_counters counters;
	struct failure why;
	uint32_t events;
	char path[16];
	cgroup_clear(&none);
	cgroup_read_memory(&none, &sample);
	assert_true(sample.current_bytes == SIZE_UNKNOWN && sample.max_bytes == SIZE_UNKNOWN);
	cgroup_read_counters(&none, &counters);
	assert_true(!counters.known && counters.level_count == 0 && counters.has_vmstat);
	assert_int_equal(cgroup_watch_oom(&none, &events, &why), -1);
	assert_int_equal(cgroup_watch_usage(&none, MIB, &events, &why), -1);
	assert_true(cgroup_read_kept(&none) == SIZE_UNKNOWN);
	cgroup_path(&none, path, sizeof(path));
	assert_string_equal(path, "");
	assert_true(cgroup_is_empty(&none));
	cgroup_kill(&none);
	assert_ok(cgroup_remove(&none, &why));
	cgroup_finish(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_oom_kill_is_counted_heard_and_found_in_the_log),
		cmocka_unit_test(usage_is_told_before_the_limit),
		cmocka_unit_test(an_ancestors_limit_is_told_from_ours),
		cmocka_unit_test(the_levels_above_base_are_described),
		cmocka_unit_test(page_cache_is_not_in_use),
		cmocka_unit_test(nothing_is_known_without_a_group),
	};
	return cmocka_run_group_tests_name("cgroup_memory", tests, set_up, tear_down);
}
