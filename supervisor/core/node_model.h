/* SPDX-License-Identifier: Apache-2.0 */
/* node_model: what a Node of a given major does by itself with the memory it sees, as measured on 18.20, 20.20, 22.23,
 * 24.21 and 26.10 in cgroups from 96 MiB to 20 GiB (tests/unit/test_node_model.c has the table). Majors that nobody
 * measured are taken for the nearest one below. Pure. */
#ifndef SUPERVISOR_CORE_NODE_MODEL_H
#define SUPERVISOR_CORE_NODE_MODEL_H

#include "supervisor/types/host.h"

/* Default largest semi-space on a large machine; 16 MiB where the major is 0 (unknown). */
uint64_t node_semi_space_default(int major);

/* The semi-space V8 makes of a wish: the next power of two, 1 MiB at least. V8's heap_size_limit is old space + 3 times
 * this. */
uint64_t node_semi_space_effective(uint64_t wanted_bytes);

/* Bytes of memory that Node sees: all of the machine, or the limit of its own cgroup (never an ancestor's). `leaf`
 * NULL: no limit. 18 does not read the group's limit, but in v1 it does read the limit of the topmost visible group. */
uint64_t node_memory_seen(int major, const struct host *host, const struct host_level *leaf);

/* Old space and semi-space without any flag on a machine of that much memory. */
uint64_t node_old_space_alone(int major, uint64_t memory_bytes);
uint64_t node_semi_space_alone(int major, uint64_t memory_bytes);

#endif
