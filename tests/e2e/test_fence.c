/* SPDX-License-Identifier: Apache-2.0 */
/* test_fence: the walls around a worker: each act is denied by default and seen to succeed without them; what honest programs do
 * goes on; strict.yaml serves; what is required and missing refuses the start. Also as an ordinary user. */
#include "tests/e2e/load.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_root(void)
{
	return geteuid() == 0;
}

/* Where the supervisor keeps its own. */
static const char *state_root(struct world *world)
{
	return is_root() ? "/var/lib/heapward" : world_path(world, ".local/state/heapward");
}

static const char *runtime_root(struct world *world)
{
	return is_root() ? "/run/heapward" : world_path(world, "heapward");
}

/* Acts of a worker's shell. $STATE, $RUN, $NAME, $POLICY and $SUPERVISOR say where things are. */
struct act {
	const char *name, *script;
	bool root_only; /* an ordinary user cannot do it anyway */
	long abi;       /* of Landlock, from which on it is denied; 0: by other walls too */
};

static long landlock_abi(void)
{
	return syscall(444, NULL, (size_t)0, 1);
}

static const struct act hostile[] = {
	{ "writes /etc", "touch /etc/heapward-fence && rm /etc/heapward-fence", true, 0 },
	{ "writes /usr", "touch /usr/bin/heapward-fence && rm /usr/bin/heapward-fence", true, 0 },
	{ "changes a program", "cp -p /usr/bin/env $T && cat $T >/usr/bin/env", true, 0 },
	{ "sets the kernel", "cat /proc/sys/kernel/panic >/proc/sys/kernel/panic", true, 0 },
	{ "adds a key of root", "mkdir -p /root/.ssh && touch /root/.ssh/heapward-fence && rm /root/.ssh/heapward-fence", true, 0 },
	{ "writes the kernel log", "exec 3>/dev/kmsg", true, 0 },
	{ "makes a group", "g=$(find /sys/fs/cgroup -type d -name \"heapward-$NAME\" | head -n 1) && mkdir $g/more && rmdir $g/more", false, 0 },
	{ "leaves its group", "g=$(find /sys/fs/cgroup -type d -name \"heapward-$NAME\" | head -n 1) && exec 3>$g/cgroup.procs", false, 0 },
	{ "raises its limit", "f=$(find /sys/fs/cgroup -path '*worker-*' \\( -name memory.max -o -name memory.limit_in_bytes \\) |"
			      " grep \"heapward-$NAME\" | head -n 1) && exec 3>$f", false, 0 },
	{ "writes events", "exec 3>>$STATE/$NAME/events.jsonl", false, 0 },
	{ "makes a death", "touch $STATE/$NAME/deaths/999999.json && rm $STATE/$NAME/deaths/999999.json", false, 0 },
	{ "makes a state", "mkdir $STATE/other && rmdir $STATE/other", false, 0 },
	{ "moves the state", "mv $STATE $STATE.x && mv $STATE.x $STATE", false, 0 },
	{ "takes the socket away", "mv $RUN/$NAME/control $RUN/$NAME/x && mv $RUN/$NAME/x $RUN/$NAME/control", false, 0 },
	{ "writes the lock", "exec 3>>$RUN/$NAME/lock", false, 0 },
	{ "writes the policy", "echo '#' >>$POLICY.yaml", false, 0 },
	{ "changes the policy", "mv $POLICY.yaml $POLICY.x && mv $POLICY.x $POLICY.yaml", false, 0 },
	{ "moves the folder of its policy", "d=$(dirname $POLICY) && mv $d $d.x && mv $d.x $d", false, 0 },
	{ "adds to the policy", "mkdir -p $POLICY.policy.d && touch $POLICY.policy.d/z.yaml && rm $POLICY.policy.d/z.yaml", false, 0 },
	{ "says how it wants to die", "echo 900 >/proc/self/oom_score_adj", false, 0 },
	{ "says how others die", "echo 900 >/proc/$(sh -c 'echo $PPID')/oom_score_adj", false, 0 },
	{ "makes a file in /", "touch /heapward-fence && rm /heapward-fence", true, 0 },
	{ "makes a file in /root", "touch /root/heapward-fence && rm /root/heapward-fence", true, 0 },
	{ "opens the console", "exec 3>/dev/console", true, 0 },
	{ "writes its list", "exec 3>>$POLICY.list", false, 0 },
	{ "writes an included list", "exec 3>>$POLICY-more.list", false, 0 },
	{ "adds to our programs", "touch $TREE/child/confine/x && rm $TREE/child/confine/x", true, 0 },
	{ "changes one of our programs", "exec 3>>$TREE/supervisor/cli/heapward-status", true, 0 },
	{ "writes a shipped list", "exec 3>>$TREE/policies/syscalls/server.list", true, 0 },
	{ "signals the supervisor", "kill -0 $SUPERVISOR", false, 6 },
};

