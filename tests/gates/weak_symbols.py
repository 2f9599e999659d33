"""Gate: objects of ISA sources define no weak symbol.

The linker keeps one copy of an inline function; were it the one compiled with AVX-512, the program
would crash on a machine without it, in code that has nothing to do with the variant.
"""

import shutil
import subprocess

import gate


def output_of(directory, arguments):
    return directory / arguments[arguments.index("-o") + 1]


def weak(nm, path):
    text = subprocess.run([nm, "-C", "--defined-only", str(path)], capture_output=True, text=True,
                          check=True).stdout
    parts = [line.split(maxsplit=2) for line in text.splitlines()]
    # u, a unique global, is the same trap for a static variable of a template. Type information
    # (which sanitizers ask for) and personality pointers are data that is the same in every copy.
    return [p[2] for p in parts if len(p) == 3 and p[1] in "WwVvu" and
            not p[2].startswith(("DW.ref.", "typeinfo for ", "typeinfo name for "))]


def check(tree):
    nm = tree.options.get("nm") or shutil.which("nm")
    listed = (tree.build / "generated/isa_sources.txt").read_text().split()
    objects = {str(f): output_of(d, a) for f, d, a in tree.commands() if "-o" in a}
    found = []
    for source in listed:
        if source not in objects:
            found.append(f"{source}: listed under an ISA and not compiled")
        elif not objects[source].exists():
            found.append(f"{objects[source]}: not built yet, build everything first")
        else:
            found += [f"{source}: weak symbol {name}" for name in weak(nm, objects[source])]
    return found


def fixture(body):
    """Compiled here, because the fixture of this gate is an object file."""
    return {"cpu_avx2.cpp": body, "build/generated/isa_sources.txt": "@TREE@/cpu_avx2.cpp\n",
            "build/compile_commands.json":
            '[{"directory": "@TREE@", "file": "@TREE@/cpu_avx2.cpp", '
            '"command": "c++ -o cpu_avx2.o -c @TREE@/cpu_avx2.cpp"}]'}


def check_compiled(tree):
    """check() of a planted tree whose object has yet to be made."""
    for file, directory, arguments in tree.commands():
        if file.exists():
            subprocess.run(arguments, cwd=directory, check=True)
    return check(tree)


CLEAN = fixture("namespace { inline int f() { return 1; } }\nint g() { return f(); }\n")
PLANTS = [
    (fixture("inline int f() { return 1; }\nint g() { return f(); }\n"), "weak symbol f()"),
    (fixture("template <class T> T f(T x) { return x; }\nint g() { return f(1); }\n"),
     "weak symbol int f<int>(int)"),
    ({"build/generated/isa_sources.txt": "@TREE@/lost.cpp\n"}, "and not compiled"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS, planted_check=check_compiled)
