#!/usr/bin/env bash
# What only a GPU can say, in one run of under nine minutes beside the build, whatever hangs: every
# variant that the device has agrees with its reference (which proves it, see docs/architecture.md),
# instructions give the bits that ptxrun gives, compute-sanitizer finds nothing on small cases; then
# times, against bandwidths and tensor peaks measured first and a BF16 GEMV of the same shape, and
# what Nsight Compute counts. Writes at most eight files, JSON lines and texts, into $OUT (default
# gpu-check/) and a table at the end.
#
#   scripts/gpu-check.sh [--quick] [STEP...]
#                                    builds what is missing (nvcc, cmake, g++), then does the steps:
#                                    verify conformance sanitizer ceilings bench profile, or those
#                                    named. --quick: one small case of each variant, no proofs
#   scripts/gpu-check.sh --bundle F  packs the built programs and their libraries into F, for a
#                                    machine with a GPU and no compiler: unpack, run gpu-check.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
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
  local mib
  mib=$(du -m "$to" | cut -f1)
  say "$mib MiB in $to"
  [ "$mib" -le 60 ] || die "a bundle is to have 60 MiB at most"
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
quick=
if [ "${1:-}" = --quick ]; then quick=--small; shift; fi
steps=${*:-verify conformance sanitizer ceilings bench profile}
out=${OUT:-gpu-check}
mkdir -p "$out"
scratch=$(mktemp -d)  # of what is no result
trap 'rm -rf "$scratch"' EXIT
start=$SECONDS
# limited SECONDS COMMAND...: under a limit, and under what is left of $LIMIT seconds.
limited() {
  local left=$((${LIMIT:-530} - SECONDS + start)) most=$1
  shift
  timeout -k 5 $((left < 1 ? 1 : left < most ? left : most)) "$@"
}

# One sentence where there is nothing to check.
device=$({ "$bin/nibble" doctor || true; } | sed -n 's/^gpu *//p')
case $device in
  none*) die "there is no GPU to check: nibble doctor says '$device'" ;;
esac
say "device   $device" | tee "$out/summary.txt"
failed=0
step() {  # step NAME COMMAND...: seconds and outcome of one part; 77 is one that cannot be done
  local name=$1 began=$SECONDS status=0 outcome=FAILED
  shift
  [[ " $steps " == *" $name "* ]] || return 0
  "$@" || status=$?
  case $status in
    0) outcome=ok ;;
    77) outcome="left out" ;;
    *) failed=1 ;;
  esac
  printf '%-14s %s, %d s\n' "$name" "$outcome" $((SECONDS - began)) | tee -a "$out/summary.txt"
}

