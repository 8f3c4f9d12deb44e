/* SPDX-License-Identifier: Apache-2.0 */
/* state_internal: what the files of the state_dir module share. */
#ifndef SUPERVISOR_EDGE_STATE_INTERNAL_H
#define SUPERVISOR_EDGE_STATE_INTERNAL_H

#include "supervisor/edge/state_dir.h"

/* openat of what is ours, O_NOFOLLOW | O_CLOEXEC, 0600 where it is made. What our own user has been shut out of by its mode is opened to
 * him again: a worker of the same user can do that (chmod 000), which no wall covers. -1 with errno. */
int state_open_own(int directory_fd, const char *path, int flags);

/* Opens one of our directories, O_NOFOLLOW, ours or root's, writable by nobody else; `make` makes it 0700 first. */
int state_open_directory(const char *path, bool make, struct failure *why);

/* Says on disk that what is kept is in use (`how` LOCK_SH) or is about to be removed (LOCK_EX): the lock is on a file in it that only our
 * user can open, for whoever opens the directory could lock that. Its descriptor, or -1: held the other way. */
int state_hold(int state_fd, int how, struct failure *why);

/* Opens deaths and events of a taken directory and finds the next death's number. */
int state_files_open(struct state_dir *dir, struct failure *why);

/* Reads a whole file of ours, at most `max` bytes; malloc'ed and terminated. */
int state_read_file(int directory_fd, const char *name, size_t max, char **ret, struct failure *why);

/* Numbers of the deaths kept in `directory_fd`, ascending; returns how many (the newest STATE_DEATHS_SEEN_MAX). */
#define STATE_DEATHS_SEEN_MAX 256
size_t state_death_numbers(int directory_fd, uint64_t ret[static STATE_DEATHS_SEEN_MAX]);
#define STATE_DEATH_NAME_MAX 32
void state_death_name(uint64_t number, char name[static STATE_DEATH_NAME_MAX]);

#endif
