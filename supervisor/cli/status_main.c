/* SPDX-License-Identifier: Apache-2.0 */
/* status_main: `heapward status` as a program of its own, so that what draws tables is not part of the supervisor. */
#include "supervisor/cli/cli.h"

#include <locale.h>

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, ""); /* not LC_ALL: the decimal point of our JSON is a point */
	return cli_status(argc, argv);
}
