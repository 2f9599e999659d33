#!/usr/bin/env bash
# Fuzzes one target with libFuzzer and both sanitizers. Usage: fuzz.sh NAME SECONDS BUILD_DIR
# SOURCE... What is found stays in BUILD_DIR/fuzz, which the next run starts from.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1 seconds=$2 out=$3/fuzz/$1
shift 3
if ! command -v clang++ >/dev/null; then
  echo "no clang++: install the Debian package clang"
  exit 77
fi
mkdir -p "$out/corpus"
clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Isrc \
  "tests/fuzz/${name}_fuzz.cpp" "$@" -o "$out/fuzz"
cp "tests/fuzz/$name.seed" "$out/corpus/seed"
cd "$out"
exec ./fuzz -max_total_time="$seconds" -max_len=500 -dict="$OLDPWD/tests/fuzz/$name.dict" corpus
