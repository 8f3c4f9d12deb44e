/* SPDX-License-Identifier: Apache-2.0 */
/* setting_internal: one `heapward set` under way, which setting.c and setting_save.c share. */
#ifndef SUPERVISOR_SERVICE_SETTING_INTERNAL_H
#define SUPERVISOR_SERVICE_SETTING_INTERNAL_H

#include "supervisor/core/relimit.h"
#include "supervisor/edge/policy_files.h"
#include "supervisor/service/internal.h"

#include <stdio.h>

/* What a setup becomes; `setup` is NULL where there is none. */
struct setting_of {
	struct service_setup *setup;
	struct policy policy; /* its texts are the setup's */
	struct plan plan;
	struct relimit relimit;
};

struct setting {
	struct relimit_wish wish;
	bool save;
	struct setting_of now, next;
	struct relimit_figures figures;
	char cannot[320];
	char refusal[600];
	struct policy_drop_in drop_in;
	char *drop_in_before; /* its text before; NULL: there was none */
};

/* Says why not; always -1. */
int setting_refuse(struct setting *setting, const char *format, ...) PRINTF_LIKE(2, 3);

/* Where it is asked for: writes the drop-in and reads the policy back as the next start would. -1, with nothing changed,
 * where that would not have what is set. */
int setting_save(struct service *service, struct setting *setting);
void setting_save_undo(struct setting *setting); /* puts the drop-in back as it was */
void setting_save_finish(struct setting *setting);

#endif
