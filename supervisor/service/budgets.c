/* SPDX-License-Identifier: Apache-2.0 */
/* budgets: deaths, forgiveness and back-off step on disk, so that being killed is no way to a new restart budget, and
 * what an operator or a healthy time has forgiven stays so. */
#include "supervisor/core/budget.h"
#include "supervisor/core/budget_text.h"
#include "supervisor/service/internal.h"

#include <stdio.h>

static void look_at_clocks(struct budget_clock *ret)
{
	*ret = (struct budget_clock){ .usec = loop_now_usec(), .realtime_usec = loop_now_realtime_usec() };
	state_boot_id(ret->boot, sizeof(ret->boot));
}

/* On disk there is one: being killed is no way out of the longest. */
static uint32_t highest_step(const struct service_state *state)
{
	uint32_t step = 0;
	for (uint32_t i = 0; i < state->slot_count; i++)
		step = state->slots[i].backoff_step > step ? state->slots[i].backoff_step : step;
	return step;
}

static struct budget_mark mark_of(const struct service_state *state)
{
	const struct budget *budget = &state->budget;
	return (struct budget_mark){ .newest = budget->first + budget->count, .count = budget->count,
				     .counting = budget_used(budget, loop_now_usec(), INT64_MAX),
				     .backoff_step = highest_step(state) };
}

static void write_budget(struct service *service)
{
	struct failure ignored; /* that a death is not kept either has been said */
	struct budget_clock now;
	look_at_clocks(&now);
	cleanup_free char *text = budget_text(&service->state.budget, highest_step(&service->state), &now);
	if (text != NULL)
		(void)state_dir_write_budget(&service->dir, text, &ignored);
}

void budgets_note(struct service *service)
{
	struct budget_mark mark = mark_of(&service->state), *kept = &service->budget_kept;
	if (mark.newest == kept->newest && mark.count == kept->count && mark.counting == kept->counting &&
	    mark.backoff_step == kept->backoff_step)
		return;
	*kept = mark;
	if (mark.count > 0 || mark.backoff_step > 0)
		write_budget(service);
	else
		state_dir_forget_budget(&service->dir);
}

void budgets_restore(struct service *service)
{
	cleanup_free char *text = state_dir_read_budget(&service->dir);
	struct service_state *state = &service->state;
	struct budget_clock now;
	uint32_t step = 0;
	if (text == NULL)
		return;
	look_at_clocks(&now);
	budget_parse(text, &now, &state->budget, &step);
	for (uint32_t i = 0; i < state->slot_count; i++)
		state->slots[i].backoff_step = step;
	service->budget_kept = mark_of(state);
	uint32_t deaths = service->budget_kept.counting;
	if (deaths > 0)
		tell_warning(service, "the supervisor before this one did not end in order: %u death%s of its restart budget "
			     "count on", deaths, deaths == 1 ? "" : "s");
}
