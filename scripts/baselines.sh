#!/usr/bin/env bash
# baselines.sh [ARGUMENT...]: installs oneDNN and OpenBLAS, builds with them, and times nibble and
# them on the same shapes: nibble bench --with-baselines ARGUMENT..., --suite cpu-goals without any.
# ggml is compared too where PyPI's llama-cpp-python is installed: in Python's own place, an active
# virtual environment, or where the cache entry ggml_DIR of build/release points.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_packages "${build_packages[@]}" "${baseline_packages[@]}"
[ $# -gt 0 ] || set -- --suite cpu-goals
cd "$root"
cmake --preset release -DNIBBLE_BASELINES=ON
build_preset release nibble_app nibble_baselines
exec build/release/nibble bench --with-baselines "$@"
