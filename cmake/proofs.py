"""Hashes the sources of every variant and compiles the proofs that still match into a table.

A variant's hash covers its own file, the contract, and every project header that they include,
directly or not: what could change its result. Headers of base/ are left out: they hold no
arithmetic, and a new field of Machine must not void every proof.

  proofs.py --source DIR --ops 'a;b' --out proofs.cpp   writes the table
  proofs.py --source DIR --ops 'a;b' --stale [--program nibble [--ptxrun]]
                                                        prints the proofs that no longer match

With --program, the built nibble says what this machine can run: a variant among that without a
fresh proof is a failure, since running scripts/prove.sh renews it; any other stale proof is a
warning. With --ptxrun there is the executor, which can run all CUDA variants.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"(nibble/[^"]+)"', re.M)


def closure(source: pathlib.Path, roots: list[pathlib.Path]) -> list[pathlib.Path]:
    """The files in `roots` and all project headers they reach, sorted."""
    seen, queue = set(), list(roots)
    while queue:
        path = queue.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        queue += [source / "src" / name for name in INCLUDE.findall(path.read_text())
                  if not name.startswith("nibble/base/")]
    return sorted(seen)


def variants(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files = list(folder.glob("cpu_*.cpp")) + list(folder.glob("cuda_*.cu"))
    return {f.stem.split("_", 1)[1]: f for f in sorted(files)}


def digest(source: pathlib.Path, op: str, variant_file: pathlib.Path) -> str:
    folder = source / "src/nibble/ops" / op
    sha = hashlib.sha256()
    for path in closure(source, [variant_file, folder / f"{op}.h"]):
        sha.update(path.relative_to(source).as_posix().encode() + b"\0")
        text = path.read_text()
        sha.update("\n".join(line.rstrip() for line in text.splitlines()).encode() + b"\0")
    return sha.hexdigest()[:16]


def read(source: pathlib.Path, ops: list[str]) -> tuple[dict, list[dict], list[dict]]:
    """The hashes of all variants, the proofs that match them, and those that do not."""
    hashes = {}
    for op in ops:
        for name, path in variants(source / "src/nibble/ops" / op).items():
            hashes[op, name] = digest(source, op, path)
    fresh, stale = [], []
    for op in ops:
        record = source / "bench/proofs" / f"{op}.jsonl"
        for line in record.read_text().splitlines() if record.exists() else []:
            proof = json.loads(line)
            matches = hashes.get((op, proof["variant"])) == proof["source_hash"]
            (fresh if matches else stale).append(proof)
    return hashes, fresh, stale


CUDA = {"sm80", "sm89", "sm90a", "sm100a", "sm120f"}


def runnable(program: pathlib.Path, ptxrun: bool = False) -> list[tuple[str, str]]:
    """The (op, variant) pairs of a build that this machine has the instructions for."""
    def ask(*arguments):
        run = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
        return [json.loads(line) for line in run.stdout.splitlines()]
    here = set(ask("doctor")[0]["isas"].split("+")) | {"portable"}
    here |= CUDA if ptxrun else set()
    found = {}
    for choice in ask("explain", "all"):
        for v in choice["variants"]:
            if set(v["needs"].split("+")) <= here:
                found[choice["op"], v["variant"]] = None
    return list(found)


def missing(can_run: list[tuple[str, str]], fresh: list[dict], stale: list[dict]) -> list[str]:
    """A sentence for each variant that runs here and has no fresh proof by execution."""
    proven = {(p["op"], p["variant"]) for p in fresh if p["level"] in ("executed", "proven")}
    old = {(p["op"], p["variant"]) for p in stale}
    return [f"{op}/{name}: " + ("its sources changed since it was proven" if (op, name) in old
                                else "never proven")
            for op, name in can_run if (op, name) not in proven]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--ops", required=True)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--stale", action="store_true")
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--ptxrun", action="store_true")
    args = parser.parse_args()
    ops = [op for op in re.split(r"[; ]", args.ops) if op]
    hashes, fresh, stale = read(args.source, ops)

    if args.stale:
        for p in stale:
            print(f'stale: {p["op"]}/{p["variant"]} {p["level"]} on {p["ran_on"]}')
        can_run = runnable(args.program, args.ptxrun) if args.program else []
        failures = missing(can_run, fresh, stale)
        for failure in failures:
            print(f"FAILED {failure}; run scripts/prove.sh")
        return 1 if failures else 0

    quote = json.dumps
    lines = ["// Generated by cmake/proofs.py.", '#include "nibble/base/proof.h"', "",
             "namespace nibble {", "namespace {", "",
             "struct Hash {", "  std::string_view op, variant, hash;", "};",
             f"constexpr Hash kHashes[{len(hashes) + 1}] = {{"]
    lines += [f"    {{{quote(op)}, {quote(v)}, {quote(h)}}}," for (op, v), h in hashes.items()]
    lines += ["    {}};", f"constexpr Proof kProofs[{len(fresh) + 1}] = {{"]
    lines += [f'    {{{quote(p["op"])}, {quote(p["variant"])}, Level::{p["level"]}, '
              f'{quote(p["ran_on"])}}},' for p in fresh]
    lines += ["    {}};", "", "}  // namespace", "",
              "std::span<const Proof> compiled_proofs() {",
              f"  return std::span(kProofs).first({len(fresh)});", "}", "",
              "std::string_view source_hash(std::string_view op, std::string_view variant) {",
              "  for (const Hash& h : kHashes)",
              "    if (h.op == op && h.variant == variant) return h.hash;",
              "  return {};", "}", "", "}  // namespace nibble", ""]
    text = "\n".join(lines)
    if not args.out.exists() or args.out.read_text() != text:
        args.out.write_text(text)
    else:
        args.out.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
