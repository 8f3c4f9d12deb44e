/* SPDX-License-Identifier: Apache-2.0 */
/* A supervisor that is killed without a word: within two seconds nothing of its service is left. The supervisor here is
 * a dummy that makes the real groups and starts the real keeper. */
#include "tests/unit/cgroup_unit.h"
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/keeper.h"
#include "supervisor/edge/listen_socket.h"
#include "supervisor/edge/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* What the dummy tells the test, in one write, once all is running. */
struct report {
	struct cgroup_tree tree;
	pid_t keeper, session;
};

struct fixture {
	char directory[64]; /* its runtime directory */
	int keeper_fd;      /* the program */
	char own_leaf[600]; /* v2, delegated: where the test moved to make room */
	char stage[600];    /* v2, delegated: the dummy's own group */
	bool holds;         /* the dummy holds sockets */
};

static int directory_of(const struct fixture *fixture)
{
	int fd = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void write_text(const char *directory, const char *name, const char *text)
{
	char path[700];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail_msg("write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

/* A delegated group must hold nobody but the supervisor: the test makes one for the dummy beside its own leaf. */
static void make_stage(struct fixture *fixture)
{
	struct cgroup_tree tree;
	struct failure why;
	assert_ok(cgroup_tree_find(&tree, GROUPS_TOP, &why));
	assert_string_equal(tree.problem, "");
	if (!tree.needs_leaf)
		return;
	snprintf(fixture->own_leaf, sizeof(fixture->own_leaf), "%s/heapward-test-leaf", tree.hierarchies[0].own);
	snprintf(fixture->stage, sizeof(fixture->stage), "%s/heapward-test-stage", tree.hierarchies[0].own);
	assert_int_equal(mkdir(fixture->own_leaf, 0755), 0);
	assert_int_equal(mkdir(fixture->stage, 0755), 0);
	write_text(fixture->own_leaf, "cgroup.procs", "0");
	write_text(tree.hierarchies[0].own, "cgroup.subtree_control", "+memory +pids");
}

static void remove_stage(struct fixture *fixture)
{
	char *slash = strrchr(fixture->own_leaf, '/');
	if (slash == NULL)
		return;
	rmdir(fixture->stage);
	*slash = '\0';
	write_text(fixture->own_leaf, "cgroup.subtree_control", "-memory -pids");
	write_text(fixture->own_leaf, "cgroup.procs", "0");
	*slash = '/';
	rmdir(fixture->own_leaf);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	char program[300];
	fixture = (struct fixture){ .directory = "/tmp/heapward-keeper-XXXXXX" };
	(void)unit_group(); /* before there are children */
	assert_non_null(mkdtemp(fixture.directory));
	program_beside("../../child/keeper/heapward-keeper", program, sizeof(program));
	fixture.keeper_fd = open(program, O_PATH | O_CLOEXEC);
	assert_true(fixture.keeper_fd >= 0);
	make_stage(&fixture);
	/* What the dummy leaves behind comes to us, so that nothing of it outlives a failed test unseen. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	remove_stage(fixture);
	close(fixture->keeper_fd);
	return rmdir(fixture->directory);
}

static void run_a_session(void)
{
	setsid();
	close_range(3, ~0U, 0); /* as exec would: the keeper's pipe must not live on in a worker */
	fork();
	fork();
	for (;;)
		pause();
}

static void make_file(int directory_fd, const char *name)
{
	int fd = openat(directory_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* A path in the fixture's directory. */
static const char *path_of(const struct fixture *fixture, const char *name, char path[static LISTEN_PATH_MAX])
{
	snprintf(path, LISTEN_PATH_MAX, "%.63s/%.32s", fixture->directory, name);
	return path;
}

static bool is_there(const struct fixture *fixture, const char *name)
{
	char path[LISTEN_PATH_MAX];
	return access(path_of(fixture, name, path), F_OK) == 0;
}

/* Paths in the job, and what the keeper is told that we have made there: one that the dummy holds, as do the processes it forks
 * from here on, and things that are not its own. */
static const struct {
	const char *name;
	size_t index;
} held[] = { { "held", 0 }, { "another's", 3 }, { "replaced", 4 }, { "file", LISTEN_MAX - 1 } };

static void hold_sockets(struct keeper_job *job, const struct fixture *fixture)
{
	static struct listen_sockets sockets;
	struct listen_addresses list = { .count = 1 };
	struct failure why;
	list.list[0].kind = LISTEN_UNIX;
	path_of(fixture, "held", list.list[0].path);
	assert_ok(listen_sockets_make(&sockets, &list, UINT32_MAX, UINT32_MAX, &why));
	assert_ok(listen_sockets_listen(&sockets, &why));
	listen_addresses_keeper_job(&list, job);
	for (size_t i = 1; i < ARRAY_LEN(held); i++)
		path_of(fixture, held[i].name, job->sockets[held[i].index].path);
}

static void tell_of_sockets(struct keeper *keeper, const struct fixture *fixture)
{
	for (size_t i = 0; i < ARRAY_LEN(held); i++) {
		struct stat status;
		struct failure why;
		char path[LISTEN_PATH_MAX];
		assert_int_equal(stat(path_of(fixture, held[i].name, path), &status), 0);
		bool replaced = strcmp(held[i].name, "replaced") == 0; /* by one that nobody listens on */
		assert_ok(keeper_own_socket(keeper, held[i].index, status.st_dev, status.st_ino + (replaced ? 1 : 0), &why));
	}
}

/* The job as the service layer fills it. */
static void fill_job(struct keeper_job *job, const struct fixture *fixture, const struct cgroup_service *service)
{
	keeper_job_init(job);
	if (service != NULL)
		cgroup_service_keeper_job(service, job);
	job->runtime_fd = directory_of(fixture);
	make_file(job->runtime_fd, "control");
	make_file(job->runtime_fd, "lock");
	job->lock_fd = openat(job->runtime_fd, "lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(job->lock_fd, LOCK_EX | LOCK_NB), 0);
	snprintf(job->files[0], sizeof(job->files[0]), "control");
	snprintf(job->files[1], sizeof(job->files[1]), "lock");
}

static void make_worker(const struct cgroup_service *service, const char *leaf)
{
	const struct cgroup_limits limits = { 64 * MIB, SIZE_NONE, 0, UINT32_MAX, UINT32_MAX };
	struct failure why;
	struct cgroup group;
	assert_ok(cgroup_make(&group, service, leaf, &limits, &why));
	run_in_group(&group, run_a_family);
	/* As a worker that is root could: a group below its own. */
	for (size_t i = 0; i < service->tree->hierarchy_count; i++)
		if (group.directory_fd[i] >= 0)
			mkdirat(group.directory_fd[i], "below", 0755);
}

/* The dummy supervisor: workers are made after the keeper has started. */
static void be_a_supervisor(const struct fixture *fixture, int report_fd, bool with_groups)
{
	struct report report;
	struct cgroup_service service;
	struct keeper_job job;
	struct keeper keeper;
	struct failure why;
	memset(&report, 0, sizeof(report));
	if (fixture->stage[0] != '\0')
		write_text(fixture->stage, "cgroup.procs", "0");
	assert_ok(cgroup_tree_find(&report.tree, GROUPS_TOP, &why));
	if (with_groups)
		assert_ok(cgroup_service_make(&service, &report.tree, unit_service(), &why));
	fill_job(&job, fixture, with_groups ? &service : NULL);
	if (fixture->holds)
		hold_sockets(&job, fixture);
	assert_ok(keeper_start(&keeper, fixture->keeper_fd, &job, &why));
	report.keeper = keeper.pid;
	if (fixture->holds)
		tell_of_sockets(&keeper, fixture);
	if (with_groups) {
		make_worker(&service, "worker-0-a");
		make_worker(&service, "worker-0-b");
		assert_int_equal(kill(keeper.pid, SIGTERM), 0); /* it must not care */
		assert_int_equal(kill(keeper.pid, SIGHUP), 0);
	} else {
		report.session = fork();
		if (report.session == 0)
			run_a_session();
		assert_ok(keeper_add_session(&keeper, getpgid(0) + 1000000, &why));
		assert_ok(keeper_drop_session(&keeper, getpgid(0) + 1000000, &why));
		assert_ok(keeper_add_session(&keeper, report.session, &why));
	}
	sleep_msec(100);
	assert_int_equal(write(report_fd, &report, sizeof(report)), sizeof(report));
	for (;;)
		pause();
}

static pid_t start_supervisor(const struct fixture *fixture, bool with_groups, struct report *ret)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion here must not go on with the parent's tests */
		be_a_supervisor(fixture, ends[1], with_groups);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], ret, sizeof(*ret)), sizeof(*ret));
	close(ends[0]);
	return pid;
}

/* Reaps what comes to us until no child is left; false where one still lives after two seconds. */
static bool all_end_within_two_seconds(void)
{
	for (int64_t until = now_msec() + 2000; now_msec() < until; sleep_msec(5)) {
		pid_t pid;
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return true;
	}
	return false;
}

static void assert_files_are_gone(const struct fixture *fixture)
{
	int fd = directory_of(fixture);
	assert_int_equal(faccessat(fd, "control", F_OK, 0), -1);
	assert_int_equal(faccessat(fd, "lock", F_OK, 0), -1);
	close(fd);
}

static void a_killed_supervisor_leaves_no_directory_and_no_process(void **state)
{
	const struct fixture *fixture = *state;
	struct report report;
	pid_t supervisor = start_supervisor(fixture, true, &report);
	assert_true(any_directory(&report.tree, unit_group()));
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_true(all_end_within_two_seconds());
	assert_false(any_directory(&report.tree, unit_group()));
	if (report.tree.owns_base)
		assert_int_equal(access(report.tree.hierarchies[0].base, F_OK), -1);
	assert_files_are_gone(fixture);
}

static void without_groups_the_session_dies(void **state)
{
	const struct fixture *fixture = *state;
	struct report report;
	pid_t supervisor = start_supervisor(fixture, false, &report);
	assert_int_equal(session_signal(&report.session, 1, 0), 4);
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_true(all_end_within_two_seconds());
	assert_int_equal(session_signal(&report.session, 1, 0), 0);
	assert_files_are_gone(fixture);
}

static int listen_at(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(name.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void paths_of_held_sockets_go_with_it_and_those_of_others_stay(void **state)
{
	struct fixture fixture = **(struct fixture **)state;
	struct report report;
	char another[LISTEN_PATH_MAX], replaced[LISTEN_PATH_MAX], file[LISTEN_PATH_MAX];
	int another_fd = listen_at(path_of(&fixture, "another's", another));
	close(listen_at(path_of(&fixture, "replaced", replaced)));
	close(open(path_of(&fixture, "file", file), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	fixture.holds = true;
	pid_t supervisor = start_supervisor(&fixture, false, &report);
	assert_true(is_there(&fixture, "held"));
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_true(all_end_within_two_seconds());
	assert_false(is_there(&fixture, "held"));
	assert_true(is_there(&fixture, "another's") && is_there(&fixture, "replaced") && is_there(&fixture, "file"));
	close(another_fd);
	unlink(another);
	unlink(replaced);
	unlink(file);
	assert_files_are_gone(&fixture);
}

static void the_keeper_has_only_its_own_descriptors_and_session(void **state)
{
	const struct fixture *fixture = *state;
	struct report report;
	char path[64];
	pid_t supervisor = start_supervisor(fixture, true, &report);
	assert_int_equal(getsid(report.keeper), report.keeper);
	for (int fd = 0; fd < 300 && geteuid() == 0; fd++) { /* it is not dumpable: only root may look */
		struct stat there;
		/* /dev/null three times, the pipe, a BASE in each hierarchy, runtime directory, lock */
		bool expected = fd < 4 + (int)report.tree.hierarchy_count + 2;
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)report.keeper, fd);
		assert_int_equal(lstat(path, &there) == 0, expected);
	}
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	assert_true(all_end_within_two_seconds());
}

static bool is_locked(const struct fixture *fixture)
{
	int directory_fd = directory_of(fixture);
	int fd = openat(directory_fd, "lock", O_RDWR | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
	close(fd);
	close(directory_fd);
	return locked;
}

static void a_dismissed_keeper_leaves_at_once_and_touches_nothing(void **state)
{
	const struct fixture *fixture = *state;
	struct keeper_job job;
	struct keeper keeper;
	struct failure why;
	fill_job(&job, fixture, NULL);
	assert_ok(keeper_start(&keeper, fixture->keeper_fd, &job, &why));
	close(job.lock_fd);
	assert_true(is_locked(fixture)); /* the name stays taken as long as the keeper lives */
	int64_t before = now_msec();
	keeper_finish(&keeper);
	assert_true(now_msec() - before < 1000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_false(is_locked(fixture));
	assert_int_equal(unlinkat(job.runtime_fd, "control", 0), 0);
	assert_int_equal(unlinkat(job.runtime_fd, "lock", 0), 0);
	close(job.runtime_fd);
	keeper_finish(&keeper);
}

static void a_dead_keeper_is_noticed(void **state)
{
	const struct fixture *fixture = *state;
	struct keeper_job job;
	struct keeper keeper;
	struct failure why;
	keeper_job_init(&job);
	assert_ok(keeper_start(&keeper, fixture->keeper_fd, &job, &why));
	struct pollfd end = { .fd = keeper.pid_fd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, 0), 0);
	assert_int_equal(kill(keeper.pid, SIGKILL), 0);
	assert_int_equal(poll(&end, 1, 2000), 1);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(keeper_add_session(&keeper, 12345, &why), -1);
	assert_contains(why.text, "tell the keeper: Broken pipe");
	keeper_finish(&keeper);
}

static void a_keeper_that_cannot_run_is_a_failure(void **state UNUSED)
{
	struct keeper_job job;
	struct keeper keeper;
	struct failure why;
	keeper_job_init(&job);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(keeper_start(&keeper, fd, &job, &why), -1);
	assert_string_equal(why.text, "start the keeper: exec heapward-keeper: Permission denied");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(fd);
}

static void a_session_is_read_behind_any_name(void **state UNUSED)
{
	static const struct {
		const char *text;
		int32_t session;
	} rows[] = {
		{ "12 (node) S 1 12 12 0 -1", 12 },
		{ "12 (a) Z 7 8 9) R 1 2 34 0", 34 },
		{ "12 (a b)) D 1 2 34 0", 34 },
		{ "12 (node) Z 1 12 12 0", 0 },
		{ "12 (node) X 1 12 12 0", 0 },
		{ "12 (node) S 1 12", 0 },
		{ "12 (node)", 0 },
		{ "12 (node) S", 0 },
		{ "", 0 },
		{ "12 node S 1 2 3", 0 },
		{ "12 (node) S 1 2 -3 0", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (session_of_stat(rows[i].text) != rows[i].session)
			fail_msg("\"%s\": %d", rows[i].text, session_of_stat(rows[i].text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_supervisor_leaves_no_directory_and_no_process),
		cmocka_unit_test(without_groups_the_session_dies),
		cmocka_unit_test(paths_of_held_sockets_go_with_it_and_those_of_others_stay),
		cmocka_unit_test(the_keeper_has_only_its_own_descriptors_and_session),
		cmocka_unit_test(a_dismissed_keeper_leaves_at_once_and_touches_nothing),
		cmocka_unit_test(a_dead_keeper_is_noticed),
		cmocka_unit_test(a_keeper_that_cannot_run_is_a_failure),
		cmocka_unit_test(a_session_is_read_behind_any_name),
	};
	return cmocka_run_group_tests_name("keeper", tests, set_up, tear_down);
}
