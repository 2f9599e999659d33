"""Gate: what ptxas makes of the PTX in every CUDA object.

The PTX is taken out of the object, where it lies beside the machine code that was made of it, and
compiled once more to hear what ptxas says. Every kernel declares its budget of registers with
__launch_bounds__(threads, blocks), keeps it without a spill or a stack frame, and none gets the
remarks of ptxas on serialised wgmma and registers that cannot be had. The instructions that every
source names in a line "// PTX: a, b", what makes it fast, are there. No two kernels of an object
have the same machine code: a switch whose values make no difference is a defect. The widest load of
a kernel of an op, or its widest store if it loads nothing, moves 16 bytes a lane or more, read off
the machine code; narrow_kernels.txt has the exceptions and their reasons.
"""

import fnmatch
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import cubin
import gate

REGISTERS = 65536  # of a multiprocessor
REMARKS = re.compile(r"C7511|C7517|C7519|C7602")
NEEDS = re.compile(r"^// PTX: (.*)$", re.M)
ENTRY = re.compile(r"\.entry (\w+)\(.*?^\{", re.S | re.M)


def ptx_of(path):
    """The first PTX module in a file: text from a .version line to a zero byte."""
    data = path.read_bytes()
    at = data.find(b".version ")
    return data[at:].split(b"\0", 1)[0].decode() if at >= 0 else None


