"""Plants stale, missing and merely emulated proofs in a small tree: the gate must find them."""

import json
import pathlib
import stat
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(sys.argv[1])

# Stands in for nibble: this machine has AVX2, and three variants are built.
PROGRAM = """#!/usr/bin/env python3
import json, sys
needs = {"portable": "portable", "avx2": "avx2", "avx512": "avx2+avx512"}
if sys.argv[1] == "doctor":
    print(json.dumps({"isas": "avx2"}))
else:
    print(json.dumps({"op": "toy", "variants": [{"variant": v, "needs": n}
                                                for v, n in needs.items()]}))
"""


def build_tree(root):
    folder = root / "src/nibble/ops/toy"
    folder.mkdir(parents=True)
    (root / "bench/proofs").mkdir(parents=True)
    (folder / "toy.h").write_text("// contract\n")
    for variant in ("portable", "avx2", "avx512"):
        source = f'#include "nibble/ops/toy/toy.h"\n// {variant}\n'
        (folder / f"cpu_{variant}.cpp").write_text(source)
    program = root / "nibble"
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def gate(root):
    run = subprocess.run([sys.executable, SCRIPT, "--source", root, "--ops", "toy", "--stale",
                          "--program", root / "nibble"], capture_output=True, text=True)
    return run.returncode, run.stdout


def prove(root, **levels):
    """Records proofs of the present sources."""
    sys.path.insert(0, str(SCRIPT.parent))
    import proofs
    hashes, _, _ = proofs.read(root, ["toy"])
    (root / "bench/proofs/toy.jsonl").write_text("".join(
        json.dumps({"op": "toy", "variant": v, "level": level, "ran_on": "a CPU",
                    "source_hash": hashes["toy", v]}) + "\n" for v, level in levels.items()))


def expect(root, status, *said):
    code, out = gate(root)
    assert code == status, (code, out)
    for text in said:
        assert text in out, (text, out)
    if not said:
        assert out == "", out


with tempfile.TemporaryDirectory() as name:
    root = pathlib.Path(name)
    build_tree(root)
    expect(root, 1, "FAILED toy/portable: never proven", "FAILED toy/avx2: never proven")
    prove(root, portable="proven", avx2="emulated")
    expect(root, 1, "FAILED toy/avx2: never proven")
    prove(root, portable="proven", avx2="executed")
    expect(root, 0)  # avx512 cannot be proven here
    prove(root, portable="proven", avx2="proven", avx512="proven")
    expect(root, 0)
    kernel = root / "src/nibble/ops/toy/cpu_avx512.cpp"
    kernel.write_text(kernel.read_text() + "// changed\n")
    expect(root, 0, "stale: toy/avx512 proven on a CPU")  # a warning: another machine must renew it
    header = root / "src/nibble/ops/toy/toy.h"
    header.write_text("// changed contract\n")
    expect(root, 1, "FAILED toy/portable: its sources changed", "FAILED toy/avx2: its sources")
print("ok")
