"""Gate: every op is reached from an app or a model.

An op is reached when a source of runtime, models, engine, train, apps or of the Python package
includes its contract, or when an op that is reached does. The registry does not count: `verify`
walks every op.
"""

import gate

# Ops that nothing calls, one "op: reason" a line. An entry that is not true is a violation.
EXCEPTIONS = "tests/gates/unreached_ops.txt"


def exceptions(tree):
    if not (tree.source / EXCEPTIONS).exists():
        return {}
    lines = [line.partition(":") for line in tree.read(EXCEPTIONS).splitlines() if line.strip()]
    return {op.strip(): reason.strip() for op, _, reason in lines}


def callers(tree):
    above = ["src/nibble/" + x for x in ("runtime", "models", "engine", "train")]
    all_files = tree.files("apps", "python/src", *above)
    files = [p for p in all_files if not p.name.endswith("_test.cpp")]
    return {name for p in files for _, _, name in tree.includes(p)}


def check(tree):
    excepted = exceptions(tree)
    ops = tree.ops()
    contract = {op: f"nibble/ops/{op}/{op}.h" for op in ops}
    uses = {}
    for op in ops:
        own = [p for p in tree.files(f"src/nibble/ops/{op}")
               if p.name not in ("test.cpp", "bench.cpp", "cases.h")]
        names = {name for p in own for _, _, name in tree.includes(p)}
        uses[op] = {o for o in ops if o != op and contract[o] in names}
    named = callers(tree)
    # Any header of the folder will do: a contract's layout.h may be all that a caller needs.
    queue = [op for op in ops if any(n.startswith(f"nibble/ops/{op}/") for n in named)]
    reached = set()
    while queue:
        op = queue.pop()
        if op not in reached:
            reached.add(op)
            queue += uses[op]
    found = [f"src/nibble/ops/{op}: no app or model reaches it, and {EXCEPTIONS} does not say why"
             for op in ops if op not in reached and not excepted.get(op)]
    found += [f"{EXCEPTIONS}: {op} is {'reached' if op in reached else 'no op'}: remove the line"
              for op in excepted if op in reached or op not in ops]
    return found


OPS = "src/nibble/ops"
CLEAN = {
    f"{OPS}/x/CMakeLists.txt": "\n",
    f"{OPS}/x/reference.cpp": '#include "nibble/ops/y/y.h"\n',
    f"{OPS}/y/CMakeLists.txt": "\n",
    f"{OPS}/unused/CMakeLists.txt": "\n",
    EXCEPTIONS: "unused: kept for a comparison\n",
    "src/nibble/train/t.cpp": '#include "nibble/ops/x/x.h"\n',
}
PLANTS = [
    ({f"{OPS}/z/CMakeLists.txt": "\n"}, "z: no app or model"),
    ({f"{OPS}/x/reference.cpp": "\n"}, "y: no app or model"),
    ({"src/nibble/train/t.cpp": "\n", "src/nibble/train/t_test.cpp": '#include "nibble/ops/x/x.h"'},
     "x: no app or model"),
    ({f"{OPS}/z/CMakeLists.txt": "\n", EXCEPTIONS: "z:\n"}, "z: no app or model"),
    ({EXCEPTIONS: "x: not wired up yet\n"}, "x is reached: remove"),
    ({EXCEPTIONS: "gone: not wired up yet\n"}, "gone is no op: remove"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