def budgets(ptx):
    """Kernel -> registers that its launch bounds leave a thread, None if it has none."""
    found = {}
    for m in ENTRY.finditer(ptx):
        threads = re.search(r"\.maxntid (\d+)(?:, (\d+))?(?:, (\d+))?", m[0])
        blocks = re.search(r"\.minnctapersm (\d+)", m[0])
        found[m[1]] = None
        if threads and blocks:
            n = int(threads[1]) * int(threads[2] or 1) * int(threads[3] or 1) * int(blocks[1])
            found[m[1]] = min(255, REGISTERS // n // 8 * 8)
    return found


def demangled(names):
    if not names or not shutil.which("c++filt"):
        return names
    run = subprocess.run(["c++filt", *names], capture_output=True, text=True, check=True)
    return {n: line.split("(", 1)[0] if "anonymous" not in line else
            line.replace("(anonymous namespace)::", "").split("(", 1)[0]
            for n, line in zip(names, run.stdout.splitlines())}


def plain_name(demangled):
    """"void a::b<c::d>" -> "b"."""
    return re.sub(r"<.*", "", demangled).split("::")[-1].split()[-1]


def exceptions(source):
    """Pattern of an op/kernel -> the reason why its accesses are narrow."""
    path = source / "tests/gates/narrow_kernels.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def narrow(place, names, code, excused):
    """Kernels of an op whose accesses are narrow, and the exceptions that were used."""
    found, used = [], set()
    for kernel, k in code.items():
        name = f"{place.split('/')[0]}/{plain_name(names[kernel])}"
        widest = k.widest_load() or k.widest_store()
        if widest >= 16:
            continue
        patterns = [p for p in excused if fnmatch.fnmatch(name, p)]
        used |= set(patterns)
        if not patterns:
            found.append(f"{place}: {names[kernel]}: its widest access to global memory is "
                         f"{widest} bytes a lane, not 16: widen it, or say why in "
                         "tests/gates/narrow_kernels.txt")
    return found, used


def judge(place, ptx, said, code):
    """What is wrong with the kernels of one module; `said` is what ptxas -v wrote."""
    found, names = [], demangled(list(dict.fromkeys([*budgets(ptx), *code])))
    for kernel, budget in budgets(ptx).items():
        about = re.search(rf"Compiling entry function '{kernel}'(.*?)(?=Compiling entry|\Z)", said,
                          re.S)
        registers = int(re.search(r"Used (\d+) registers", about[1])[1])
        stack = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores", about[1])
        name = f"{place}: {names[kernel]}"
        if budget is None:
            found.append(f"{name}: declares no budget: __launch_bounds__(threads, blocks)")
        elif registers > budget:
            found.append(f"{name}: {registers} registers, its budget is {budget}")
        if stack and (int(stack[1]) or int(stack[2])):
            found.append(f"{name}: {stack[1]} bytes of stack, {stack[2]} of spills")
    found += [f"{place}: ptxas remarks {line.strip()}" for line in said.splitlines()
              if REMARKS.search(line)]
    same = {}
    for kernel, k in code.items():
        same.setdefault(k.code, []).append(names[kernel])
    return found + [f"{place}: the same machine code: {', '.join(sorted(k))}"
                    for k in same.values() if len(k) > 1]


def ptxas():
    return shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")


def check(tree):
    assembler = ptxas()
    sources = [(f, d, a) for f, d, a in tree.commands()
               if f.suffix == ".cu" and "/src/nibble/" in str(f)]
    if not sources:
        raise gate.Skip("the build has no CUDA sources")
    if not assembler:
        raise gate.Skip("there is no ptxas")
    found, excused, used = [], exceptions(tree.source), set()
    for source, directory, arguments in sources:
        target = re.search(r"code=\[?(?:compute_\w+,)?(sm_\w+)", " ".join(arguments))[1]
        obj = directory / arguments[arguments.index("-o") + 1]
        place = "/".join(source.parts[-2:])
        if not obj.exists():
            found.append(f"{place}: not built yet, build everything first")
            continue
        ptx = ptx_of(obj)
        if ptx is None:
            found.append(f"{place}: its object has no PTX that can be read")
            continue
        with tempfile.TemporaryDirectory() as folder:
            text, out = Path(folder) / "a.ptx", Path(folder) / "a.cubin"
            text.write_text(ptx)
            run = subprocess.run([assembler, "-v", f"-arch={target}", text, "-o", out],
                                 capture_output=True, text=True)
            if run.returncode:
                found.append(f"{place}: ptxas refuses its PTX: {run.stderr.splitlines()[0]}")
                continue
            code = cubin.elf(out.read_bytes())
            found += judge(place, ptx, run.stdout + run.stderr, code)
            if source.parts[-3] == "ops":
                wrong, patterns = narrow(place, demangled(list(code)), code, excused)
                found, used = found + wrong, used | patterns
        wanted = [w.strip() for line in NEEDS.findall(source.read_text()) for w in line.split(",")]
        found += [f"{place}: no {w} in its PTX" for w in wanted if w not in ptx]
        if not wanted:
            found.append(f"{place}: a line '// PTX: a, b' is to name what makes it fast")
    found += [f"tests/gates/narrow_kernels.txt: no kernel needs the line '{p}'"
              for p in excused if p not in used]
    return found


def module(body, bounds=".maxntid 256\n.minnctapersm 2", name="k"):
    return (f".version 9.0\n.target sm_80\n.address_size 64\n\n.visible .entry {name}(\n"
            f".param .u64 p\n)\n{bounds}\n{{\n{body}\nret;\n}}\n")


def kernel(text):
    return {"build/a.o": text}


STORE = ".reg .b64 d;\nld.param.u64 d, [p];\nst.global.v4.u32 [d], {1, 1, 1, 1};"
NARROW = ".reg .b64 d;\nld.param.u64 d, [p];\nst.global.v2.u32 [d], {1, 1};"
COPY = (".reg .b64 d;\n.reg .b32 a, b;\nld.param.u64 d, [p];\nld.global.v2.u32 {a, b}, [d];\n"
        "st.global.v4.u32 [d+64], {a, b, a, b};")
LOCAL = (".local .align 4 .b8 m[4096];\n.reg .b64 d, a;\n.reg .u32 v;\nld.param.u64 d, [p];\n"
         "mov.u64 a, m;\nadd.u64 a, a, d;\nst.local.u32 [a], 1;\nld.local.u32 v, [a];\n"
         "st.volatile.global.u32 [d], v;")
EXCUSED = module(NARROW, name="narrow_one").split("64\n", 1)[1]
CLEAN = {
    "src/nibble/ops/x/cuda_sm80.cu": "// PTX: st.global\n",
    "tests/gates/narrow_kernels.txt": "# Why.\nx/narrow_*: one word a launch\n",
    "build/a.o": module(STORE) + EXCUSED,
    "build/compile_commands.json":
        '[{"directory": "@TREE@/build", "file": "@TREE@/src/nibble/ops/x/cuda_sm80.cu", "command": '
        '"nvcc -gencode arch=compute_80,code=[compute_80,sm_80] -o a.o -c x.cu"}]',
}
TWO = module(STORE) + module(STORE, name="other").split("64\n", 1)[1]
PLANTS = [
    (kernel(module(NARROW)), "widest access to global memory is 8 bytes"),
    (kernel(module(COPY)), "widest access to global memory is 8 bytes"),
    (kernel(module(STORE)), "no kernel needs the line 'x/narrow_*'"),
    (kernel(module(STORE, bounds="")), "declares no budget"),
    (kernel(module(STORE, bounds=".maxntid 256")), "declares no budget"),
    (kernel(module(LOCAL)), "bytes of stack"),
    (kernel(TWO), "the same machine code: k, other"),
    (kernel("no module\n"), "no PTX that can be read"),
    (kernel(module("nonsense;")), "ptxas refuses"),
    ({"build/a.o": None}, "not built yet"),
    ({"src/nibble/ops/x/cuda_sm80.cu": "\n"}, "is to name what makes it fast"),
    ({"src/nibble/ops/x/cuda_sm80.cu": "// PTX: fma.rn.f16x2, st.global\n"}, "no fma.rn.f16x2"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
