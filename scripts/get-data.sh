#!/usr/bin/env bash
# Makes the training text: the King James Bible, one verse a line, without references (4.1 MB, 62
# different bytes), from Debian's packages bible-kjv and bible-kjv-text. Or a text of yours.
# Usage: scripts/get-data.sh [OUT [FILE]]        OUT defaults to data/kjv.txt
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -le 2 ] && [[ ${1:-} != -* ]] || die "usage: scripts/get-data.sh [OUT [FILE]]"
out=${1:-$root/data/kjv.txt}
mkdir -p "$(dirname "$out")"
partial=$out.partial
trap 'rm -f "$partial"' EXIT

if [ $# -eq 2 ]; then
  [ -f "$2" ] && [ -r "$2" ] || die "'$2' is not a file that can be read"
  cp -- "$2" "$partial"
elif [ -s "$out" ] && [ "$(wc -l <"$out")" -eq 31102 ]; then
  say "$out is there already ($(wc -c <"$out") bytes)"
  exit 0
else
  need_packages "${text_packages[@]}"
  # The program prints "Ge1:1 In the beginning ..."; a book's short name holds no space.
  bible -p /usr/lib -f Gen1:1-Rev22:21 | sed 's/^[^ ]* //' >"$partial"
  [ "$(wc -l <"$partial")" -eq 31102 ] ||
    die "bible-kjv gave $(wc -l <"$partial") verses where 31102 are expected"
fi
mv -- "$partial" "$out"
say "$out: $(wc -c <"$out") bytes"
