#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house:selftest. A house test that cannot fail holds nothing: each is shown a house with faults and must name them all.
# usage: selftest.sh SOURCE-DIR BAD-ARCHIVE
set -eu

house=$1/tests/house
bad_archive=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# must_name LABEL WORD...: the last command failed, and its output has every word.
must_name() {
  label=$1
  shift
  [ "$status" -ne 0 ] || { echo "selftest: $label passed a house with faults"; exit 1; }
  for word; do
    grep -q -- "$word" "$work/out" || { echo "selftest: $label did not name \"$word\":"; cat "$work/out"; exit 1; }
  done
  echo "selftest: $label fails where it should"
}

status=0
"$house/pure.sh" "$house/pure.allow" "$bad_archive" >"$work/out" 2>&1 || status=$?
must_name pure 'wants open' 'wants clock_gettime' 'wants write' 'wants getenv'

echo '# Verdicts: 900 of 900' >"$work/page"
status=0
"$house/verdicts.sh" "$1" "$work/page" >"$work/out" 2>&1 || status=$?
must_name 'verdicts (old)' 'run tools/verdicts'
# shellcheck disable=SC2016 # the page is Markdown
printf '# Verdicts: 899 of 900\n- Verdict code `%s`\n' "$("$1/tools/verdicts" --code)" >"$work/page"
status=0
"$house/verdicts.sh" "$1" "$work/page" >"$work/out" 2>&1 || status=$?
must_name 'verdicts (failed)' '899 of 900'

tree=$work/layers
mkdir -p "$tree/base" "$tree/include/heapward" "$tree/supervisor/types" "$tree/supervisor/core" "$tree/supervisor/wire" \
  "$tree/supervisor/edge" "$tree/supervisor/service" "$tree/child/confine" "$tree/child/agent"
for file in base/base.h include/heapward/record.h supervisor/types/plan.h supervisor/core/plan.h supervisor/wire/launch.h \
  supervisor/edge/loop.h supervisor/edge/cgroup.h supervisor/edge/cgroup_internal.h supervisor/service/service.h \
  child/agent/agent.h; do
  : >"$tree/$file"
done
includes() {
  file=$1
  shift
  for header; do echo "#include \"$header\""; done >"$tree/$file"
}
includes supervisor/core/plan.c supervisor/core/plan.h supervisor/types/plan.h base/base.h
includes supervisor/edge/cgroup_v1.c supervisor/edge/cgroup.h supervisor/edge/cgroup_internal.h supervisor/edge/loop.h
includes child/confine/steps.c supervisor/wire/launch.h heapward/record.h
"$house/layers.sh" "$tree" >"$work/out" || { echo "selftest: layers refuses a good house:"; cat "$work/out"; exit 1; }
includes base/up.c supervisor/types/plan.h
includes supervisor/core/reads.c supervisor/edge/loop.h
includes supervisor/core/sideways.c supervisor/wire/launch.h
includes supervisor/edge/output.c supervisor/edge/cgroup.h
includes supervisor/edge/spy.c supervisor/service/service.h
includes child/confine/judge.c supervisor/core/plan.h
includes child/confine/peek.c child/agent/agent.h
includes supervisor/core/lost.c plan.h
status=0
"$house/layers.sh" "$tree" >"$work/out" 2>&1 || status=$?
must_name layers base/up.c supervisor/core/reads.c supervisor/core/sideways.c supervisor/edge/output.c \
  supervisor/edge/spy.c child/confine/judge.c child/confine/peek.c 'lost.c:1: "plan.h" is no path'

tree=$work/sizes
mkdir -p "$tree"
awk 'BEGIN { for (i = 0; i < 501; i++) print "" }' >"$tree/long_file.h"
awk 'BEGIN { print "void giant(void)\n{"; for (i = 0; i < 58; i++) print "\t;"; print "}" }' >"$tree/giant.c"
status=0
"$house/sizes.sh" "$tree" >"$work/out" 2>&1 || status=$?
must_name sizes 'long_file.h has 501 lines' 'giant in giant.c has 61 lines' 'median function must be under 15'
