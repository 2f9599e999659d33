"""Gate: what the compiler is told.

No flag may change arithmetic or tie the build to this machine's processor, and only cpu_*.cpp files
listed under an ISA may be compiled for more than the baseline: anything else would crash, or round
differently, elsewhere. ptxrun's library is compiled whole for one more level and loaded by a
command that looks at the processor first; -ffp-contract=off keeps it to the same bits.
"""

import re

import gate

FORBIDDEN = re.compile(r"^(-Ofast|-O3|-ffast-math|-funsafe-math-optimizations|-fassociative-math|"
                       r"-freciprocal-math|-ffinite-math-only|-use_fast_math|"
                       r"--use_fast_math|-ftz=true|--ftz=true|-ffp-contract=(fast|on)|"
                       r"-m(arch|tune|cpu)=native)$")
ISA = re.compile(r"^-m(avx|sse[34]|ssse3|fma|f16c|bmi|lzcnt|popcnt|amx|arch=)")
ISA_FILE = re.compile(r"src/nibble/ops/\w+/cpu_avx\w*\.cpp$|src/nibble/cpu/\w*avx\w*\.cpp$")
LIBRARY = re.compile(r"src/ptxrun/(?!main\.cpp)\w+\.cpp$")


def check(tree):
    found = []
    for file, _, arguments in tree.commands():
        found += [f"{file}: compiled with {a}" for a in arguments if FORBIDDEN.match(a)]
        isa = [a for a in arguments if ISA.match(a)]
        if LIBRARY.search(str(file)) and isa == ["-march=x86-64-v3"] and \
                "-ffp-contract=off" in arguments:
            continue
        if isa and not ISA_FILE.search(str(file)):
            found.append(f"{file}: compiled for more than the baseline: {' '.join(isa)}")
        if file.suffix == ".cpp" and "src/nibble" in str(file) and \
                "-ffp-contract=off" not in arguments:
            found.append(f"{file}: compiled without -ffp-contract=off")
    return found


def commands(*flags, file="src/nibble/ops/x/cpu_avx2.cpp"):
    text = " ".join(flags)
    return {"build/compile_commands.json":
            f'[{{"directory": "/b", "command": "c++ {text} -c /s/{file}", "file": "/s/{file}"}}]'}


EXACT = "-ffp-contract=off"
CLEAN = commands("-O2", EXACT, "-mavx2", "-mfma")
PLANTS = [
    (commands(EXACT, "-march=native"), "compiled with -march=native"),
    (commands(EXACT, "-ffast-math"), "compiled with -ffast-math"),
    (commands("--use_fast_math", file="src/nibble/ops/x/cuda_sm80.cu"), "--use_fast_math"),
    (commands(EXACT, "-mavx2", file="src/nibble/base/a.cpp"), "more than the baseline: -mavx2"),
    (commands(EXACT, "-march=haswell", file="apps/main.cpp"), "more than the baseline"),
    (commands("-O2"), "without -ffp-contract=off"),
    (commands("-march=x86-64-v3", file="src/ptxrun/op_float.cpp"), "more than the baseline"),
    (commands(EXACT, "-march=x86-64-v3", file="src/ptxrun/main.cpp"), "more than the baseline"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
