#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house:texts. What the program prints of itself fits 80 columns, and what it tells people to write is right.
# usage: texts.sh HEAPWARD POLICIES
set -eu

heapward=$1
policies=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# complain WORDS...
complain()
{
  echo "house:texts: $*"
  touch "$work/bad"
}

# narrow NAME: nothing in $work/shown is wider than 80 columns
narrow()
{
  [ -s "$work/shown" ] || complain "$1 prints nothing"
  awk -v name="$1" 'length > 80 { printf "house:texts: %s: %d columns: %s\n", name, length, $0; bad = 1 } END { exit bad }' \
    "$work/shown" || touch "$work/bad"
}

"$heapward" --help >"$work/shown"
narrow --help
commands=$(awk '/^  [a-z]/ { print $1 }' "$work/shown")
[ "$(echo "$commands" | wc -w)" -ge 16 ] || complain "--help lists too few commands: $commands"
for command in $commands; do
  "$heapward" "$command" --help >"$work/shown" || complain "$command --help fails"
  head -1 "$work/shown" | grep -q "^Usage: heapward $command" || complain "$command --help does not begin with its usage"
  narrow "$command --help"
done

# What init prints is a policy without an error, in 80 columns unless the command is longer.
"$heapward" init -- node server.js >"$work/shown"
narrow init
cp "$work/shown" "$work/starter.yaml"
"$heapward" check "$work/starter.yaml" >"$work/checked" || { cat "$work/checked"; complain "init prints no policy"; }

# A list is checked as one, by its name.
for list in "$policies"/syscalls/*.list; do
  "$heapward" check "$list" >"$work/checked" 2>&1 || { cat "$work/checked"; complain "$list is no list"; }
done
printf 'include server\nmuont\n' >"$work/my.list"
if "$heapward" check "$work/my.list" >"$work/checked" 2>&1; then complain "an unknown call is no error"; fi
grep -q 'my.list:2:1: error: unknown system call "muont"; did you mean "mount"?' "$work/checked" ||
  { cat "$work/checked"; complain "check does not say what is wrong in a list"; }

if "$heapward" statsu 2>"$work/shown"; then complain "an unknown command succeeds"; fi
grep -q 'did you mean "status"?' "$work/shown" || complain "a mistyped command is not suggested"
[ ! -e "$work/bad" ]
