"""Gate: what may not stand in a file.

Columns and lengths; paths of somebody's machine and hosts of package registries; and in the
library, environment variables, printing and aborting; in the program, what throws where stderr is
full, and checks of numbers that take a NaN.
"""

import re

import gate

TEXT = gate.CPP | {".py", ".sh", ".md", ".cmake", ".txt", ".json", ".in"}
FOLDERS = ("src", "apps", "examples", "tests", "scripts", "cmake", "python", "docs", "recipes",
           "bench")

COLUMNS = 100
CONTRACT_LINES = 200  # "about 150"
SOURCE_LINES = 600    # "about 500"
FUNCTION_LINES = 80   # "about 60"
# Longer than the limits, each with the reason.
LONG = {}

PLACES = re.compile(r"(?<![\w.$}])/(?:work|root|home/\w+)/")
URL = re.compile(r"https?://([\w.-]+)")
# Hosts that a file may name: no build or script may fetch anything but distribution packages.
HOSTS = {
    "www.apache.org": "the licence",
    "www.w3.org": "the XML namespace of SVG",
    "localhost": "", "127.0.0.1": "", "example.com": "", "example.org": "",
}

# Only a program may do these. The harness is what programs print reports with.
LIBRARY = re.compile(r"(?<![\w.>:])(?:std::)?(getenv|secure_getenv|setenv|putenv|abort|exit|_exit|"
                     r"quick_exit|terminate|printf|fprintf|puts|fputs|putchar|perror)\s*\(|"
                     r"std::(cout|cerr|clog)|fmt::(print)|(environ)\b")
PROGRAM = re.compile(r"print\(\s*stderr|std::cerr|CLI::(Range|Bound|\w*Number)\b")
FUNCTION = re.compile(r"^(?:  )?(?!\s|namespace|struct|class|enum|union|if|for|while|switch|else|"
                      r"do|try|catch|//|#|\}).*\)[^;=]*\{$")


def functions(lines):
    """(first line, length) of functions at namespace scope or directly in a class."""
    start = indent = None
    for number, line in enumerate(lines, 1):
        if start is None:
            if FUNCTION.match(line):
                start, indent = number, line[:len(line) - len(line.lstrip())]
        elif line.startswith(indent + "}"):
            yield start, number - start + 1
            start = None


def lengths(tree, path, lines):
    found = []
    contract = path.parts[:3] == ("src", "nibble", "ops") and path.name == path.parts[3] + ".h"
    limit = CONTRACT_LINES if contract else SOURCE_LINES
    if path.suffix in gate.CPP | {".py", ".sh"} and len(lines) > limit and str(path) not in LONG:
        found.append(f"{path}: {len(lines)} lines, at most {limit}")
    if path.suffix in gate.CPP:
        found += [f"{path}:{at}: a function of {n} lines, at most {FUNCTION_LINES}"
                  for at, n in functions(lines) if n > FUNCTION_LINES and str(path) not in LONG]
    if path.suffix in gate.CPP | {".py", ".sh"}:
        found += [f"{path}:{number}: {len(line)} columns, at most {COLUMNS}"
                  for number, line in enumerate(lines, 1) if len(line) > COLUMNS]
    return found


def library(path, lines):
    if path.parts[:2] != ("src", "nibble") or path.parts[2] == "harness":
        return []
    if path.name in ("test.cpp", "bench.cpp") or path.name.endswith("_test.cpp"):
        return []
    found = []
    for number, line in enumerate(lines, 1):
        m = LIBRARY.search(line.split("//")[0])
        if m:
            word = next(g for g in m.groups() if g)
            found.append(f"{path}:{number}: no environment, printing or aborting here: {word}")
    return found


def program(path, lines):
    return [f"{path}:{number}: tell() of console.h or between() of numbers.h is needed here"
            for number, line in enumerate(lines, 1)
            if path.parts[0] == "apps" and PROGRAM.search(line.split("//")[0])]


def check(tree):
    found = []
    top = [p.relative_to(tree.source) for p in tree.source.glob("*")
           if p.suffix in TEXT and p.is_file()]
    for path in top + tree.files(*FOLDERS, suffixes=TEXT):
        lines = tree.read(path).splitlines()
        found += lengths(tree, path, lines) + library(path, lines)
        found += program(path, lines)
        for number, line in enumerate(lines, 1):
            if PLACES.search(line):
                found.append(f"{path}:{number}: a path of one machine: {line.strip()[:60]}")
            found += [f"{path}:{number}: names the host {host}"
                      for host in URL.findall(line) if host not in HOSTS]
    return found


BIG = "void f() {\n" + "  g();\n" * FUNCTION_LINES + "}\n"
CLEAN = {
    "src/nibble/base/a.cpp": '#include <cstdio>\nint f() {\n  return p->exit();  // printf()\n}\n',
    "apps/nibble/a.cpp": 'o->check(between(1, 2)); fmt::print("x");\n',
    "src/nibble/harness/v.cpp": 'void f() { std::printf("x"); }\n',
    "src/nibble/ops/x/x.h": "// a\n" * CONTRACT_LINES,
    "src/nibble/ops/x/test.cpp": 'int main() { printf("x"); }\n',
    "docs/a.md": "see ./work/x and https://www.w3.org/2000/svg\n",
}
PLANTS = [
    ({"src/nibble/base/a.cpp": "// " + "x" * COLUMNS + "\n"}, "columns, at most"),
    ({"src/nibble/base/a.cpp": "// a\n" * (SOURCE_LINES + 1)}, "601 lines, at most"),
    ({"src/nibble/ops/x/x.h": "// a\n" * (CONTRACT_LINES + 1)}, "201 lines, at most"),
    ({"src/nibble/base/a.cpp": BIG}, "a function of 82 lines"),
    ({"src/nibble/base/a.cpp": 'auto x = std::getenv("X");\n'}, "aborting here: getenv"),
    ({"src/nibble/train/a.cpp": 'fmt::print("x");\n'}, "aborting here: print"),
    ({"src/nibble/cpu/a.cpp": "if (!p) abort();\n"}, "aborting here: abort"),
    ({"src/nibble/cpu/a.h": "inline void f() { std::cerr << 1; }\n"}, "aborting here: cerr"),
    ({"apps/nibble/a.cpp": 'fmt::print(stderr, "x");\n'}, "tell() of console.h"),
    ({"apps/nibble/a.cpp": "o->check(CLI::Range(1, 2));\n"}, "between() of numbers.h"),
    ({"docs/a.md": "see /" + "work/main\n"}, "a path of one machine"),
    ({"scripts/a.sh": "cd /" + "home/me/x\n"}, "a path of one machine"),
    ({"scripts/a.sh": "# " + "x" * COLUMNS + "\n"}, "columns, at most"),
    ({"CMakeLists.txt": "# https:/" + "/packages.example.net/x\n"}, "names the host packages"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
