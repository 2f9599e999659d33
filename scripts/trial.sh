#!/usr/bin/env bash
# One trial of a recipe into the ledger of trials, bench/trials.jsonl; `nibble report --ledger`
# prints all of them in order. Settings are chosen on 5% of the text, the held-out tenth is for the
# report. Usage: scripts/trial.sh FILE SECONDS[@RATE] SEEDS RECIPE [KEY=VALUE]..., as in
#   scripts/trial.sh data/kjv.txt 60 1,2,3 activity train.lr=0.02
# With a rate, SECONDS * RATE updates are made: what an idle machine with all its processors makes
# in that time, though this one be busy.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 4 ] || die "usage: scripts/trial.sh FILE SECONDS[@RATE] SEEDS RECIPE [KEY=VALUE]..."
text=$1 budget=$2 seeds=$3 recipe=$4
shift 4
overrides=(--seconds "${budget%@*}")
[[ $budget != *@* ]] || overrides+=(--rate "${budget#*@}")
for field; do overrides+=(--set "$field"); done

need_packages "${build_packages[@]}"
build_preset release nibble_app
commit=$(git -C "$root" rev-parse --short HEAD)
[ -z "$(git -C "$root" status --porcelain -- src apps cmake recipes)" ] || commit+=+changes
mkdir -p "$root/runs"
run=$(mktemp -d "$root/runs/trial-XXXXXX")
"$root/build/release/nibble" train --data "$text" --out "$run" --recipe "$recipe" \
  "${overrides[@]}" --seeds "$seeds" --quiet \
  --ledger "$root/bench/trials.jsonl" --commit "$commit"
say "the runs are in $run"
