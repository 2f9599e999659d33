"""Gate: who may include whom.

  base <- numerics <- cpu, cuda <- ops <- runtime <- models <- engine, train <- apps, python
  base, numerics, cpu, cuda <- harness <- test.cpp and bench.cpp of an op, apps, tests
"""

import gate

BELOW_OPS = {"base", "numerics", "cpu", "cuda"}
MAY = {
    "base": {"base"},
    "numerics": {"base", "numerics"},
    "cpu": {"base", "numerics", "cpu"},
    "cuda": {"base", "numerics", "cuda"},
    "ops": BELOW_OPS | {"ops"},
    "runtime": BELOW_OPS | {"ops", "runtime"},
    "models": BELOW_OPS | {"ops", "runtime", "models"},
    "engine": BELOW_OPS | {"ops", "runtime", "models", "engine"},
    "train": BELOW_OPS | {"ops", "runtime", "models", "train"},
    "harness": BELOW_OPS | {"harness"},
    "ptxrun": set(),
}
ABOVE = {"apps", "python", "tests"}
OPERATING_SYSTEM = ("sys/", "unistd.h", "pthread.h", "fcntl.h", "dlfcn.h", "sched.h", "windows.h")


def layer_of(path):
    """"ops" of src/nibble/ops/x/y.h, "apps" of apps/nibble/main.cpp."""
    parts = path.parts
    if parts[0] != "src":
        return parts[0]
    return parts[2] if parts[1] == "nibble" else parts[1]


def project_include(path, layer, name):
    """What is wrong with including the project header `name` there, or None."""
    target = name.split("/")
    if target[0] != "nibble" or len(target) < 3:
        return None
    to = target[1]
    if to == "harness" and layer == "ops" and path.name in ("test.cpp", "bench.cpp"):
        return None
    if layer not in ABOVE and to not in MAY.get(layer, set()):
        return f"{layer} may not include {to}"
    if to != "ops":
        return None
    op, header = target[2], target[-1]
    if layer == "ops":
        if op != path.parts[3] and header != f"{op}.h":
            return f"an op sees only the contract {op}.h of another op, not {header}"
    elif header == "kernels.h" and layer != "tests":
        return f"kernels.h is private to the op {op}"
    return None


def system_include(path, layer, name):
    header = name.split("/")[-1]
    if header.endswith("intrin.h") or header == "arm_neon.h":
        if not (path.name.startswith("cpu_") and path.suffix == ".cpp") and layer != "cpu":
            return f"{name} only in cpu_*.cpp and src/nibble/cpu"
    if header.startswith("cuda") and not name.startswith("nibble/"):
        if path.suffix not in (".cu", ".cuh") and layer not in ("cuda", "ptxrun"):
            return f"{name} only in .cu, .cuh and src/nibble/cuda"
    if layer == "base" and name.startswith(OPERATING_SYSTEM):
        return f"base knows no operating system: {name}"
    return None


def check(tree):
    found = []
    for path in tree.files("src", "apps", "python", "tests"):
        layer = layer_of(path)
        if path.parts[0] == "src" and layer not in MAY:
            found.append(f"{path}: {layer} is no layer of src: {', '.join(MAY)}")
            continue
        for line, kind, name in tree.includes(path):
            if kind == '"' and path.parts[:2] == ("src", "nibble"):
                if not name.startswith("nibble/"):
                    found.append(f"{path}:{line}: project headers are named from src/: {name}")
            for wrong in (project_include(path, layer, name), system_include(path, layer, name)):
                if wrong:
                    found.append(f"{path}:{line}: {wrong}")
    return found


OPS = "src/nibble/ops"
CLEAN = {
    "src/nibble/base/a.h": "#include <string>\n",
    "src/nibble/numerics/b.h": '#include "nibble/base/a.h"\n',
    f"{OPS}/x/x.h": '#include "nibble/numerics/b.h"\n',
    f"{OPS}/x/cpu_avx2.cpp": '#include <immintrin.h>\n#include "nibble/ops/x/kernels.h"\n',
    f"{OPS}/x/cuda_sm80.cu": "#include <cuda_runtime.h>\n",
    f"{OPS}/x/test.cpp": '#include "nibble/harness/verify.h"\n',
    f"{OPS}/y/reference.cpp": '#include "nibble/ops/x/x.h"\n',
    "src/nibble/engine/e.cpp": '#include "nibble/ops/x/x.h"\n#include "nibble/models/m.h"\n',
    "apps/nibble/main.cpp": '#include "command.h"\n#include "nibble/harness/verify.h"\n',
}
PLANTS = [
    ({"src/nibble/base/a.h": '#include "nibble/numerics/b.h"\n'}, "base may not include numerics"),
    ({"src/nibble/base/a.h": "#include <sys/mman.h>\n"}, "base knows no operating system"),
    ({"src/nibble/base/a.h": '#include "b.h"\n'}, "named from src/"),
    ({"src/nibble/cpu/p.h": '#include "nibble/cuda/c.h"\n'}, "cpu may not include cuda"),
    ({f"{OPS}/y/y.h": '#include "nibble/ops/x/layout.h"\n'}, "sees only the contract x.h"),
    ({f"{OPS}/y/reference.cpp": '#include "nibble/harness/verify.h"\n'}, "ops may not include har"),
    ({f"{OPS}/y/reference.cpp": "#include <immintrin.h>\n"}, "immintrin.h only in cpu_*.cpp"),
    ({f"{OPS}/y/variants.cpp": "#include <cuda_runtime.h>\n"}, "cuda_runtime.h only in .cu"),
    ({"src/nibble/engine/e.cpp": '#include "nibble/train/t.h"\n'}, "engine may not include train"),
    ({"src/nibble/train/t.cpp": '# include "nibble/engine/e.h"\n'}, "train may not include engine"),
    ({"src/nibble/train/t.cpp": '#include "nibble/ops/x/kernels.h"\n'}, "private to the op x"),
    ({"src/nibble/harness/h.h": '#include "nibble/ops/x/x.h"\n'}, "harness may not include ops"),
    ({"src/nibble/utils/u.h": "\n"}, "utils is no layer"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
