/* SPDX-License-Identifier: Apache-2.0 */
/* setting_save: the drop-in that keeps what was set: what it had, and what this request names. It counts as saved only when
 * the policy, read as the next start reads it, has it. */
#include "supervisor/service/setting_internal.h"

#include "supervisor/core/plan.h"

#include <errno.h>
#include <string.h>

/* What the drop-in had, and this. What was set before without being saved stays so. */
static int gather(struct setting *setting, struct relimit_wish *ret)
{
	struct failure why;
	size_t length = 0;
	*ret = (struct relimit_wish){ 0 };
	setting->drop_in_before = policy_drop_in_read(&setting->drop_in, &length, &why);
	if (setting->drop_in_before == NULL && why.error != ENOENT)
		return setting_refuse(setting, "not saved: %s", why.text);
	if (setting->drop_in_before != NULL) {
		cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
		if (errors == NULL || relimit_drop_in_read(setting->drop_in.file, setting->drop_in_before, length, ret,
							   errors) < 0)
			return setting_refuse(setting, "not saved: %.200s: %s", setting->drop_in.file,
					      errors == NULL ? "memory is out" : errors->list[0].text);
	}
	relimit_merge(ret, &setting->wish);
	return 0;
}

/* A layer above the drop-in may win: HEAPWARD_SET, --set, -m, a drop-in that sorts behind. */
static int refuse_overridden(struct setting *setting, const struct relimit_wish *wish, const struct policy *loaded)
{
	char from[160];
	bool max = wish->has_memory_max && wish->memory_max_bytes != loaded->memory.max_bytes;
	plan_key_origin(loaded, max ? KEY_MEMORY_MAX : KEY_HEAP_OLD_SPACE, from, sizeof(from));
	return setting_refuse(setting, "not saved: %s comes from %s, which goes over a drop-in", max ? "memory.max" :
			      "heap.old_space", from);
}

/* Reads the policy as the next start would. */
static int read_back(struct service *service, struct setting *setting, const struct relimit_wish *wish)
{
	char *complaints = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&complaints, &length);
	if (stream == NULL)
		return setting_refuse(setting, "not saved: memory is out");
	struct service_setup *setup = service->setup->renew(service->setup, stream);
	fclose(stream);
	cleanup_free char *text = complaints;
	if (setup == NULL)
		return setting_refuse(setting, "not saved: the policy would not be accepted: %.*s", (int)strcspn(text, "\n"),
				      text);
	int result = relimit_holds(wish, setup->policy) ? 0 : refuse_overridden(setting, wish, setup->policy);
	setup->release(setup);
	return result;
}

int setting_save(struct service *service, struct setting *setting)
{
	struct relimit_wish wish;
	struct failure why;
	char text[RELIMIT_DROP_IN_MAX];
	const char *path = service->setup->policy_file;
	if (!setting->save)
		return 0;
	if (path[0] == '\0')
		return setting_refuse(setting, "not saved: there is no policy file to save beside (heapward run -p)");
	if (policy_drop_in_find(&setting->drop_in, path, RELIMIT_DROP_IN, &why) < 0)
		return setting_refuse(setting, "not saved: %s", why.text);
	if (gather(setting, &wish) < 0)
		return -1;
	relimit_drop_in(&wish, text);
	if (policy_drop_in_write(&setting->drop_in, text, &why) < 0)
		return setting_refuse(setting, "not saved: %s", why.text);
	if (read_back(service, setting, &wish) < 0) {
		setting_save_undo(setting);
		return -1;
	}
	relimit_saved(&setting->now.relimit, &setting->wish);
	relimit_saved(&setting->next.relimit, &setting->wish);
	return 0;
}

void setting_save_undo(struct setting *setting)
{
	struct failure ignored; /* the refusal tells more */
	if (!setting->save)
		return;
	if (setting->drop_in_before != NULL)
		(void)policy_drop_in_write(&setting->drop_in, setting->drop_in_before, &ignored);
	else
		(void)policy_drop_in_remove(&setting->drop_in, &ignored);
}

void setting_save_finish(struct setting *setting)
{
	free(setting->drop_in_before);
}