verify_all() {
  local status=0
  if [ -n "$quick" ]; then
    limited 120 "$bin/nibble" verify all --device --small --json > "$out/verify.jsonl"
    return
  fi
  mkdir -p "$scratch/proofs"
  limited 150 "$bin/nibble" verify all --device --json --prove "$scratch/proofs" \
    > "$out/verify.jsonl" || status=$?
  cat "$scratch"/proofs/*.jsonl > "$out/proofs.jsonl" || status=1
  return $status
}

# A small case of each variant: the sanitizer makes everything a hundred times slower.
sanitize() {
  local tool
  command -v compute-sanitizer > /dev/null || {
    say "compute-sanitizer is not installed"
    return 77
  }
  : > "$out/sanitizer.txt"
  for tool in memcheck racecheck initcheck synccheck; do
    limited 60 compute-sanitizer --tool $tool --error-exitcode 9 \
      "$bin/nibble" verify all --device --small >> "$out/sanitizer.txt" 2>&1 || {
      say "compute-sanitizer --tool $tool:"
      tail -20 "$out/sanitizer.txt"
      return 1
    }
  done
}

# The device's words and ptxrun's, instruction by instruction, are to be one file. A device that
# does not run a program has no kernel for it; that none runs is a failure.
conformance() {
  local sm virtual ran=
  : > "$out/conformance.txt"
  for sm in sm80 sm89 sm90a sm100a sm120f; do
    limited 20 "$tests/ptx_$sm" --dump "$scratch/device.bin" > "$scratch/ptx.txt" 2>&1 || {
      grep -q "no kernel image\|invalid device function" "$scratch/ptx.txt" && continue
      tee -a "$out/conformance.txt" < "$scratch/ptx.txt"
      return 1
    }
    virtual=${sm/sm/sm_}
    limited 30 "$bin/ptxrun/ptxrun" --device "${virtual/120f/120}" "$tests/ptx_$sm" \
      --dump "$scratch/ptxrun.bin" > /dev/null 2>&1 || say "ptx_$sm: ptxrun found faults"
    cmp "$scratch/device.bin" "$scratch/ptxrun.bin" || return 1
    { say "ptx_$sm: the same $(wc -c < "$scratch/device.bin") bytes on $device and under ptxrun"
      cat "$scratch/ptx.txt"; } >> "$out/conformance.txt"
    ran="$ran ptx_$sm"
  done
  say "conformance:$ran give the same bits on the device and under ptxrun"
  [ -n "$ran" ]
}

ceilings() { limited 60 "$bin/nibble" bench --ceilings --device --json > "$out/ceilings.jsonl"; }

# The first variant of each op that the device runs: tables have the best first, and gemv_bf16,
# which GEMVs are compared with, goes before them. What does not fit into the time is named.
bench_all() {
  local op variant status=0
  : > "$out/bench.jsonl"
  while read -r op variant; do
    if [ $((SECONDS - start)) -gt 330 ]; then
      say "no time is left for $op"
      continue
    fi
    # shellcheck disable=SC2086
    limited 60 "$bin/nibble" bench "$op" --device $quick --variant "$variant" --json \
      >> "$out/bench.jsonl" || status=1
  done < <(limited 60 "$bin/nibble" verify all --device --small |
    sed -n 's|^green  *\([a-z0-9_]*\)/\([a-z0-9_]*\):.*|\1 \2|p' | sort -u -k1,1 -s |
    sed 's/^gemv_bf16 /1 &/; t; s/^/2 /' | sort -s -k1,1 | cut -d' ' -f2-)
  return $status
}

# What the hardware counts in one launch of each.
profile() {
  command -v ncu > /dev/null || {
    say "Nsight Compute is not installed"
    return 77
  }
  local metrics=gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum
  metrics+=,dram__throughput.avg.pct_of_peak_sustained_elapsed,sm__inst_executed.sum
  metrics+=,l1tex__data_bank_conflicts_pipe_lsu.sum,launch__registers_per_thread
  limited 120 ncu --csv --metrics $metrics "$bin/nibble" bench all --device --once \
    ${quick:---least} > "$out/profile.csv" 2> "$scratch/profile.txt" || {
    tail -n 3 "$scratch/profile.txt" "$out/profile.csv"
    grep -q ERR_NVGPUCTRPERM "$scratch/profile.txt" "$out/profile.csv" && return 77
    return 1
  }
}

table() {
  python3 - "$out" <<'PYTHON'
import json, pathlib, re, sys
def rows(name):
    path = pathlib.Path(sys.argv[1]) / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
# Batch, rows and columns of the weights of one token; gemv_nvfp4 calls the rows m.
def weights(r):
    size = {name: int(n) for name, n in re.findall(r"(?:^|_)([mnkl])(\d+)", r["case"])}
    if r["op"] == "gemv_nvfp4":
        size |= {"m": 1, "n": size.get("m")}
    if not r["op"].startswith(("gemv_", "gemm_")) or size.get("m", 1) != 1:
        return None
    return size.get("l", 1), size.get("n"), size.get("k")
# How many times faster than BF16's kernel on weights of the same shape.
bf16 = {weights(r): r["median_us"] for r in rows("bench.jsonl")
        if r["op"] == "gemv_bf16" and not r.get("wrong")}
def over_bf16(r):
    us = bf16.get(weights(r))
    return f"{us / r['median_us']:.2f}" if us and r["op"] != "gemv_bf16" else ""
for c in rows("ceilings.jsonl"):
    print(f"{c['ceiling']:<18}{c['value']:>10.1f} {c['unit']}")
if rows("bench.jsonl"):
    print(f"{'op':<24}{'variant':<10}{'case':<28}{'us':>9}{'GB/s':>8}{'of read':>9}{'of copy':>9}"
          f"{'x bf16':>8}")
for r in rows("bench.jsonl"):
    if r.get("wrong"):
        print(f"{r['op']:<24}{r['variant']:<10}{r['case']:<28} {r['wrong']}")
    else:
        copy = r["gb_per_s"] / r["copy_gb_per_s"] if r["copy_gb_per_s"] else 0
        print(f"{r['op']:<24}{r['variant']:<10}{r['case']:<28}{r['median_us']:>9.1f}"
              f"{r['gb_per_s']:>8.0f}{r['share']:>9.0%}{copy:>9.0%}{over_bf16(r):>8}")
PYTHON
}

step verify verify_all
step conformance conformance
step sanitizer sanitize
step ceilings ceilings
step bench bench_all
step profile profile
command -v python3 > /dev/null && table | tee -a "$out/summary.txt"
say "all of it took $((SECONDS - start)) s; see $out"
exit "$failed"
