#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# For the tools that put load on supervised Node servers (sourced, in the tree's top folder): a work folder, servers behind
# held ports, and the end of all of it, however that comes. Needs root and a build in build/.

tool=tools/$(basename "$0")
[ "$(id -u)" -eq 0 ] || { echo "$tool: cgroups want root" >&2; exit 2; }
heapward=$PWD/build/supervisor/cli/heapward load=$PWD/build/tests/load/heapward-load
[ -x "$load" ] || { echo "$tool: no build; run tools/test first" >&2; exit 2; }

work=$(mktemp -d "/var/lib/heapward-$(basename "$0").XXXXXX")
names=()
helpers=() # processes beside the services
clean() {
  local status=$? name
  trap - EXIT
  [ ${#helpers[@]} -eq 0 ] || kill "${helpers[@]}" 2>/dev/null || true
  for name in "${names[@]}"; do forget "$name"; done
  wait || true
  rm -rf "$work"
  exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM

free_port() { node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close(); })'; }
# field FILE KEY...: of a JSON document.
field() { node -pe 'const [file, ...path] = process.argv.slice(1); path.reduce((o, k) => o[k], JSON.parse(fs.readFileSync(file)))' "$@"; }

# supervise NAME PORT SETTING... -- COMMAND...: runs it behind the held port and waits until it is ready.
supervise() {
  local name=$1 port=$2 words=()
  shift 2
  while [ "$1" != -- ]; do words+=(--set "$1"); shift; done
  names+=("$name")
  "$heapward" run -n "$name" --set log.events=json --set "service.listen=[\"tcp:$port\"]" "${words[@]}" "$@" \
    >"$work/$name.out" 2>"$work/$name.err" &
  for _ in $(seq 200); do "$heapward" ready "$name" >/dev/null 2>&1 && return; sleep 0.1; done
  cat "$work/$name.err" >&2
  echo "$tool: $name is not ready" >&2
  exit 1
}

# forget NAME: stops it; nothing of it stays.
forget() {
  "$heapward" stop "$1" >/dev/null 2>&1 || true
  rm -rf "/var/lib/heapward/$1" "/run/heapward/$1"
}

# look NAME: keeps its status in the work folder. ended NAME VERDICT: how many of its workers had ended so by then.
look() { "$heapward" status "$1" --json >"$work/$1.json"; }
ended() { field "$work/$1.json" services 0 restarts by_verdict "$2"; }
