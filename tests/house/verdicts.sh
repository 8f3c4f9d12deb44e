#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/verdicts.md must be about the verdict code that is here, and every cell in it must have held.
# usage: verdicts.sh SOURCE-ROOT [PAGE]
set -euo pipefail
root=$1
page=${2:-$root/docs/verdicts.md}
mark=$("$root/tools/verdicts" --code)
if ! grep -q "Verdict code \`$mark\`" "$page"; then
  echo "$page is not about this verdict code ($mark): run tools/verdicts, and commit what it writes"
  exit 1
fi
read -r held cells < <(sed -n '1s/^# Verdicts: \([0-9]*\) of \([0-9]*\)$/\1 \2/p' "$page")
if [ "${held:-0}" -ne "${cells:-1}" ] || [ "$cells" -lt 500 ]; then
  echo "$page: ${held:-no} of ${cells:-no} cells held"
  exit 1
fi
echo "verdicts: $held of $cells, about $mark"
