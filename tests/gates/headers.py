"""Gate: every header compiles alone, and twice.

One translation unit a header, syntax only. Headers of CUDA (.cuh, and what includes the CUDA
runtime) are left to the .cu files that include them.
"""

import concurrent.futures
import os
import shutil
import subprocess

import gate

ISA = ["-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mavxvnni", "-mavx512f", "-mavx512bw",
       "-mavx512dq", "-mavx512vl", "-mavx512cd", "-mavx512vnni", "-mavx512vbmi", "-mavx512bf16",
       "-mavx512fp16"]

# Have nothing for baseline CPUs, so that neither have the kernels that include them.
VECTORS = [f'#include "nibble/cpu/{name}.h"' for name in ("narrow16", "nvfp4_blocks", "made_rows")]


def search_paths(tree):
    """Every include folder that some C++ source of the build is given."""
    flags = []
    for file, _, arguments in tree.commands() if tree.build.exists() else []:
        if file.suffix != ".cpp":
            continue
        for i, a in enumerate(arguments):
            pair = ["-isystem", arguments[i + 1]] if a == "-isystem" else [a]
            if a == "-isystem" or a.startswith("-I"):
                flags += pair if pair[-1] not in flags else []
    return flags or [f"-I{tree.source / 'src'}"]


def compile_alone(compiler, flags, source, path):
    name = source / path
    unit = f'#include "{name}"\n#include "{name}"\n'
    text = name.read_text()
    isa = ISA if any(words in text for words in ["intrin.h>", *VECTORS]) else []
    run = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", *flags, *isa, "-"],
                         input=unit, capture_output=True, text=True)
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    return f"{path}: {errors[0] if errors else run.stderr.strip()}" if run.returncode else None


def check(tree):
    compiler = tree.options.get("compiler") or shutil.which("c++")
    flags = search_paths(tree)
    headers = [p for p in tree.files("src", "apps", suffixes={".h"})
               if not any(name.startswith("cuda") for _, kind, name in tree.includes(p)
                          if kind == "<")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda p: compile_alone(compiler, flags, tree.source, p), headers)
        return [r for r in results if r]


CLEAN = {
    "src/nibble/base/a.h": "#pragma once\n#include <string>\nstruct A {\n  std::string s;\n};\n",
    "src/nibble/cpu/b.h": '#pragma once\n#include "nibble/base/a.h"\nstruct B : A {};\n',
}
PLANTS = [
    ({"src/nibble/cpu/b.h": "#pragma once\nstruct B : A {};\n"}, "cpu/b.h"),
    ({"src/nibble/base/a.h": "struct A {};\n"}, "redefinition"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
