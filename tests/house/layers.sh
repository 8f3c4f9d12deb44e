#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# house:layers. Holds every #include "..." against the rows of the dependency law: a file includes only from rows above
# its own, beside it only what the law names, and always by its path from the root. Exceptions, each with its reason, are
# in layers.allow.
# usage: layers.sh ROOT
set -eu

allow=$(cd "$(dirname "$0")" && pwd)/layers.allow
cd "$1"
here=$(pwd)
find base include supervisor child tests \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null | sort |
  xargs grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null |
  awk -v root="$here" -v allow="$allow" '
  function exists(path,   line, found) {
    found = (getline line < path) >= 0
    close(path)
    return found
  }
  function row(path) {
    if (path ~ /^base\//) return 0
    if (path ~ /^(supervisor\/types|include)\//) return 1
    if (path ~ /^supervisor\/(core|wire)\//) return 2
    if (path ~ /^tests\// || path ~ /^child\/[^\/]*\/main\.c$/ || path ~ /^supervisor\/(cli\/|main\.c$)/) return 5
    if (path ~ /^supervisor\/edge\// || path ~ /^child\//) return 3
    if (path ~ /^supervisor\/service\//) return 4
    return -1
  }
  function room(path) { sub(/\/[^\/]*$/, "", path); return path }
  function noun(path) { sub(/^.*\//, "", path); sub(/\.[ch]$/, "", path); return path }
  # An edge file knows loop.h and log.h, and headers of its own noun, the first word of a name: cgroup_file.c includes
  # cgroup.h, cgroup_internal.h and cgroup_sweep.h.
  function beside_in_edge(file, header,   f, h) {
    f = noun(file); h = noun(header)
    if (h == "loop" || h == "log") return 1
    if (h == f) return 1
    sub(/_.*/, "", f); sub(/_.*/, "", h)
    return f == h
  }
  function excepted(file, header,   i) {
    for (i = 1; i <= exceptions; i++)
      if (file ~ exception_file[i] && header == exception_header[i]) return 1
    return 0
  }
  # Of child/ only main.c (row 5) may take from edge and core; nothing there knows service or cli.
  function allowed(file, header,   from, to) {
    if (file ~ /^tests\// || excepted(file, header)) return 1
    from = row(file); to = row(header)
    if (header ~ /^tests\//) return 0
    if (file ~ /^child\// && from == 3 && header ~ /^supervisor\/(edge|service|core|cli)\//) return 0
    if (file ~ /^supervisor\// && header ~ /^child\//) return 0
    if (header ~ /^child\// && room(header) != room(file)) return 0
    if (header ~ /^supervisor\/(service|cli)\// && file ~ /^child\//) return 0
    if (to < from) return 1
    if (room(file) == "supervisor/edge" && room(header) == "supervisor/edge") return beside_in_edge(file, header)
    if (file == "supervisor/main.c") return header ~ /^supervisor\/cli\//
    return room(file) == room(header) || (to == 1 && from == 1)
  }
  BEGIN {
    while ((getline line < allow) > 0) {
      if (line ~ /^#/ || split(line, word, /[ \t]+/) < 3) continue
      gsub(/\./, "[.]", word[1])
      gsub(/\*/, "[^/]*", word[1])
      exception_file[++exceptions] = "^" word[1] "$"
      exception_header[exceptions] = word[2]
    }
  }
  {
    split($0, part, ":")
    file = part[1]; line = part[2]
    match($0, /"[^"]*"/)
    header = substr($0, RSTART + 1, RLENGTH - 2)
    count++
    if (!exists(root "/" header) && exists(root "/include/" header)) header = "include/" header
    if (row(header) < 0 || !exists(root "/" header)) {
      printf "house:layers: %s:%s: \"%s\" is no path from the root\n", file, line, header; bad++; next
    }
    if (!allowed(file, header)) {
      printf "house:layers: %s:%s: row %d may not include %s (row %d)\n", file, line, row(file), header, row(header)
      bad++
    }
  }
  END {
    if (bad) exit 1
    if (!count) { print "house:layers: nothing to look at"; exit 1 }
    printf "house:layers: %d includes hold the law\n", count
  }'
