/* SPDX-License-Identifier: Apache-2.0 */
/* keys: prints what is made of the key table: `keys schema` the JSON Schema, `keys manual` the manual page's keys. */
#include "supervisor/core/policy_starter.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 2 || (strcmp(argv[1], "schema") != 0 && strcmp(argv[1], "manual") != 0)) {
		fputs("Usage: keys schema|manual\n", stderr);
		return 2;
	}
	char *text = strcmp(argv[1], "schema") == 0 ? policy_schema() : policy_manual();
	if (text == NULL)
		return 1;
	fputs(text, stdout);
	free(text);
	return 0;
}
