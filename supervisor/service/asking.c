/* SPDX-License-Identifier: Apache-2.0 */
/* asking: a worker may have the user that owns its service, and so may connect to the control socket: where a client stands
 * is looked at before it changes anything. */
#include "supervisor/core/asker.h"
#include "supervisor/edge/process_place.h"
#include "supervisor/service/internal.h"

static void add_workers(const struct service *service, struct asker_workers *workers)
{
	workers->have_groups = service->has_groups;
	for (size_t i = 0; i < service->run_count; i++) {
		const struct worker_run *run = &service->runs[i];
		if (run->id == 0 || run->child.pid <= 0)
			continue;
		assert(workers->session_count < ASKER_SESSIONS_MAX);
		workers->sessions[workers->session_count++] = run->child.pid;
		workers->have_groups = workers->have_groups && run->has_group;
	}
}

bool asking_may_change(struct control_socket *socket, const struct control_peer *peer, char *why, size_t size)
{
	char own[PLACE_CGROUPS_MAX];
	struct process_place place;
	struct asker_workers workers = { .supervisor_pid = getpid(), .supervisor_cgroups = own };
	if (peer->uid == 0 && geteuid() != 0)
		return true; /* no worker of an ordinary user becomes root, and root needs no socket */
	process_place_cgroups(getpid(), own);
	add_workers(socket->owner, &workers);
	process_place(peer->pid, &place);
	place.ended = !control_peer_lives(peer); /* asked last: until here the number was the peer's */
	return asker_may_change(&place, &workers, why, size);
}
