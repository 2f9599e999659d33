#!/usr/bin/env bash
# From a fresh machine to a model that has learnt: installs what is missing, builds, makes the
# training text, trains for three minutes, and shows what was learnt. Stopped, it goes on where it
# was when it is run again. Usage: scripts/quickstart.sh [--seconds N] [FILE]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: scripts/quickstart.sh [--seconds N] [FILE], where FILE is a text to learn"
seconds=180 text=
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--seconds takes a whole number; $usage"
               seconds=$2; shift 2 ;;
    -*) die "$usage" ;;
    *) [ -z "$text" ] || die "$usage"
       [ -f "$1" ] || die "'$1' is not a file; $usage"
       text=$(realpath -- "$1"); shift ;;
  esac
done

need_packages "${build_packages[@]}" "${report_packages[@]}"
build_preset release nibble_app
nibble=$root/build/release/nibble

run=$root/runs/quickstart prompt=()
if [ -z "$text" ]; then
  text=$root/data/kjv.txt prompt=(--prompt "And it came to pass")
  "$root/scripts/get-data.sh" "$text"
else
  run=$run-$(basename "$text")
fi

mkdir -p "$root/runs"
if [ -e "$run/config.json" ]; then
  begun=$(python3 -c 'import json, sys; print(round(json.load(open(sys.argv[1]))["seconds"]))' \
          "$run/config.json")
  [ "$begun" -eq "$seconds" ] ||
    die "$run is a run of $begun s: ask for --seconds $begun to go on with it, or remove it"
  say "going on with $run"
  "$nibble" train --resume "$run"
else
  "$nibble" train --data "$text" --out "$run" --seconds "$seconds"
fi

"$nibble" eval "$run"
for picture in svg png; do "$nibble" report "$run" --out "$run/curve.$picture"; done
say; say "What it writes:"
"$nibble" generate "$run" "${prompt[@]}" --bytes 500 --word-share "$text"
say; say "The curve: $run/curve.svg and curve.png"
