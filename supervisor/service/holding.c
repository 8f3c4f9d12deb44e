/* SPDX-License-Identifier: Apache-2.0 */
/* holding: the service's held sockets, and what a replacement behind them asks of the world: is there room for a second
 * worker, has the first one drained. decide() asks, events answer. */
#include "supervisor/core/listen_address.h"
#include "supervisor/core/plan.h"
#include "supervisor/edge/host_probe.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>

/* Each time that a UNIX socket is made it has another inode. What the keeper was not told of is left where we are killed, and
 * the next start takes it over. */
static void tell_keeper(struct service *service)
{
	struct failure ignored;
	for (size_t i = 0; i < service->sockets.count; i++) {
		const struct listen_socket *socket = &service->sockets.list[i];
		if (socket->path_ino != 0 && service->keeper.pid > 0)
			(void)keeper_own_socket(&service->keeper, i, socket->path_dev, socket->path_ino, &ignored);
	}
}

int holding_start(struct service *service, struct failure *why)
{
	const struct policy *policy = service->setup->policy;
	bool own = policy->sandbox.user != NULL;
	if (listen_sockets_make(&service->sockets, &policy->service.listen, own ? service->user.uid : UINT32_MAX,
				own ? service->user.gid : UINT32_MAX, why) < 0)
		return -1;
	tell_keeper(service);
	return 0;
}

bool holding_may_become(const struct service *service, const struct policy *policy)
{
	return listen_addresses_are_equal(&service->setup->policy->service.listen, &policy->service.listen);
}

size_t holding_records(const struct service *service, struct records_listen ret[static LISTEN_MAX])
{
	if (plan_hands_over_listen_fds(service->setup->plan))
		return 0;
	for (size_t i = 0; i < service->sockets.count; i++)
		ret[i] = (struct records_listen){ .fd = service->sockets.list[i].fd,
						  .name = service->sockets.list[i].address.text };
	return service->sockets.count;
}

int holding_listen(struct service *service, struct failure *why)
{
	bool was_listening = service->sockets.listening;
	if (listen_sockets_listen(&service->sockets, why) < 0)
		return -1;
	if (!was_listening)
		tell_keeper(service);
	return 0;
}

void holding_check_room(struct service *service, uint32_t instance)
{
	const struct worker_run *serving = service_run_serving(service, instance);
	const struct service_setup *setup = service->next_setup != NULL ? service->next_setup : service->setup;
	struct event event = { .slot_event = SLOT_EVENT_SPARE_ROOM, .instance = instance };
	host_probe_memory(setup->host);
	cgroup_tree_describe(&service->tree, setup->host);
	service->no_room[0] = '\0';
	if (serving != NULL && serving->has_records && serving->records.foreign[0] != '\0')
		snprintf(service->no_room, sizeof(service->no_room), "worker also listens on %s, not in service.listen",
			 serving->records.foreign);
	else if (plan_spare_fits(setup->plan, setup->host, service->no_room, sizeof(service->no_room)))
		service->no_room[0] = '\0';
	if (service->no_room[0] != '\0')
		event = (struct event){ .slot_event = SLOT_EVENT_SPARE_NO_ROOM, .instance = instance,
					.text = service->no_room };
	service_push(service, event);
}

void holding_drain(struct worker_run *run)
{
	if (!run->has_records || records_send_drain(&run->records, run->service->sockets.last_call) == 0)
		service_push_worker(run->service, WORKER_EVENT_DRAINED, run);
}

bool holding_can_serve(const struct worker_run *run)
{
	const struct service *service = run->service;
	return service->sockets.count == 0 || run->agent_loaded || plan_hands_over_listen_fds(service->setup->plan);
}
