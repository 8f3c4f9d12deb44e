/* SPDX-License-Identifier: Apache-2.0 */
/* replace: the rules of a replacement, in the order in which the slot table comes to them. Only core/slot_table.c. */
#ifndef SUPERVISOR_CORE_REPLACE_H
#define SUPERVISOR_CORE_REPLACE_H

#include "supervisor/core/decide_internal.h"

/* RUNNING: it begins. Is there room for a second worker, or does the first one have to leave before? */
rule replace_on_request, replace_near_limit, replace_stuck;

/* REPLACING: room or none; the spare becomes ready, or dies before it is; and what an operator wants meanwhile. */
rule replace_launch_spare, replace_no_room;
rule replace_not_later; /* the worker that waits for its turn is nearer to its limit than that */
rule replace_take_over, replace_give_up, replace_next_attempt;
rule replace_once_more, replace_without_delay;

/* REPLACED: the relieved worker has left; and what is wanted of the new one before that. */
rule replace_done;
rule replace_afterwards, replace_hurry, replace_stuck_afterwards;

/* RUNNING: the worker that came after one that had to leave first is ready, or one of no replacement at all. */
rule replace_current_ready;

#endif
