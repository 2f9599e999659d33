"""Gate: every source is built, and every variant file has a row of its name in its op's table.

CUDA sources, and ptxrun, which executes them, are looked for among the targets only where the build
has a CUDA compiler. python/ is a project of its own, which pip configures: a source is built there
if its CMakeLists.txt names it.
"""

import re

import gate

NAME = re.compile(r'\.name\s*=\s*"([^"]+)"')

# Sources that an option of the build leaves out: folder or file -> the cache entry that says so.
OPTIONAL = {
    "src/nibble/runtime/communicator_mpi": "NIBBLE_HAVE_MPI:INTERNAL=ON",
    "apps/": "NIBBLE_APPS:BOOL=ON",
    "src/nibble/cuda/none.cpp": "NIBBLE_HAVE_CUDA:INTERNAL=OFF",
    **{f"src/nibble/cuda/{part}.cpp": "NIBBLE_HAVE_CUDA:INTERNAL=ON"
       for part in ("ceilings", "device", "memory", "nvtx", "stream")},
}


def unbuilt(tree):
    built = {str(file) for file, _, _ in tree.commands()}
    # ptxrun's test programs are compiled by custom commands, which only build.ninja knows.
    rules = tree.build / "build.ninja"
    custom = rules.read_text() if rules.exists() else ""
    cache = (tree.build / "CMakeCache.txt").read_text()
    cuda = re.search(r"^CMAKE_CUDA_COMPILER:\w+=(?!.*NOTFOUND).+", cache, re.M)
    found = []
    listing = tree.source / "python/CMakeLists.txt"
    named = listing.read_text().split() if listing.exists() else []
    found += [f"{path}: in no target" for path in tree.files("python", suffixes={".cpp"})
              if str(path.relative_to("python")) not in [n.strip("()") for n in named]]
    for path in tree.files("src", "apps", suffixes={".cpp", ".cu"}):
        if (path.suffix == ".cu" or path.parts[1] == "ptxrun") and not cuda:
            continue
        if any(str(path).startswith(p) and on not in cache for p, on in OPTIONAL.items()):
            continue
        if str(tree.source / path) not in built and str(tree.source / path) not in custom:
            found.append(f"{path}: in no target")
    return found


def tables(tree):
    found = []
    for op in tree.ops():
        folder = f"src/nibble/ops/{op}"
        files = {p.stem.split("_", 1)[1]: p for p in tree.files(folder, suffixes={".cpp", ".cu"})
                 if re.match(r"cpu_.*\.cpp|cuda_.*\.cu$", p.name)}
        if not (tree.source / folder / "variants.cpp").exists():
            found.append(f"{folder}: no variants.cpp, so no table")
            continue
        rows = NAME.findall(tree.read(f"{folder}/variants.cpp"))
        found += [f"{folder}/variants.cpp: two rows are called '{r}'"
                  for r in sorted({r for r in rows if rows.count(r) > 1})]
        found += [f"{path}: no row '{name}' in variants.cpp"
                  for name, path in files.items() if name not in rows]
        found += [f"{folder}/variants.cpp: row '{r}' has no file cpu_{r}.cpp or cuda_{r}.cu"
                  for r in sorted(set(rows)) if r not in files]
    return found


def check(tree):
    return unbuilt(tree) + tables(tree)


def commands(*files):
    entries = ", ".join(f'{{"directory": "@TREE@/build", "command": "c++ -c @TREE@/{f}", '
                        f'"file": "@TREE@/{f}"}}' for f in files)
    return f"[{entries}]"


X = "src/nibble/ops/x"
CLEAN = {
    f"{X}/CMakeLists.txt": "nibble_op(x)\n",
    f"{X}/variants.cpp": '{.name = "avx2", .run = avx2}, {.name = "sm80"}\n',
    f"{X}/cpu_avx2.cpp": "\n",
    f"{X}/cuda_sm80.cu": "\n",
    "src/ptxrun/main.cpp": "\n",
    "python/CMakeLists.txt": "add_module(x src/a.cpp)\n",
    "python/src/a.cpp": "\n",
    "build/CMakeCache.txt": "NIBBLE_APPS:BOOL=ON\n",
    "build/compile_commands.json": commands(f"{X}/variants.cpp", f"{X}/cpu_avx2.cpp"),
}
PLANTS = [
    ({"src/nibble/base/lost.cpp": "\n"}, "lost.cpp: in no target"),
    ({"apps/nibble/cmd_lost.cpp": "\n"}, "cmd_lost.cpp: in no target"),
    ({"python/src/lost.cpp": "\n"}, "python/src/lost.cpp: in no target"),
    ({"build/CMakeCache.txt": "CMAKE_CUDA_COMPILER:FILEPATH=/nvcc\n"}, "sm80.cu: in no target"),
    ({"build/CMakeCache.txt": "CMAKE_CUDA_COMPILER:FILEPATH=/nvcc\n"}, "main.cpp: in no target"),
    ({f"{X}/variants.cpp": '{.name = "sm80"}\n'}, "no row 'avx2'"),
    ({f"{X}/cuda_sm80.cu": None}, "row 'sm80' has no file"),
    ({f"{X}/variants.cpp": '{.name = "avx2"}, {.name = "avx2"}, {.name = "sm80"}\n'}, "two rows"),
    ({f"{X}/variants.cpp": None}, "no variants.cpp"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
