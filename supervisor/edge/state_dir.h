/* SPDX-License-Identifier: Apache-2.0 */
/* state_dir: where a service lives on disk: the runtime directory (lock, control socket) and the state directory
 * (deaths, events, figures of earlier runs). Root: /run/heapward and /var/lib/heapward; else below $XDG_RUNTIME_DIR and
 * $XDG_STATE_HOME. Ownership is checked after opening; every file is 0600 and written whole or not at all. */
#ifndef SUPERVISOR_EDGE_STATE_DIR_H
#define SUPERVISOR_EDGE_STATE_DIR_H

#include "base/failure.h"
#include "supervisor/types/keeper.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/raise.h"

#define STATE_DIR_PATH_MAX 512
#define STATE_DEATHS_MAX 50                 /* deaths kept for a service */
#define STATE_DEATHS_BYTES_MAX (8 * 1024 * 1024)
#define STATE_EVENTS_BYTES_MAX (1024 * 1024) /* of events.jsonl, before it becomes events.1.jsonl */
#define STATE_SERVICES_MAX 256
#define STATE_START_MAX_USEC (3600 * USEC_PER_SEC) /* no start can have taken longer: ready.within */

/* Our roots, with the environment of this process: *_root such as "/run/heapward". "" where there is none. */
struct state_roots {
	char runtime[STATE_DIR_PATH_MAX], state[STATE_DIR_PATH_MAX];
};
void state_roots_find(struct state_roots *ret);

struct state_dir {
	char name[POLICY_NAME_MAX];
	char runtime_path[STATE_DIR_PATH_MAX]; /* of the service, "/run/heapward/web" */
	char state_path[STATE_DIR_PATH_MAX];
	int runtime_fd, state_fd;              /* -1: not writable; then kept in memory, problem says so */
	int lock_fd, held_fd;
	int events_fd;
	uint64_t events_bytes;
	uint64_t next_death;
	char problem[256];                     /* one line where the state directory cannot be used */
};

/* Takes the name. Fails where another supervisor holds it (naming its pid) or the runtime directory cannot be made. */
int state_dir_take_name(struct state_dir *ret, const struct state_roots *roots, const char *name, struct failure *why);

/* Opens what is kept on disk, of a name that was taken; where it cannot be, that is dir->problem. */
void state_dir_open_state(struct state_dir *dir, const struct state_roots *roots);

/* Both. */
int state_dir_take(struct state_dir *ret, const struct state_roots *roots, const char *name, struct failure *why);

/* Adds what the keeper must unlink, and the lock that it holds until all is gone. Descriptors stay ours. */
void state_dir_keeper_job(const struct state_dir *dir, struct keeper_job *job);

void state_dir_release(struct state_dir *dir); /* removes socket and lock, keeps deaths and events */

/* Keeps one death (JSON text) as deaths/NNNNNN.json, atomically, and removes the oldest beyond the bounds. */
int state_dir_keep_death(struct state_dir *dir, uint64_t number, const char *json, struct failure *why);

/* Appends one event line (with its newline); rotates at STATE_EVENTS_BYTES_MAX. */
int state_dir_append_event(struct state_dir *dir, const char *line, size_t length, struct failure *why);

/* Figures of earlier runs ("figures": peak bytes, runs, buffers, start-up time). SIZE_UNKNOWN and 0 where there are none. */
struct state_figures {
	uint64_t peak_bytes;
	uint32_t peak_runs;
	uint64_t buffers_bytes;
	int64_t start_usec; /* of the last starts, the longest; 0: none known */
};
void state_dir_read_figures(const struct state_roots *roots, const char *name, struct state_figures *ret);
int state_dir_write_figures(struct state_dir *dir, const struct state_figures *figures, struct failure *why);

/* Raised limits; none where there is no record, or none of ours. */
void state_dir_read_raises(const struct state_roots *roots, const char *name, struct raises *ret);
int state_dir_write_raises(struct state_dir *dir, const struct raises *raises, struct failure *why);

/* The real paths of what a service is set up by, one a line: for the walls around the workers of others. Written where they are not what is
 * kept already; malloc'ed, NULL where there are none. */
int state_dir_write_settings(const struct state_dir *dir, const char *paths, struct failure *why);
char *state_read_settings(const struct state_roots *roots, const char *name);

/* Which boot of this machine this is; "" where it cannot be read. */
void state_boot_id(char *text, size_t size);

/* The deaths of the restart budget, as core/budget_text.c writes them: kept at each change, read by a supervisor whose
 * forerunner was killed (NULL where there are none), forgotten at an orderly end. malloc'ed. */
char *state_dir_read_budget(const struct state_dir *dir);
int state_dir_write_budget(struct state_dir *dir, const char *text, struct failure *why);
void state_dir_forget_budget(struct state_dir *dir);

/* The breadcrumb of a run under memory pressure: written whole, but not synced, for a killed process loses nothing. */
int state_dir_write_breadcrumb(struct state_dir *dir, const char *json, struct failure *why);
char *state_dir_read_breadcrumb(const struct state_dir *dir);
void state_dir_forget_breadcrumb(struct state_dir *dir);

/* True where what is kept on disk is part of the file system of "/": in a container it goes with the container. */
bool state_dir_goes_with_root(const struct state_dir *dir);

/* For the commands, with no supervisor alive: names of services seen on disk or running (sorted), and a death's text. */
struct state_service {
	char name[POLICY_NAME_MAX];
	bool running; /* its lock is held */
	int32_t pid;  /* of the holder */
};
size_t state_list(const struct state_roots *roots, struct state_service ret[static STATE_SERVICES_MAX]);

/* The same of one name; not running where it is unknown. */
void state_look(const struct state_roots *roots, const char *name, struct state_service *ret);

/* Removes all that is kept on disk of a service that does not run. Fails where it runs, or nothing is kept. */
int state_forget(const struct state_roots *roots, const char *name, struct failure *why);

/* The event lines of a service: the file that is written now, or the one before it. Fails where there is none. */
int state_open_events(const struct state_roots *roots, const char *name, bool older, struct failure *why);

/* The n-th last death (1: the last) as malloc'ed text. */
int state_read_death(const struct state_roots *roots, const char *name, unsigned nth_last, char **ret_json,
		     struct failure *why);
/* The name of the service whose death is the latest of all here. */
int state_latest_death(const struct state_roots *roots, char ret_name[static POLICY_NAME_MAX], struct failure *why);

#endif