/* Of root's walls, which are mounts: nothing to be seen either. */
static const struct act hidden[] = {
	{ "reads events", "cat $STATE/$NAME/events.jsonl >/dev/null", true, 0 },
	{ "lists services", "ls $RUN >/dev/null", true, 0 },
	{ "finds the control socket", "test -S $RUN/$NAME/control", true, 0 },
	{ "touches heapward itself", "touch -cr $TREE/supervisor/cli/heapward $TREE/supervisor/cli/heapward", true, 0 },
};

/* Of an ordinary user: what would run without walls with his next login. Directories are there first, or cannot be made. */
static const struct act of_home[] = {
	{ "starts with the next shell", "exec 3>>$HOME/.bashrc", false, 0 },
	{ "starts with the next login", "exec 3>>$HOME/.profile", false, 0 },
	{ "adds a key", "mkdir -p $HOME/.ssh && exec 3>>$HOME/.ssh/authorized_keys", false, 0 },
	{ "makes a unit", "mkdir -p $HOME/.config/systemd/user && exec 3>>$HOME/.config/systemd/user/x.service", false, 0 },
	{ "starts with the next session", "mkdir -p $HOME/.config/autostart && exec 3>>$HOME/.config/autostart/x.desktop", false, 0 },
	{ "changes what is opened by what", "mkdir -p $HOME/.local/share/applications", false, 0 },
	{ "says what git runs", "exec 3>>$HOME/.gitconfig", false, 0 },
};

static const struct act at_home[] = {
	{ "keeps a cache", "mkdir -p $HOME/.cache/x && touch $HOME/.cache/x/y", false, 0 },
	{ "keeps settings", "mkdir -p $HOME/.config/configstore && touch $HOME/.config/configstore/x", false, 0 },
	{ "keeps packages", "mkdir -p $HOME/.local/share/pnpm/store && mkdir -p $HOME/.yarn/berry", false, 0 },
	{ "keeps what it had", "mkdir -p $HOME/.config/mine && touch $HOME/.config/mine/x", false, 0 },
};

static const struct act honest[] = {
	{ "writes its directory", "echo x >here && mkdir d && mv here d/ && ln d/here d/there && rm -r d", false, 0 },
	{ "writes /tmp", "f=$(mktemp) && rm $f", false, 0 },
	{ "moves from /tmp", "f=$(mktemp -d) && touch $f/a && mv $f/a moved && rm -r moved $f", false, 0 },
	{ "reads the system", "cat /etc/passwd /usr/bin/env >/dev/null && ls / /etc >/dev/null", false, 0 },
	{ "reads its limit", "cat /proc/self/cgroup /proc/meminfo >/dev/null && ls /sys/fs/cgroup >/dev/null", false, 0 },
	{ "uses devices", "echo x >/dev/null && head -c 1 /dev/urandom >/dev/null && touch /dev/shm/x.$$ && rm /dev/shm/x.$$", false, 0 },
	{ "ends a child", "sleep 100 & kill $!", false, 0 },
	{ "looks for processes", "test $(ls -d /proc/[0-9]* | wc -l) -gt 2 && ps -A >/dev/null", false, 0 },
	{ "has a home", "mkdir -p $HOME/.npm && touch $HOME/.npm/x", false, 0 },
	{ "has a terminal of its own", "script -qec true /dev/null </dev/null >/dev/null", false, 0 },
	{ "runs node", "test $(node -p 6*7) = 42", false, 0 },
	{ "runs npm", "npm --version >/dev/null", false, 0 },
};

/* A directory for the worker, and its policy outside of it where an ordinary user's could not be kept from the worker. */
static void make_places(struct world *world, const char *sandbox)
{
	assert_int_equal(mkdir(world_path(world, "app"), 0755), 0);
	world_write(world, is_root() ? "app/web.yaml" : "policies/web.yaml",
		    "version: 1\nservice: {name: %s}\nrestart: {when: never}\n%s\n", world->name, sandbox);
	world_write(world, is_root() ? "app/web.list" : "policies/web.list", "include server\ninclude ./web-more.list\n");
	world_write(world, is_root() ? "app/web-more.list" : "policies/web-more.list", "read\n");
}

