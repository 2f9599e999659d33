"""Adding a variant touches four places in one folder; adding an op, one folder and no shared file.

Does both in a copy of the tree, as CONTRIBUTING.md tells it, builds, and sees that nothing but the
two folders and generated files was compiled and that the program knows what is new.

Usage: growth.py SOURCE SCRATCH CMAKE WERROR PYTHON
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

COPIED = ("src", "apps", "examples", "cmake", "tests", "bench", "recipes", "scripts", "docs")
VARIANT = "portable_rows"
FOLDER = "src/nibble/ops/gemm_s8"
# file -> (what stands there, what shall stand there)
EDITS = {
    f"{FOLDER}/kernels.h": ("void portable(const Args&, const Exec&);\n",
                            "void portable(const Args&, const Exec&);\n"
                            f"void {VARIANT}(const Args&, const Exec&);\n"),
    f"{FOLDER}/variants.cpp": ('    {.name = "portable",',
                               f'    {{.name = "{VARIANT}",\n'
                               "     .needs = Isa::portable,\n"
                               "     .cost = at_rate<products, 1'000>,\n"
                               f"     .run = {VARIANT}}},\n"
                               '    {.name = "portable",'),
    f"{FOLDER}/CMakeLists.txt": (" cpu_portable.cpp", f" cpu_portable.cpp cpu_{VARIANT}.cpp"),
}
NEW_FILE = f"{FOLDER}/cpu_{VARIANT}.cpp"
NEW_FOLDER = "src/nibble/ops/toy_op"
COMPILED = re.compile(r"Building \w+ object (\S+)")
MAY_COMPILE = re.compile(r"/(ops/gemm_s8|ops/toy_op|generated)/")


def files_of(root):
    top = [p for p in root.glob("*") if p.is_file()]
    below = [p for folder in COPIED for p in (root / folder).rglob("*") if p.is_file()]
    return {str(p.relative_to(root)) for p in top + below if "__pycache__" not in p.parts}


def synchronise(source, copy):
    """Makes `copy` equal to `source`, leaving alone what is, so that builds stay incremental."""
    wanted = files_of(source)
    for name in files_of(copy) - wanted:
        (copy / name).unlink()
    shutil.rmtree(copy / NEW_FOLDER, ignore_errors=True)
    for name in wanted:
        new, old = source / name, copy / name
        if not old.exists() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)
            shutil.copymode(new, old)


def grow(source, copy):
    for name, (before, after) in EDITS.items():
        text = (copy / name).read_text()
        if text.count(before) != 1:
            sys.exit(f"{name} has {text.count(before)} times: {before}")
        (copy / name).write_text(text.replace(before, after))
    shutil.copyfile(source / f"tests/growth/cpu_{VARIANT}.cpp", copy / NEW_FILE)
    shutil.copytree(source / "tests/growth/toy_op", copy / NEW_FOLDER)


def contents(copy):
    return {name: (copy / name).read_bytes() for name in files_of(copy)}


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nfailed with {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


def expect(words, *command):
    output = run(*command)
    if words not in output:
        sys.exit(f"{output}\n'{words}' is missing in the output of {' '.join(map(str, command))}")


def main():
    source, scratch, cmake = map(pathlib.Path, sys.argv[1:4])
    werror, python = sys.argv[4:6]
    # Where a preset would build, so that a compiler cache knows the objects of the outer build.
    copy = scratch / "tree"
    build = copy / "build" / "growth"
    copy.mkdir(parents=True, exist_ok=True)
    synchronise(source, copy)
    jobs = os.cpu_count()
    run(cmake, "-S", copy, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        "-DNIBBLE_CUDA=OFF", f"-DNIBBLE_WERROR={werror}", f"-DNIBBLE_PYTHON={python}")
    run(cmake, "--build", build, "-j", jobs, "--target", "nibble_app", "gemm_s8_test")

    before = contents(copy)
    grow(source, copy)
    after = contents(copy)
    touched = {n for n in before | after if before.get(n) != after.get(n)}
    places = {n for n in touched if not n.startswith(NEW_FOLDER + "/")}
    if places != {*EDITS, NEW_FILE}:
        sys.exit(f"the variant touched other places than four in one folder: {sorted(places)}")
    output = run(cmake, "--build", build, "-j", jobs, "--target", "nibble_app", "gemm_s8_test",
                 "toy_op_test")
    compiled = COMPILED.findall(output)
    excess = [c for c in compiled if not MAY_COMPILE.search(c)]
    if excess or not compiled:
        sys.exit(f"compiled without need: {excess}" if excess else "nothing was compiled")

    nibble = build / "nibble"
    expect(f"green    gemm_s8/{VARIANT}", nibble, "verify", "gemm_s8")
    expect("green    toy_op/portable", nibble, "verify", "toy_op")
    expect(VARIANT, nibble, "explain", "gemm_s8")
    expect("portable", nibble, "explain", "toy_op")
    for test in ("gemm_s8_test", "toy_op_test"):
        run(next(p for p in build.rglob(test) if p.is_file()))
    print(f"two folders touched, {len(compiled)} files compiled, and both are known")


if __name__ == "__main__":
    main()
