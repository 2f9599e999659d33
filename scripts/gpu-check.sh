#!/usr/bin/env bash
# What only a GPU can say, in one run of under nine minutes: every variant that the device has
# agrees with its reference (which proves it, see docs/architecture.md), compute-sanitizer finds
# nothing on small cases, instructions give the bits that ptxrun gives, and times against bandwidths
# measured in the same run. Writes JSON lines into $OUT (default gpu-check/) and a table at the end.
#
#   scripts/gpu-check.sh             builds what is missing (nvcc, cmake, g++), then checks
#   scripts/gpu-check.sh --bundle F  packs the built programs and their libraries into F, for a
#                                    machine with a GPU and no compiler: unpack, run gpu-check.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
start=$SECONDS
preset=${PRESET:-cuda}
say() { printf '%s\n' "$*"; }
die() { say "gpu-check: $*" >&2; exit 1; }

build() {
  . "$here/common.sh"
  build_preset "$preset" nibble_app ptxrun ptx_sm80 ptx_sm89 ptx_sm90a ptx_sm100a ptx_sm120f
  bin=$root/build/$preset
  tests=$bin/tests/cuda
}

bundle() {
  local to=$1 library
  build
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  local folder=$scratch/gpu-check
  mkdir -p "$folder/ptxrun" "$folder/lib"
  cp "$bin/nibble" "$tests"/ptx_sm* "$here/gpu-check.sh" "$folder/"
  cp "$bin/ptxrun/ptxrun" "$bin"/ptxrun/libcudart.so.13 "$folder/ptxrun/"
  # All that the programs load but what belongs to the C library.
  for library in $(ldd "$bin/nibble" | awk '$3 ~ /^\// {print $3}'); do
    case $library in
      */libc.so.* | */libm.so.* | */libdl.so.* | */libpthread.so.* | */librt.so.*) ;;
      *) cp -L "$library" "$folder/lib/" ;;
    esac
  done
  strip "$folder"/nibble "$folder"/ptx_sm* "$folder"/ptxrun/ptxrun
  tar -C "$scratch" -czf "$to" gpu-check
  say "$(du -m "$to" | cut -f1) MiB in $to"
}

if [ "${1:-}" = --bundle ]; then
  bundle "${2:?gpu-check.sh --bundle FILE}"
  exit 0
fi
if [ -x "$here/nibble" ]; then
  bin=$here tests=$here
  export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
else
  build
fi
out=${OUT:-gpu-check}
mkdir -p "$out"

# One sentence where there is nothing to check.
device=$({ "$bin/nibble" doctor || true; } | sed -n 's/^gpu *//p')
case $device in
  none*) die "there is no GPU to check: nibble doctor says '$device'" ;;
esac
say "device   $device"
failed=0
step() {  # step NAME COMMAND...: seconds and outcome of one part; 77 is one that cannot be done
  local name=$1 began=$SECONDS status=0 outcome=FAILED
  shift
  "$@" || status=$?
  case $status in
    0) outcome=ok ;;
    77) outcome="left out" ;;
    *) failed=1 ;;
  esac
  printf '%-14s %s, %d s\n' "$name" "$outcome" $((SECONDS - began)) | tee -a "$out/summary.txt"
}
: > "$out/summary.txt"

verify_all() {
  mkdir -p "$out/proofs"
  "$bin/nibble" verify all --device --json --prove "$out/proofs" > "$out/verify.jsonl"
  local status=$?
  cat "$out"/proofs/*.jsonl > "$out/proofs.jsonl" && rm -r "$out/proofs"
  return $status
}

# Smallest cases only: the sanitizer makes everything a hundred times slower.
sanitize() {
  local tool
  command -v compute-sanitizer > /dev/null || {
    say "compute-sanitizer is not installed"
    return 77
  }
  local case
  for tool in memcheck racecheck initcheck; do
    for case in gemv_nvfp4/rows3 gemv_nvfp4_fp16/rows3 gemv_nvfp4_fp16/rows3_shifted; do
      local status=0
      timeout 60 compute-sanitizer --tool $tool --error-exitcode 9 \
        "$bin/nibble" verify "${case%/*}" --device --case "${case#*/}" \
        > "$out/sanitizer.txt" 2>&1 || status=$?
      # 77: no variant of this device takes the case.
      if [ $status -ne 0 ] && [ $status -ne 77 ]; then
        tail -20 "$out/sanitizer.txt"
        return 1
      fi
    done
  done
}

# The device's words and ptxrun's, instruction by instruction, are to be one file. `arch` becomes
# the latest architecture whose program runs: the one whose variants are timed.
arch=
conformance() {
  local sm virtual
  for sm in sm80 sm89 sm90a sm100a sm120f; do
    "$tests/ptx_$sm" --dump "$out/device.bin" > "$out/ptx.txt" 2>&1 || {
      grep -q "no kernel image\|invalid device function" "$out/ptx.txt" && continue
      cat "$out/ptx.txt"
      return 1
    }
    virtual=${sm/sm/sm_}
    "$bin/ptxrun/ptxrun" --device "${virtual/120f/120}" "$tests/ptx_$sm" \
      --dump "$out/ptxrun.bin" > /dev/null 2>&1
    cmp "$out/device.bin" "$out/ptxrun.bin" || return 1
    say "conformance: ptx_$sm is the same on the device and under ptxrun"
    arch=$sm
  done
  rm -f "$out"/device.bin "$out"/ptxrun.bin "$out"/ptx.txt
  [ -n "$arch" ]
}

bench_all() {
  local op
  : > "$out/bench.jsonl"
  for op in gemv_nvfp4 gemv_nvfp4_fp16; do
    timeout 120 "$bin/nibble" bench $op --device --variant "$arch" --json >> "$out/bench.jsonl" ||
      return 1
  done
}

table() {
  python3 - "$out/bench.jsonl" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
print(f"{'op':<18}{'variant':<10}{'case':<26}{'us':>9}{'GB/s':>8}{'read':>8}{'share':>7}")
for r in rows:
    if r.get("wrong"):
        print(f"{r['op']:<18}{r['variant']:<10}{r['case']:<26} {r['wrong']}")
    else:
        print(f"{r['op']:<18}{r['variant']:<10}{r['case']:<26}{r['median_us']:>9.1f}"
              f"{r['gb_per_s']:>8.0f}{r['read_gb_per_s']:>8.0f}{r['share']:>7.0%}")
PYTHON
}

step verify verify_all
step conformance conformance
step sanitizer sanitize
step bench bench_all
command -v python3 > /dev/null && table | tee -a "$out/summary.txt"
say "all of it took $((SECONDS - start)) s; see $out"
exit "$failed"