static const char *policy_stem(struct world *world)
{
	return world_path(world, is_root() ? "app/web" : "policies/web");
}

static void add_acts(struct world *world, char **script, const struct act *acts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_root() || !acts[i].root_only)
			*script = world_print(world, "%s( %s ) 2>>why && echo 'done: %s.' || echo 'denied: %s.'\n", *script,
					      acts[i].script, acts[i].name, acts[i].name);
}

/* What the worker of this policy says of all acts; heapward itself is started behind these words. */
static const char *says_of_acts(struct world *world, const char *sandbox, const char *const *before)
{
	const char *words[WORDS_MAX];
	size_t count = 0;
	make_places(world, sandbox);
	char *tree = world_print(world, "%s", heapward_path());
	*strstr(tree, "/supervisor/cli/heapward") = '\0';
	char *script = world_print(world, "SUPERVISOR=$PPID STATE=%s RUN=%s NAME=%s POLICY=%s TREE=%s T=$(mktemp)\n", state_root(world),
				   runtime_root(world), world->name, policy_stem(world), tree);
	add_acts(world, &script, hostile, ARRAY_LEN(hostile));
	add_acts(world, &script, hidden, ARRAY_LEN(hidden));
	add_acts(world, &script, honest, ARRAY_LEN(honest));
	if (!is_root()) {
		world_write(world, ".config/mine/x", "\n");
		world_write(world, ".bashrc", "\n");
		add_acts(world, &script, of_home, ARRAY_LEN(of_home));
		add_acts(world, &script, at_home, ARRAY_LEN(at_home));
	}
	world_write(world, "app/acts.sh", "%srm -f $T", script);
	const char *run_words[] = { heapward_path(), "run", "-n", world->name, "-p", world_print(world, "%s.yaml", policy_stem(world)),
				    "--set", world_print(world, "service.directory=%s/app", world->directory), "--set",
				    world_print(world, "sandbox.syscalls=%s.list", policy_stem(world)), "--", "sh", "acts.sh", NULL };
	for (; before != NULL && *before != NULL; before++)
		words[count++] = *before;
	memcpy(&words[count], run_words, sizeof(run_words));
	struct program *run = run_start_by(world, words);
	assert_int_equal(program_finish(world, run, 60), 0);
	return program_out(world, run);
}

static void assert_acts(struct world *world, const char *said, const struct act *acts, size_t count, const char *wanted)
{
	for (size_t i = 0; i < count; i++)
		if ((is_root() || !acts[i].root_only) && acts[i].abi <= landlock_abi() && strstr(said, world_print(world, "%s: %s.", wanted, acts[i].name)) == NULL)
			fail_msg("not %s: %s; the worker said\n%s", wanted, acts[i].name, said);
}

static void by_default_hostile_acts_are_denied_and_honest_ones_go_on(void **state)
{
	struct world *world = *state;
	const char *said = says_of_acts(world, "", NULL);
	assert_acts(world, said, hostile, ARRAY_LEN(hostile), "denied");
	assert_acts(world, said, hidden, ARRAY_LEN(hidden), "denied");
	assert_acts(world, said, honest, ARRAY_LEN(honest), "done");
	if (!is_root()) {
		assert_acts(world, said, of_home, ARRAY_LEN(of_home), "denied");
		assert_acts(world, said, at_home, ARRAY_LEN(at_home), "done");
	}
}

/* Else what is denied above might be denied by something else. */
static void without_walls_the_same_acts_succeed(void **state)
{
	struct world *world = *state;
	const char *said = says_of_acts(world, "sandbox: {protect_system: none}", NULL);
	assert_acts(world, said, hostile, ARRAY_LEN(hostile), "done");
	assert_acts(world, said, hidden, ARRAY_LEN(hidden), "done");
	assert_acts(world, said, honest, ARRAY_LEN(honest), "done");
	if (!is_root()) {
		assert_acts(world, said, of_home, ARRAY_LEN(of_home), "done");
		assert_acts(world, said, at_home, ARRAY_LEN(at_home), "done");
	}
}

