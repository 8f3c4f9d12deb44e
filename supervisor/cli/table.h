/* SPDX-License-Identifier: Apache-2.0 */
/* table: services as a table, one a line, by libsmartcols. */
#ifndef SUPERVISOR_CLI_TABLE_H
#define SUPERVISOR_CLI_TABLE_H

#include "base/base.h"

/* Prints the JSON documents of services as a table of `fields` ("name,state"; NULL: the usual ones, with a head).
 * Returns the exit status. */
int table_print(const char *fields, char *const *documents, size_t count);

/* 0, or EXIT_USAGE where a name among `fields` is unknown, which is said with all names there are. */
int table_fields_check(const char *fields);

/* "Fields: name state ..." */
void table_fields_print(void);

#endif
