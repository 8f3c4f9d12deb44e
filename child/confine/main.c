/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-child: reads the launch record, runs the steps, becomes the worker. Speaks only through the report socket:
 * one packet where a step fails, end of file where exec has happened. */
#include "child/confine/confine.h"
#include "supervisor/wire/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

int confine_report_fd = LAUNCH_REPORT_FD;

int confine_failed(struct launch_report *report, int error, const char *format, ...)
{
	va_list args;
	report->error = error;
	va_start(args, format);
	vsnprintf(report->text, sizeof(report->text), format, args);
	va_end(args);
	return -1;
}

static int read_record(struct launch *ret, struct launch_report *report)
{
	struct failure why;
	struct stat stat;
	if (fstat(LAUNCH_RECORD_FD, &stat) < 0)
		return confine_failed(report, errno, "descriptor %d", LAUNCH_RECORD_FD);
	if (stat.st_size <= 0 || stat.st_size > LAUNCH_BYTES_MAX)
		return confine_failed(report, 0, "%lld bytes", (long long)stat.st_size);
	size_t length = (size_t)stat.st_size;
	void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, LAUNCH_RECORD_FD, 0);
	if (bytes == MAP_FAILED)
		return confine_failed(report, errno, "mmap");
	int result = launch_decode(bytes, length, ret, &why);
	munmap(bytes, length);
	close(LAUNCH_RECORD_FD);
	return result < 0 ? confine_failed(report, 0, "%.190s", why.text) : 0;
}

static int run_steps(const struct launch *launch, struct launch_report *report)
{
	for (const struct confine_row *row = confine_steps; row->run != NULL; row++) {
		report->step = row->step;
		if (row->run(launch, report) < 0)
			return -1;
	}
	return 0;
}

/* Out of the way of the kept descriptors: a failed exec is told after they have taken their numbers. */
static int move_report(const struct launch *launch, struct launch_report *report)
{
	int moved = confine_duplicate(launch, LAUNCH_REPORT_FD);
	if (moved < 0)
		return confine_failed(report, errno, "report socket");
	close(LAUNCH_REPORT_FD);
	confine_report_fd = moved;
	return 0;
}

int main(void)
{
	struct launch launch = { 0 };
	struct launch_report report = { .step = LAUNCH_STEP_RECORD };
	unsigned char packet[sizeof(report)];
	/* Whatever goes wrong from here, the report socket must not reach the worker. */
	if (fcntl(LAUNCH_REPORT_FD, F_SETFD, FD_CLOEXEC) < 0)
		return CONFINE_STATUS_CANNOT_EXECUTE;
	if (read_record(&launch, &report) == 0 && move_report(&launch, &report) == 0)
		run_steps(&launch, &report);
	size_t length = launch_report_encode(&report, packet, sizeof(packet));
	(void)!send(confine_report_fd, packet, length, MSG_NOSIGNAL);
	launch_finish(&launch);
	return report.error == ENOENT ? CONFINE_STATUS_NOT_FOUND : CONFINE_STATUS_CANNOT_EXECUTE;
}