/* As root in most containers: Landlock in the place of mounts. Its policy lies in the working directory, and so open. */
static void where_root_may_not_mount_landlock_stands_in(void **state)
{
	static const char *const open[] = { "writes the policy", "changes the policy", "adds to the policy", "writes its list",
					    "writes an included list", "moves the folder of its policy" };
	const char *const no_admin[] = { "setpriv", "--bounding-set=-sys_admin", NULL };
	struct world *world = *state;
	if (!is_root())
		return; /* to whom Landlock is all there is in the tests above */
	const char *said = says_of_acts(world, "", no_admin);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		bool closed = true;
		for (size_t j = 0; j < ARRAY_LEN(open); j++)
			closed &= strcmp(hostile[i].name, open[j]) != 0;
		assert_acts(world, said, &hostile[i], 1, closed ? "denied" : "done");
	}
	assert_acts(world, said, honest, ARRAY_LEN(honest), "done");
}

/* By mounts as well, an ordinary user's policy may lie where he, and so the worker, makes files. */
static void in_a_user_namespace_hostile_acts_are_denied(void **state)
{
	struct world *world = *state;
	if (is_root())
		return; /* who has mounts without one */
	const char *said = says_of_acts(world, "sandbox: {hidden: [/etc/hostname]}", NULL);
	assert_acts(world, said, hostile, ARRAY_LEN(hostile), "denied");
}

static void without_a_policy_nothing_changes(void **state)
{
	struct world *world = *state;
	char mounts[64], network[64];
	assert_true(readlink("/proc/self/ns/mnt", mounts, sizeof(mounts) - 1) > 0);
	assert_true(readlink("/proc/self/ns/net", network, sizeof(network) - 1) > 0);
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c",
				"readlink /proc/self/ns/mnt /proc/self/ns/net && kill -0 $PPID && echo signalled", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	const char *said = program_out(world, run);
	assert_int_equal(strncmp(said, mounts, strcspn(mounts, "]")), 0);
	assert_contains(said, strtok(network, "]"));
	assert_contains(said, "signalled");
}

/* A Node server that evaluates what it is asked, and answers with what came of it. */
static const char *const *asked_server(struct world *world, int port)
{
	static const char *server[3];
	world_write(world, "server.js", "const fs = require('fs'), net = require('net');\n"
		    "const reach = (port) => new Promise((done) => net.connect(port, '127.0.0.1', () => done('reached'))"
		    ".on('error', (error) => done(error.code)));\n"
		    "require('http').createServer(async (request, response) => {\n"
		    "  let answer;\n"
		    "  try { answer = await eval(decodeURIComponent(request.url.slice(1))); } catch (error) { answer = error.code || error; }\n"
		    "  response.end(String(answer));\n}).listen(%d);\n", port);
	server[0] = "node";
	server[1] = world_path(world, "server.js");
	return server;
}

