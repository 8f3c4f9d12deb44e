/* SPDX-License-Identifier: Apache-2.0 */
/* policy_starter: the commented policy that `init` prints, and the documents made of the key table: the JSON Schema and
 * the keys' part of the manual page. Pure. */
#ifndef SUPERVISOR_CORE_POLICY_STARTER_H
#define SUPERVISOR_CORE_POLICY_STARTER_H

#include "supervisor/types/host.h"
#include "supervisor/types/policy.h"

/* A policy for this command on this machine: name, command and memory.max set, every other key as a comment with its
 * default. malloc'ed, NULL only where memory is out. */
char *policy_starter(const char *name, char *const *command, const struct host *host);

/* The memory.max that it proposes: a quarter of what this machine or the smallest limit above has, from 256 MiB to
 * 2 GiB, in steps of 64 MiB. */
uint64_t policy_starter_memory_max(const struct host *host);

/* JSON Schema (draft 2020-12) of a policy file, indented. malloc'ed. */
char *policy_schema(void);

/* The keys for the manual page, in scdoc's language. malloc'ed. */
char *policy_manual(void);

#endif
