#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house:sizes. No file over 500 lines, no C function over 60, and a median function under 15.
# usage: sizes.sh ROOT
set -eu

cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find . \( -name .git -o -name 'build*' -o -name node_modules \) -prune -o -type f \
  \( -name '*.c' -o -name '*.h' -o -name '*.sh' -o -name '*.js' -o -name '*.cjs' -o -path './tools/*' \) -print |
  sed 's,^\./,,' | sort >"$work/files"
[ -s "$work/files" ] || { echo "house:sizes: nothing to look at"; exit 1; }
xargs wc -l <"$work/files" | awk '$2 != "total" && $1 > 500 {
  printf "house:sizes: %s has %d lines, more than 500\n", $2, $1; bad = 1 } END { exit bad }' || touch "$work/bad"

# The end of a function is what only Universal Ctags tells ("end:" behind "line:").
grep '\.c$' "$work/files" | ctags --languages=C --kinds-C=f --fields=ne --fields-C= -f - -L - >"$work/tags" 2>"$work/log" ||
  { cat "$work/log"; exit 1; }
awk -F'\t' '/^!/ { next } {
  from = to = 0
  for (i = 4; i <= NF; i++) {
    if ($i ~ /^line:/) from = substr($i, 6)
    if ($i ~ /^end:/) to = substr($i, 5)
  }
  if (from && to) printf "%d %s %s\n", to - from + 1, $1, $2
}' "$work/tags" | sort -n >"$work/functions"
awk '
  { lines[NR] = $1 }
  $1 > 60 { printf "house:sizes: %s in %s has %d lines, more than 60\n", $2, $3, $1; bad = 1 }
  END {
    if (!NR) { print "house:sizes: ctags found no function"; exit 1 }
    median = lines[int((NR + 1) / 2)]
    printf "house:sizes: %d functions, median %d lines, longest %d\n", NR, median, lines[NR]
    if (median >= 15) { print "house:sizes: the median function must be under 15 lines"; bad = 1 }
    exit bad
  }' "$work/functions" || touch "$work/bad"
[ ! -e "$work/bad" ]
