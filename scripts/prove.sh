#!/usr/bin/env bash
# Runs every variant that this machine can run against its reference and records the green ones in
# bench/proofs, then builds once more so that selection knows them. A build with CUDA runs its CUDA
# variants on ptxrun's virtual devices, and on the GPU if there is one.
# Usage: scripts/prove.sh [PRESET]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-dev}
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
cmake --build "build/$preset" --target nibble_app
"build/$preset/nibble" verify all --prove bench/proofs
if grep -q '^NIBBLE_HAVE_CUDA:INTERNAL=ON' "build/$preset/CMakeCache.txt"; then
  cmake --build "build/$preset" --target ptxrun
  for device in sm_80 sm_89 sm_90a sm_100a sm_120; do
    "build/$preset/ptxrun/ptxrun" --device $device \
      "build/$preset/nibble" verify all --device --prove bench/proofs
  done
fi
cmake --build "build/$preset"
