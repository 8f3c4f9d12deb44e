/* SPDX-License-Identifier: Apache-2.0 */
/* listen_folder: the folder that a UNIX socket is made in. Root makes sockets where a service's user may have its files: it
 * must not be led elsewhere by a link, nor share the folder with somebody who could put another socket in its place. */
#ifndef SUPERVISOR_EDGE_LISTEN_FOLDER_H
#define SUPERVISOR_EDGE_LISTEN_FOLDER_H

#include "base/failure.h"

/* Opens the folder of the absolute `path` (O_PATH). As root, below a folder that others can change no link is followed, and the
 * folder itself may be changed by root and by `owner_uid`, `owner_gid` (UINT32_MAX: root's) only, or is sticky. The failure
 * reads on behind the address: "its folder can be written by everybody; chmod o-w it". *ret_stays: the path goes on leading there,
 * for only root, or only we ourselves, could change that. */
int listen_folder_open(const char *path, uint32_t owner_uid, uint32_t owner_gid, bool *ret_stays, struct failure *why);

#endif
