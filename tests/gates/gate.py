"""What the gates share: a view of a tree, and a main() that first proves the gate can fail.

A gate is a module with
  check(tree) -> list of violations, each one line that begins with the place
  CLEAN       files of a small tree that has none
  PLANTS      pairs: files laid over CLEAN (None deletes one), and words the gate must then say
Before a gate looks at the real tree it must pass CLEAN and find each plant.
"""

import argparse
import json
import pathlib
import re
import shlex
import sys
import tempfile

CPP = {".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


class Skip(Exception):
    """The gate cannot run on this machine; the reason becomes the last line of its output."""


class Tree:
    """`source` is a checkout. `build` is a configured build folder of it, or None."""

    def __init__(self, source, build=None, options=None):
        self.source = pathlib.Path(source).resolve()
        self.build = pathlib.Path(build).resolve() if build else None
        self.options = options or {}

    def files(self, *folders, suffixes=CPP):
        """Files below the folders, sorted, as paths relative to the source."""
        found = []
        for folder in folders:
            found += [p.relative_to(self.source) for p in (self.source / folder).rglob("*")
                      if p.suffix in suffixes and p.is_file() and "__pycache__" not in p.parts]
        return sorted(found)

    def read(self, path):
        return (self.source / path).read_text()

    def includes(self, path):
        """(line, "<" or '"', name) of every include directive."""
        text = self.read(path)
        return [(text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in INCLUDE.finditer(text)]

    def ops(self):
        return sorted(p.parent.name for p in self.source.glob("src/nibble/ops/*/CMakeLists.txt"))

    def commands(self):
        """The compile commands of the build: (file, directory, list of arguments)."""
        text = (self.build / "compile_commands.json").read_text()
        return [(pathlib.Path(c["file"]), pathlib.Path(c["directory"]),
                 shlex.split(c["command"]) if "command" in c else c["arguments"])
                for c in json.loads(text)]


def plant(folder, files):
    for name, text in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def self_test(check, clean, plants):
    """Why the gate cannot be trusted, or an empty list."""
    wrong = []
    for files, says in [({}, None)] + plants:
        with tempfile.TemporaryDirectory() as folder:
            laid = {k: v for k, v in {**clean, **files}.items() if v is not None}
            plant(folder, {k: v.replace("@TREE@", folder) for k, v in laid.items()})
            found = check(Tree(folder, pathlib.Path(folder) / "build"))
        if says is None and found:
            wrong.append(f"self-test: a clean tree was refused: {found}")
        if says is not None and not any(says in line for line in found):
            wrong.append(f"self-test: '{says}' was planted and not found, only {found}")
    return wrong


def main(check, clean, plants, planted_check=None):
    """`planted_check` stands for check() on planted trees that need a step of preparation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--build")
    parser.add_argument("--option", action="append", default=[], help="name=value")
    args = parser.parse_args()
    tree = Tree(args.source, args.build, dict(o.split("=", 1) for o in args.option))
    try:
        found = self_test(planted_check or check, clean, plants) or check(tree)
    except Skip as why:
        print(f"skipped: {why}")
        sys.exit(77)
    for line in found:
        print(line)
    passed = f"clean; {len(plants)} planted faults were found"
    print(f"{len(found)} violations" if found else passed)
    sys.exit(1 if found else 0)
