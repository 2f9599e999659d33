"""Gate: clang-format 14 would change nothing (other versions break lines elsewhere)."""

import re
import shutil
import subprocess

import gate

FOLDERS = ("src", "apps", "examples", "tests", "python")


def program():
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path:
            version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if re.search(r"version 14\.", version):
                return path
    raise gate.Skip("clang-format 14 is not installed")


def check(tree):
    tool = program()
    found = []
    files = tree.files(*FOLDERS)
    for i in range(0, len(files), 50):
        run = subprocess.run([tool, "--dry-run", "--style=file", *map(str, files[i:i + 50])],
                             cwd=tree.source, capture_output=True, text=True)
        wrong = re.findall(r"^(\S+?):\d+:\d+: ", run.stderr, re.M)
        found += [f"{name}: run clang-format -i on it" for name in dict.fromkeys(wrong)]
        if run.returncode and not wrong:
            found.append(run.stderr.strip())
    return found


CLEAN = {".clang-format": "BasedOnStyle: Google\nColumnLimit: 100\n", "src/a.cpp": "int a = 1;\n"}
PLANTS = [({"src/b.h": "int  a=1;\n"}, "src/b.h: run clang-format")]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
