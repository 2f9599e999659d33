#!/usr/bin/env bash
# Installs what is missing, builds and runs every test but the soak tests, and says at the end what
# did not run and why. Exit status 0 only if nothing failed. Usage: scripts/test.sh [PRESET]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

preset=${1:-ci}
need_packages "${build_packages[@]}" "${report_packages[@]}" "${mpi_packages[@]}" \
  "${test_packages[@]}"
start=$SECONDS
build_preset "$preset"
say "built preset '$preset' in $((SECONDS - start)) s"

cd "$root/build/$preset"
failed=0
ctest -LE soak -j "$jobs" --output-on-failure --no-tests=error --output-junit tests.xml || failed=1
python3 "$root/scripts/not_run.py" .
say "tests took $((SECONDS - start)) s with the build"
exit "$failed"
