/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_log: what a process writes into the kernel's log is not the kernel's word. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "supervisor/edge/kernel_log.h"
#include "supervisor/core/kernel_oom.h"

#define GROUP "/heapward-unit-kernel-log"
#define LINE \
	"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=" GROUP \
	",task=heapward,pid=121,uid=0"

static void a_line_that_a_process_wrote_is_passed_over(void **state UNUSED)
{
	/* Not by kernel_log_open: in a cgroup namespace it does not believe the paths, and opens nothing. */
	struct kernel_log log = { .fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	struct kernel_oom oom = { .found = false };
	static const char written[] = "<6>" LINE "\n";
	cleanup_fd int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (log.fd >= 0 && fd >= 0) {
		assert_true(lseek(log.fd, 0, SEEK_END) >= 0);
		assert_int_equal(write(fd, written, sizeof(written) - 1), sizeof(written) - 1);
	}
	kernel_log_read(&log, GROUP, &oom);
	assert_false(oom.found);
	kernel_log_close(&log);
	kernel_log_close(&log);
	assert_true(kernel_oom_feed(&oom, "6,1,1,-;" LINE "\n", GROUP)); /* such a line of the kernel's would have been one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_a_process_wrote_is_passed_over),
	};
	return cmocka_run_group_tests_name("kernel_log", tests, NULL, NULL);
}
