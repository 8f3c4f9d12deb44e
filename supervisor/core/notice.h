/* SPDX-License-Identifier: Apache-2.0 */
/* notice: one event line, as text for people and as a JSON object a line for scripts. */
#ifndef SUPERVISOR_CORE_NOTICE_H
#define SUPERVISOR_CORE_NOTICE_H

#include "supervisor/types/notice.h"

/* "heapward: web: message\n", control bytes replaced; returns the length, cut at size - 1 but ending in "\n". */
size_t notice_text(const struct notice *notice, char *buffer, size_t size);

/* {"ts":...,"event":...,"service":...,"instance":...,"pid":...,"message":...,fields...}\n; malloc'ed. */
char *notice_json(const struct notice *notice);

/* RFC 3339 UTC with milliseconds: "2026-11-23T21:16:00.123Z". */
const char *notice_time(char buffer[static 32], int64_t realtime_usec);

/* A kept event line as `logs` prints it: "2026-11-24T00:41:07.123Z start: ...". malloc'ed; NULL where it is no event of
 * ours or memory is out. */
char *notice_line_text(const char *json, size_t length);

#endif
