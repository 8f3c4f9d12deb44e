/* SPDX-License-Identifier: Apache-2.0 */
/* results: one line a death, in a file (E2E_RESULTS, else results.tsv beside the program) from which tools/test makes its
 * last table and tools/verdicts docs/verdicts.md. */
#ifndef TESTS_E2E_RESULTS_H
#define TESTS_E2E_RESULTS_H

#include "tests/e2e/see.h"

/* What was run, and what had to come out. */
struct result {
	const char *verdict;
	const char *kind;     /* "node" or "c-worker" */
	const char *wrapping; /* "direct" */
	const char *way;
};

/* `judged` has "certain" and "evidence". */
void result_keep(const struct result *result, struct json_object *judged, bool held);

/* Of the `node` in PATH: "v20.20.2". */
const char *node_version(void);

/* Whose limit it was is certain where the kernel counts it (v2), or where its log can be read. */
bool kernel_tells(void);

#endif
