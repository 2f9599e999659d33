#!/usr/bin/env bash
# Makes build/venv with the packages of tests/python/requirements.txt, once, and runs a command in
# it. Usage: scripts/venv.sh [COMMAND ARGS...]. Exit status 77: the environment cannot be made here,
# and stderr says why.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$PWD/build/venv
requirements=tests/python/requirements.txt

cannot() {
  echo "venv: $1" >&2
  exit 77
}

make_venv() {
  command -v python3 >/dev/null || cannot "no python3: install the Debian package python3"
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    cannot "python3 cannot make virtual environments: install the Debian package python3-venv"
  rm -rf "$venv"
  python3 -m venv "$venv" || cannot "python3 -m venv failed (see above)"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" ||
    cannot "pip could not install $requirements (see above): is PyPI within reach?"
  cp "$requirements" "$venv/made_from"
}

mkdir -p build
(
  flock 9  # tests may run at the same time
  cmp -s "$requirements" "$venv/made_from" || make_venv
) 9>"$venv.lock"

if [ $# -gt 0 ]; then
  PATH="$venv/bin:$PATH" exec "$@"
fi
