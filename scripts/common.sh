# What the scripts beside this file share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian 12 packages, each listed here and nowhere else.
build_packages=(g++ cmake ninja-build pkg-config python3 libfmt-dev libcli11-dev
                nlohmann-json3-dev libgtest-dev libxxhash-dev)
test_packages=(ccache clang-format python3-dev python3-venv qemu-user g++-aarch64-linux-gnu)
report_packages=(librsvg2-bin)
mpi_packages=(libopenmpi-dev openmpi-bin)
baseline_packages=(libdnnl-dev libopenblas-dev)
text_packages=(bible-kjv bible-kjv-text)

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME...: installs what is missing, asking nothing.
need_packages() {
  local missing=() name as_root=()
  command -v apt-get >/dev/null ||
    die "there is no apt-get here: install the counterparts of $* and build with" \
        "'cmake --preset release && cmake --build build/release'"
  for name in "$@"; do installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    # Where there is a terminal, sudo may ask for a password on it.
    { [ -t 0 ] && command -v sudo >/dev/null && sudo -v; } || sudo -n true 2>/dev/null ||
      die "these packages are missing and only root or a user with sudo can install them:" \
          "apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local quiet=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
  "${as_root[@]}" apt-get update "${quiet[@]}" ||
    die "apt-get update failed, so ${missing[*]} cannot be installed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install "${quiet[@]}" -y --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install ${missing[*]}"
}

# One job per processor, and no more than memory allows: a compiler may take 1.5 GB.
jobs=$(nproc)
by_memory=$(awk '/^MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
[ "$by_memory" -ge "$jobs" ] || jobs=$((by_memory > 0 ? by_memory : 1))

# build_preset PRESET [TARGET...]: configures if need be and builds what is not up to date, through
# a compiler cache where there is one. Tests build the tree more than once, so they install it.
build_preset() {
  local preset=$1
  shift
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_CUDA_COMPILER_LAUNCHER=ccache
    export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  fi
  if [ ! -f "$root/build/$preset/build.ninja" ]; then
    (cd "$root" && cmake --preset "$preset") || die "configuring preset '$preset' failed"
  fi
  cmake --build "$root/build/$preset" -j "$jobs" ${1:+--target "$@"} ||
    die "building preset '$preset' failed"
}
