/* SPDX-License-Identifier: Apache-2.0 */
/* node_model: see node_model.h. */
#include "supervisor/core/node_model.h"

#include <string.h>

struct generation {
	int from_major;
	uint64_t semi_default_mib;
	uint64_t semi_minimum_mib;
	uint64_t old_to_semi;       /* semi-space is old space divided by this, up to a power of two */
	uint64_t big_machine_bytes; /* from here on old space may reach 4 GiB instead of 2 */
};

static const struct generation *generation_of(int major)
{
	static const struct generation generations[] = {
		{ 0, 16, 1, 128, 15872 * MIB },
		{ 22, 16, 1, 128, 15 * GIB },
		{ 24, 64, 1, 32, 15 * GIB },
		{ 26, 32, 2, 64, 15 * GIB },
	};
	size_t at = ARRAY_LEN(generations) - 1;
	while (at > 0 && major < generations[at].from_major)
		at--;
	return &generations[at];
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t node_semi_space_default(int major)
{
	return generation_of(major)->semi_default_mib * MIB;
}

uint64_t node_semi_space_effective(uint64_t wanted_bytes)
{
	uint64_t bytes = MIB;
	while (bytes < wanted_bytes && bytes < 1024 * GIB)
		bytes *= 2;
	return bytes;
}

static uint64_t topmost_limit(const struct host *host)
{
	for (size_t i = host->level_count; i > 0; i--) {
		if (host->levels[i - 1].path[0] != '(')
			return host->levels[i - 1].max_bytes;
	}
	return SIZE_NONE;
}

uint64_t node_memory_seen(int major, const struct host *host, const struct host_level *leaf)
{
	uint64_t limit = SIZE_NONE;
	if (major != 0 && major < 20)
		limit = host->cgroup_version == CGROUP_V2 ? SIZE_NONE : topmost_limit(host);
	else if (leaf != NULL)
		limit = smaller(leaf->max_bytes, leaf->high_bytes);
	/* SIZE_NONE and SIZE_UNKNOWN are the two largest numbers: the other one wins. */
	return smaller(host->mem_total_bytes, limit);
}

uint64_t node_old_space_alone(int major, uint64_t memory_bytes)
{
	uint64_t most = memory_bytes >= generation_of(major)->big_machine_bytes ? 4 * GIB : 2 * GIB;
	uint64_t half = memory_bytes / 2 / MIB * MIB;
	if (memory_bytes >= SIZE_UNKNOWN)
		return SIZE_UNKNOWN;
	return half < 256 * MIB ? 256 * MIB : smaller(half, most);
}

uint64_t node_semi_space_alone(int major, uint64_t memory_bytes)
{
	const struct generation *generation = generation_of(major);
	uint64_t old = smaller(memory_bytes / 2, 4 * GIB), wanted = old / generation->old_to_semi;
	/* Up to 26 the smallest old space counts as a low-memory device, with the smallest semi-space. */
	if (generation->semi_minimum_mib == 1 && memory_bytes <= 512 * MIB)
		return MIB;
	if (wanted < generation->semi_minimum_mib * MIB)
		wanted = generation->semi_minimum_mib * MIB;
	return smaller(node_semi_space_effective(wanted), generation->semi_default_mib * MIB);
}
