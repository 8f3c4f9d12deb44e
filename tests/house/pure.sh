#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house:pure. Every symbol that an object of a pure archive leaves undefined must be defined in the archives of its row
# or above, or stand on the allow-list with a reason. `open`, `clock_gettime` or `write` in core fails here by name.
# usage: pure.sh ALLOW-LIST ARCHIVE [ARCHIVE-ABOVE]...
set -eu

allow=$1
archive=$2
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# `nm -A` prefixes each symbol with "archive:object:", so a rule can name the objects that it is for.
nm -A --undefined-only "$archive" >"$work/wanted"
nm --defined-only --extern-only "$@" | awk 'NF == 3 { print $3 }' >"$work/defined"

awk -v archive="$(basename "$archive")" '
  function pattern(glob) { # of the shell, "*" only
    gsub(/\./, "[.]", glob)
    gsub(/\*/, ".*", glob)
    return "^(" glob ")$"
  }
  FILENAME == ARGV[1] { if ($0 !~ /^#/ && NF) { rule[++rules] = pattern($1); objects[rules] = $2 } next }
  FILENAME == ARGV[2] { defined[$1] = 1; next }
  {
    symbol = $NF
    split($1, part, ":")
    object = part[2]
    sub(/^.*\//, "", object) # a thin archive names its objects by path
    if (symbol in defined) next
    for (i = 1; i <= rules; i++)
      if (symbol ~ rule[i]) {
        count = split(objects[i], list, ",")
        for (j = 1; j <= count; j++)
          if (object ~ pattern(list[j])) next
      }
    printf "house:pure: %s: %s wants %s, which is not on the allow-list\n", archive, object, symbol
    bad++
  }
  END {
    if (bad) exit 1
    printf "house:pure: %s is pure\n", archive
  }' "$allow" "$work/defined" "$work/wanted"
