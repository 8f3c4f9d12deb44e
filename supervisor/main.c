/* SPDX-License-Identifier: Apache-2.0 */
/* main: argv to sub-command. */
#include "supervisor/cli/cli.h"

int main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return EXIT_USAGE;
}
