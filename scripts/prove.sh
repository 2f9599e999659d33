#!/usr/bin/env bash
# Runs every variant that this machine can run against its reference and records the green ones in
# bench/proofs, then builds once more so that selection knows them. Usage: scripts/prove.sh [PRESET]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-dev}
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
cmake --build "build/$preset" --target nibble_app
"build/$preset/nibble" verify all --prove bench/proofs
cmake --build "build/$preset"
