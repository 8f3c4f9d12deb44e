/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as kernel 6.18 (cgroup v1) and 6.1 (cgroup v2) wrote them, and what a hostile name could make of them. */
#include "tests/unit/unit.h"
#include "supervisor/core/kernel_oom.h"

#include <stdio.h>

#define V1_GROUP "/process_api/e14c/heapward-web/worker-0-a"
#define V1_LINE \
	"6,436,9628745740,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0," \
	"oom_memcg=/process_api/e14c/heapward-web,task_memcg=/process_api/e14c/heapward-web/worker-0-a," \
	"task=eat,pid=14618,uid=0\n"
#define V1_KILLED \
	"3,437,9628745774,-;Memory cgroup out of memory: Killed process 14618 (eat) total-vm:35372kB, anon-rss:32512kB, " \
	"file-rss:1068kB, shmem-rss:0kB, UID:0 pgtables:112kB oom_score_adj:0\n"
#define V2_LINE \
	"6,410,6601309,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=0,2-3,cpuset=heapward-x,mems_allowed=0," \
	"oom_memcg=/heapward/w,task_memcg=/heapward/w,task=node,pid=120,uid=1000\n"
#define HOST_LINE \
	"6,464,17906157,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom," \
	"task_memcg=/heapward/w,task=eat,pid=121,uid=0\n SUBSYSTEM=x\n"

static const struct row {
	const char *record, *group;
	bool found, host;
	const char *memcg;
	int32_t pid;
} rows[] = {
	{ V1_LINE, V1_GROUP, true, false, "/process_api/e14c/heapward-web", 14618 },
	{ V1_LINE, "/process_api/e14c/heapward-web", true, false, "/process_api/e14c/heapward-web", 14618 },
	{ V1_LINE, "/process_api/e14c/heapward-we", false, false, "", 0 },
	{ V1_LINE, "/process_api/e14c/heapward-web/worker-0-b", false, false, "", 0 },
	{ V1_LINE, "", false, false, "", 0 },
	{ V2_LINE, "/heapward/w", true, false, "/heapward/w", 120 },
	{ V2_LINE, "/heapward", true, false, "/heapward/w", 120 },
	{ HOST_LINE, "/heapward/w", true, true, "", 121 },
	{ HOST_LINE, "/other", false, false, "", 0 },
	/* a group below the worker's, named by the worker; a task that calls itself ",pid=1,uid=0" */
	{ "6,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/w/a,task=b,"
	  "task_memcg=/w/a,task=b,task=x,pid=7,uid=0\n", "/w", true, false, "/w/a,task=b", 7 },
	{ "6,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/w,"
	  "task_memcg=/w,task=,pid=1,uid=0,pid=7,uid=0\n", "/w", true, false, "/w", 7 },
	/* a program that writes such a line to the log itself: its facility is not the kernel's */
	{ "14,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/w,task_memcg=/w,task=x,pid=7,uid=0\n", "/w", false,
	  false, "", 0 },
	{ "12,1,1,-;x oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/w,task_memcg=/w,task=x,pid=7,uid=0\n", "/w", false,
	  false, "", 0 },
	{ V1_KILLED, V1_GROUP, false, false, "", 0 },
	{ "6,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/w,task_memcg=/w", "/w", false, false, "", 0 },
	{ "6,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/w,task_memcg=/w,task=x,pid=99999999999999999999,uid=0\n",
	  "/w", true, false, "/w", 0 },
	{ "no semicolon", "/w", false, false, "", 0 },
	{ "", "/w", false, false, "", 0 },
};

static void a_record_is_believed_only_for_our_own_group(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kernel_oom oom = { .readable = true };
		bool changed = kernel_oom_feed(&oom, rows[i].record, rows[i].group);
		if (changed != rows[i].found || oom.found != rows[i].found || oom.host != rows[i].host ||
		    oom.pid != rows[i].pid || strcmp(oom.memcg, rows[i].memcg) != 0 || !oom.readable)
			fail_msg("row %zu: found %d host %d memcg \"%s\" pid %d", i, oom.found, oom.host, oom.memcg, oom.pid);
	}
}

static void the_killed_line_of_the_same_pid_replaces_the_text(void **state UNUSED)
{
	struct kernel_oom oom = { .found = false };
	assert_true(kernel_oom_feed(&oom, V1_LINE, V1_GROUP));
	assert_contains(oom.line, "oom-kill:constraint=CONSTRAINT_MEMCG");
	assert_true(kernel_oom_feed(&oom, V1_KILLED, V1_GROUP));
	assert_contains(oom.line, "anon-rss:32512kB");
	assert_null(strchr(oom.line, '\n'));
	assert_false(kernel_oom_feed(&oom, "3,1,1,-;Memory cgroup out of memory: Killed process 1 (x) a\n", V1_GROUP));
	assert_int_equal(oom.pid, 14618);
}

static void the_last_victim_counts(void **state UNUSED)
{
	struct kernel_oom oom = { .found = false };
	assert_true(kernel_oom_feed(&oom, V2_LINE, "/heapward/w"));
	assert_true(kernel_oom_feed(&oom, HOST_LINE, "/heapward/w"));
	assert_int_equal(oom.pid, 121);
	assert_true(oom.host);
}

static void a_path_longer_than_ours_is_cut(void **state UNUSED)
{
	struct kernel_oom oom = { .found = false };
	char record[4096], big[2000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	snprintf(record, sizeof(record), "6,1,1,-;oom-kill:constraint=C,oom_memcg=/%s,task_memcg=/w,task=x,pid=7,uid=0\n", big);
	assert_true(kernel_oom_feed(&oom, record, "/w"));
	assert_int_equal(strlen(oom.memcg), sizeof(oom.memcg) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_believed_only_for_our_own_group),
		cmocka_unit_test(the_killed_line_of_the_same_pid_replaces_the_text),
		cmocka_unit_test(the_last_victim_counts),
		cmocka_unit_test(a_path_longer_than_ours_is_cut),
	};
	return cmocka_run_group_tests_name("kernel_oom", tests, NULL, NULL);
}
