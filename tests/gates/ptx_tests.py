"""Gate: every instruction of src/nibble/cuda/ptx/ has its test.

A function there stands for one instruction. The programs of tests/cuda/ name it, or name another
function of its header that calls it, as wait() does try_wait().
"""

import re

import gate

PTX = "src/nibble/cuda/ptx"
FUNCTION = re.compile(r"__device__ __forceinline__ [^;{}()]*?\b(\w+)\(")


def bodies(text):
    """Function -> what stands between its name and the next function's."""
    found = {}
    starts = list(FUNCTION.finditer(text))
    for m, after in zip(starts, [*starts[1:], None]):
        found[m[1]] = found.get(m[1], "") + text[m.end():after.start() if after else None]
    return found


def names(text, function):
    return re.search(rf"\b{function}\b", re.sub(r"//.*", "", text)) is not None


def check(tree):
    tests = "\n".join(tree.read(p) for p in tree.files("tests/cuda", suffixes={".cu", ".cuh"}))
    found = []
    for path in tree.files(PTX, suffixes={".cuh"}):
        functions = bodies(tree.read(path))
        tested = {f for f in functions if names(tests, f)}
        while more := {f for f in functions.keys() - tested
                       if any(names(functions[t], f) for t in tested)}:
            tested |= more
        found += [f"{path}: no program of tests/cuda names {f}()"
                  for f in functions if f not in tested]
    return found


ONE = "__device__ __forceinline__ uint32_t {}(uint32_t a) {{\n  asm(\"{}\");\n}}\n"
CLEAN = {
    f"{PTX}/x.cuh": ONE.format("permute", "prmt") + ONE.format("try_wait", "wait") +
    "template <int N>\n__device__ __forceinline__ void wait(int a) {\n  while (!try_wait(a)) {\n"
    "  }\n}\n",
    "tests/cuda/ptx_sm80.cu": "ptx::permute(1), ptx::wait<3>(2);\n",
}
PLANTS = [
    ({f"{PTX}/y.cuh": ONE.format("lost", "prmt")}, "y.cuh: no program of tests/cuda names lost()"),
    ({f"{PTX}/y.cuh": ONE.format("perm", "prmt")}, "names perm()"),
    ({"tests/cuda/ptx_sm80.cu": "// permute\nptx::wait<3>(2);\n"}, "names permute()"),
    ({"tests/cuda/ptx_sm80.cu": "ptx::permute(1);\n"}, "names try_wait()"),
    # Named, but by a header that has no function that calls it.
    ({f"{PTX}/y.cuh": "// try_wait\n" + ONE.format("alone", "prmt"),
      "tests/cuda/ptx_sm80.cu": "ptx::permute(1), ptx::alone(1);\n"}, "names wait()"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
