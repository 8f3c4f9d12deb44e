/* SPDX-License-Identifier: Apache-2.0 */
/* prose: a growing text of wrapped lines, 80 columns wide, in which nothing that a stranger wrote can move the cursor.
 * What `explain`, `why` and `status NAME` print. Pure. */
#ifndef SUPERVISOR_CORE_PROSE_H
#define SUPERVISOR_CORE_PROSE_H

#include "base/base.h"

#define PROSE_COLUMNS 80
#define PROSE_LABEL_COLUMNS 10 /* of a label and the space behind it */

/* Zeroed is its beginning. Once memory is out it stays as it is, and prose_take says so. */
struct prose {
	char *bytes;
	size_t length, capacity;
	bool failed;
};

/* One paragraph of a list: indented, its later lines more. Wraps between words; a number stays with its unit
 * ("512 MiB"), a longer word is cut hard. Control bytes become '?'. */
void prose_item(struct prose *prose, const char *format, ...) PRINTF_LIKE(2, 3);

/* "memory    148 MiB of 512 MiB": a label, then a paragraph beside it. A label of "" continues the one above. */
void prose_field(struct prose *prose, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same in one line, however long: a path to be copied. */
void prose_whole(struct prose *prose, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);

/* Adds the text as it is: no wrapping, nothing replaced; for texts of our own. */
void prose_raw(struct prose *prose, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line of its own, with an empty line before it unless it is the first. */
void prose_title(struct prose *prose, const char *title);

/* A paragraph from the first column on, wrapped as an item is, with an empty line before it unless it is the first. */
void prose_paragraph(struct prose *prose, const char *format, ...) PRINTF_LIKE(2, 3);

/* The malloc'ed text, the caller's to free; NULL where memory was out. The prose is empty afterwards. */
char *prose_take(struct prose *prose);

#endif