static const char *ask(struct world *world, int port, const char *expression)
{
	char *request = world_print(world, "GET /"), *answer = world_keep(world, calloc(1, 8192));
	for (const char *at = expression; *at != '\0'; at++)
		request = world_print(world, "%s%%%02x", request, (unsigned char)*at);
	request = world_print(world, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", request);
	int fd = connect_to(port);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	size_t length = 0;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	for (ssize_t count = 1; count > 0 && length < 8191; length += (size_t)(count > 0 ? count : 0)) {
		assert_int_equal(poll(&ready, 1, (int)(20000 * slowness())), 1);
		count = read(fd, answer + length, 8191 - length);
	}
	close(fd);
	const char *body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	return body + 4;
}

static void assert_answers(struct world *world, int port, const char *expression, const char *wanted)
{
	const char *answer = ask(world, port, expression);
	if (strcmp(answer, wanted) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", expression, answer, wanted);
}

static void without_a_network_the_held_socket_serves(void **state)
{
	struct world *world = *state;
	int port = free_port(), own = free_port();
	const char *target = world_print(world, "tcp:%d", port);
	/* A listener that is reached with a network, and not without: the service's own port, from within. */
	struct program *run = serve(world, target, "memory.max=320M memory.enforce=best_effort", asked_server(world, port));
	assert_answers(world, port, world_print(world, "reach(%d)", port), "reached");
	serve_stop(world, run);
	run = serve(world, target, "memory.max=320M memory.enforce=best_effort sandbox.network=none", asked_server(world, port));
	assert_answers(world, port, world_print(world, "reach(%d)", port), "ECONNREFUSED");
	assert_answers(world, port, "reach(1)", "ECONNREFUSED");
	assert_answers(world, port, world_print(world, "new Promise((done) => net.createServer().listen(%d, '127.0.0.1', () =>"
						       " reach(%d).then(done)))", own, own), "reached");
	assert_answers(world, port, "Object.keys(require('os').networkInterfaces()).join()", "lo");
	assert_contains(see_text(see_status(world), "/services/0/sandbox/network"), "none (network namespace");
	assert_true(see_number(see_status(world), "/services/0/instances/0/heap/reporters") >= 1);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 30);
	assert_answers(world, port, "6*7", "42");
	serve_stop(world, run);
}

/* The shipped policy, with a user and directory of this test's. */
static void strict_serves_and_closes_everything(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const struct passwd *nobody = getpwnam("nobody");
	if (!is_root()) {
		const char *words[] = { "-p", E2E_SOURCE_ROOT "/policies/strict.yaml", "--", "true", NULL };
		struct program *run = run_start(world, words);
		assert_int_equal(program_finish(world, run, 20), 2);
		assert_contains(program_err(world, run), "only root can change the user");
		return;
	}
	assert_int_equal(mkdir(world_path(world, "data"), 0755), 0);
	assert_int_equal(chown(world_path(world, "data"), nobody->pw_uid, nobody->pw_gid), 0);
	const char *const *server = asked_server(world, port);
	const char *words[] = { "-p", E2E_SOURCE_ROOT "/policies/strict.yaml", "--set",
				world_print(world, "service.listen=[\"tcp:%d\"]", port), "--set", "sandbox.user=nobody", "--set",
				world_print(world, "sandbox.read_write=[%s/data]", world->directory), "--", server[0], server[1],
				NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 30);
	assert_answers(world, port, "6*7", "42");
	assert_answers(world, port, world_print(world, "fs.writeFileSync('%s/data/x', 'text') || fs.readFileSync('%s/data/x')",
						world->directory, world->directory), "text");
	assert_answers(world, port, world_print(world, "fs.writeFileSync('%s/x', '')", world->directory), "EROFS");
	assert_answers(world, port, "fs.writeFileSync('/tmp/x', '') || fs.readdirSync('/tmp').join()", "x");
	assert_answers(world, port, "fs.readdirSync('/root').length", "EACCES");
	assert_answers(world, port, "fs.readdirSync('/home').length", "EACCES");
	assert_answers(world, port, "fs.existsSync('/dev/kmsg') || fs.existsSync('/dev/null')", "true");
	assert_answers(world, port, "fs.existsSync('/dev/kmsg')", "false");
	assert_answers(world, port, "fs.existsSync('/proc/1') || fs.readdirSync('/proc').filter((n) => n > 0).join() == process.pid", "true");
	assert_answers(world, port, "fs.existsSync('/proc/1')", "false");
	assert_answers(world, port, "process.getuid() + ' ' + !!process.env.HOME + ' ' + !!process.env.PATH",
		       world_print(world, "%u false true", (unsigned)nobody->pw_uid));
	assert_answers(world, port, world_print(world, "reach(%d)", port), "ECONNREFUSED");
	assert_answers(world, port, "process.kill(process.ppid, 0)", "EPERM");
	assert_answers(world, port, "require('child_process').execFileSync('sh', ['-c', 'ulimit -c']).toString().trim()", "0");
	assert_answers(world, port, "new (require('worker_threads').Worker)('', {eval: true}) && require('zlib').gzipSync('x').length > 0", "true");
	assert_answers(world, port, "process.pid", world_print(world, "%d", (int)await_worker(world, 0, 5)));
	assert_contains(see_text(see_status(world), "/services/0/sandbox/files"), "(mounts), own /tmp, own /dev, /proc of its own tree");
	assert_true(see_number(see_status(world), "/services/0/instances/0/heap/reporters") >= 1); /* the agent is reached */
	serve_stop(world, run);
}

/* What is hidden around it does not take the agent from the program that it is loaded into. */
static void an_agent_in_a_hidden_directory_is_reached(void **state)
{
	struct world *world = *state;
	int port = free_port();
	char *hidden_path = world_print(world, "%s", heapward_path());
	*strstr(hidden_path, "/supervisor/cli/heapward") = '\0';
	struct program *run = serve(world, world_print(world, "tcp:%d", port),
				    world_print(world, "memory.enforce=best_effort sandbox.hidden=[%s/child]", hidden_path),
				    asked_server(world, port));
	assert_answers(world, port, "6*7", "42");
	assert_true(see_number(see_status(world), "/services/0/instances/0/heap/reporters") >= 1);
	/* By mounts, also in a user namespace, it is not there; by Landlock it cannot be read. */
	const char *answer = ask(world, port, world_print(world, "fs.readFileSync('%s/child/confine/heapward-child').length", hidden_path));
	assert_true(strcmp(answer, "ENOENT") == 0 || strcmp(answer, "EACCES") == 0);
	serve_stop(world, run);
}

/* By then the supervisor has given up the right to make them, which only heapward-child has. */
static void after_a_reload_the_walls_are_the_same(void **state)
{
	struct world *world = *state;
	int port = free_port();
	make_places(world, "");
	const char *policy = world_print(world, "%s.yaml", policy_stem(world));
	const char *const *server = asked_server(world, port);
	const char *words[] = { "-p", policy, "--set", world_print(world, "service.listen=[\"tcp:%d\"]", port), "--set",
				"memory.enforce=best_effort", "--set", world_print(world, "service.directory=%s/app", world->directory),
				"--", server[0], server[1], NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 30);
	const char *files = see_text(see_status(world), "/services/0/sandbox/files");
	const char *act = world_print(world, "fs.mkdirSync('%s/other')", state_root(world));
	assert_answers(world, port, act, is_root() ? "EROFS" : "EACCES");
	pid_t first = await_worker(world, 0, 5);
	world_write(world, is_root() ? "app/web.yaml" : "policies/web.yaml", "version: 1\nservice: {name: %s, environment: {set: {A: b}}}\n",
		    world->name);
	heapward_says(world, 0, "reload", world->name, NULL);
	await_worker(world, first, 30);
	await_state(world, "ready", 30);
	for (int i = 0; strcmp(ask(world, port, "process.env.A"), "b") != 0; i++) {
		assert_true(i < 500);
		pause_msec(20);
	}
	assert_answers(world, port, act, is_root() ? "EROFS" : "EACCES");
	assert_string_equal(see_text(see_status(world), "/services/0/sandbox/files"), files);
	serve_stop(world, run);
}

static void what_is_required_and_missing_refuses_the_start(void **state)
{
	struct world *world = *state;
	make_places(world, "sandbox: {require: [landlock, separate-uid]}");
	const char *words[] = { "-p", world_print(world, "%s.yaml", policy_stem(world)), "--", "sh", "-c", "echo ran", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 2);
	assert_string_equal(program_out(world, run), "");
	assert_contains(program_err(world, run), "sandbox.require separate-uid (");
	assert_contains(program_err(world, run), "start heapward as root and set sandbox.user");
	assert_null(strstr(program_err(world, run), "landlock"));
}

static void the_environment_is_what_is_kept(void **state)
{
	struct world *world = *state;
	world_environment(world, "SECRET=s");
	world_environment(world, "LC_X=l");
	const char *words[] = { "--set", "restart.when=never", "--set", "service.environment.keep=[LC_*, SECRET]", "--set",
				"service.environment.drop=[SECRET]", "--set", "service.environment.set.MORE=m", "--", "sh", "-c",
				"echo ${SECRET-none} $LC_X $MORE ${HOME-none} ${PATH:+path}", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "none l m none path\n");
}

static void notify_and_listen_fds_go_on_by_default(void **state)
{
	struct world *world = *state;
	make_places(world, "ready: {when: notify}");
	const char *words[] = { "-p", world_print(world, "%s.yaml", policy_stem(world)), "--set", "heap.runtime=none", "--set",
				world_print(world, "service.listen=[\"tcp:%d\"]", free_port()), "--", "sh", "-c",
				world_print(world, "test \"$LISTEN_FDS\" = 1 && test -S /proc/self/fd/3 && %s READY=1 && exec sleep 100",
					    notify_path()), NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	serve_stop(world, run);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)
	const struct CMUnitTest tests[] = {
		T(by_default_hostile_acts_are_denied_and_honest_ones_go_on),
		T(without_walls_the_same_acts_succeed),
		T(where_root_may_not_mount_landlock_stands_in),
		T(in_a_user_namespace_hostile_acts_are_denied),
		T(without_a_policy_nothing_changes),
		T(without_a_network_the_held_socket_serves),
		T(strict_serves_and_closes_everything),
		T(an_agent_in_a_hidden_directory_is_reached),
		T(after_a_reload_the_walls_are_the_same),
		T(what_is_required_and_missing_refuses_the_start),
		T(the_environment_is_what_is_kept),
		T(notify_and_listen_fds_go_on_by_default),
	};
	return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
