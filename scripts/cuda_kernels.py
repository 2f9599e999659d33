"""cuda_kernels.py PROGRAM PTXRUN FILE [--write]: docs/cuda-kernels.md is what the build gives.

Every CUDA variant is launched once by `nibble bench all --device --once --least`, under ptxrun on
each virtual device, and on the cases of MORE, which take other kernels or layouts: its counters and
the machine code in PROGRAM make the tables. Fails if FILE says something else, if a kernel of an op
was not launched, if one moves more sectors or bank cycles than the least and the NOTES.md
of its op does not explain it under the id that the table has, or if the accesses that move most of
a kernel's bytes are under 16 bytes a lane and tests/gates/narrow_kernels.txt does not excuse it.
"""
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/gates"))
import cubin  # noqa: E402
import cuda_code  # noqa: E402

# Datasheets: bytes a second, multiprocessors, boost clock in Hz; the variants it may take, best
# first.
PLAIN = ["sm89", "sm80"]
DEVICES = {
    "L4": (300e9, 58, 2.040e9, PLAIN),
    "H100": (3.35e12, 132, 1.980e9, ["sm90a", *PLAIN]),
    "H200": (4.8e12, 132, 1.980e9, ["sm90a", *PLAIN]),
    "B200": (8.0e12, 148, 1.965e9, ["sm100a", *PLAIN]),
    "RTX PRO 6000": (1.792e12, 188, 2.617e9, ["sm120f", *PLAIN]),
}
SCHEDULERS = 4  # of a multiprocessor, each a warp instruction a clock
VIRTUAL = {"sm80": "sm_80", "sm89": "sm_89", "sm90a": "sm_90a", "sm100a": "sm_100a",
           "sm120f": "sm_120"}
NEWLINE = "\n"
# Second stages, more rows of activations, scales in atoms, other modes; of orders of codes each
# variant takes its own.
SHAPES = ["worst", "m33_k2112_128x4"]
MORE = {
    "encode_fp8": ["bench_square128_bf16"],
    "encode_nvfp4": ["4o6-te_random_f32"],
    "gemv_fp8_bf16": ["wraps_m1_n16_k9296"],
    "gemv_mxfp4_s8": ["wraps_m1_n17_k18752"],
    "gemv_nvfp4": SHAPES,
    "gemv_nvfp4_fp16": [s + order for s in SHAPES for order in ("", "_shifted")],
    "magnitudes": ["bf16_random_c16"],
}
# Multiply-adds of a lane in one turn of a kernel's loop over weights, times its last arguments.
TURNS = re.compile(r"::gemv_nvfp4\w*_rows<.*, (\d+), (\d+)>$")
LANE_ELEMENTS = 32
PRODUCT = re.compile(r"(dual_|grouped_)?gem[mv]_")


def predicted_us(device, bytes_, warps):
    """Microseconds that the bytes take, and that the instructions take."""
    bandwidth, multiprocessors, clock, _ = DEVICES[device]
    return bytes_ / bandwidth * 1e6, warps / (SCHEDULERS * multiprocessors * clock) * 1e6


def elements(launch):
    """A multiply-add of a product; of what else there is, an element of the largest buffer."""
    return launch["ops"] // 2 if PRODUCT.match(launch["op"]) else launch["elements"]


def run(program, ptxrun, op, variant, case=None):
    """What was launched, and the counters of its kernels; nothing of a case it does not take."""
    with tempfile.TemporaryDirectory() as folder:
        stats = pathlib.Path(folder) / "stats.json"
        done = subprocess.run(
            [ptxrun, "--device", VIRTUAL[variant.split("_")[0]], "--check", "none",
             "--threads", "1", "--stats", stats, program, "bench", op, "--device", "--once",
             *(["--case", case] if case else ["--least"]), "--json", "--variant", variant],
            capture_output=True, text=True)
        if case and done.returncode == 77:
            return None
        if done.returncode:
            raise SystemExit(f"{op}/{variant}: {done.stdout}{done.stderr}")
        launches = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
        assert len(launches) == 1, f"{op}/{variant}: {len(launches)} launches"
        return launches[0], json.loads(stats.read_text())["kernels"]


def streamed(kernel):
    """Bytes a lane of the instruction that moves most of what passes between memory and kernel."""
    moved = {name: c["ideal_sectors"] for name, c in kernel["mix"].items() if "ideal_sectors" in c}
    if not moved:
        return 0
    name = max(moved, key=moved.get)
    if name.startswith("cp.async"):
        return 16  # in bulk, or .cg, which moves no less
    shape = re.search(r"(?:\.v(\d))?\.[busf](\d+)$", name)
    return int(shape[1] or 1) * int(shape[2]) // 8


def ratio(kernel, what):
    least = sum(c.get(f"ideal_{what}", 0) for c in kernel["mix"].values())
    return sum(c.get(what, 0) for c in kernel["mix"].values()) / least if least else None


def rows_of(launch, kernels, code):
    variant = launch["variant"]
    arch = int(re.match(r"sm(\d+)", variant)[1])
    names = cuda_code.demangled([k["name"] for k in kernels])
    for k in kernels:
        machine = code[arch, k["name"]]
        turns = TURNS.search(names[k["name"]])
        turn = LANE_ELEMENTS * int(turns[1]) * int(turns[2]) if turns else 0
        yield {"op": launch["op"], "variant": variant, "case": launch["case"],
               "kernel": cuda_code.plain_name(names[k["name"]]), "symbol": k["name"], "arch": arch,
               "alu": machine.alu_of_loop() / turn if turn else None,
               "registers": machine.registers, "shared": machine.shared,
               "widest": machine.widest_load() or machine.widest_store(),
               "streamed": streamed(k),
               "code": sum(1 for _ in machine.instructions()),
               "per_element": k["total"]["lanes"] / elements(launch),
               "warps": k["total"]["warps"], "sectors": ratio(k, "sectors"),
               "wavefronts": ratio(k, "wavefronts")}


def shown(value, digits=2):
    return "" if value is None else f"{value:.{digits}f}"


def predictions(launches, rows):
    lines = ["| op, case | MB | " + " | ".join(DEVICES) + " |",
             "|---|---:" + "|---:" * len(DEVICES) + "|"]
    for op in dict.fromkeys(launch["op"] for launch in launches):
        mine = {launch["variant"]: launch for launch in launches if launch["op"] == op}
        some = next(iter(mine.values()))
        cells = []
        for device, (*_, variants) in DEVICES.items():
            variant = next((v for v in variants if v in mine), None)
            warps = sum(r["warps"] for r in rows if (r["op"], r["variant"]) == (op, variant))
            memory, issue = predicted_us(device, some["bytes"], warps)
            longer = f" ({issue:.1f})" if issue > memory else ""
            cells.append("" if variant is None else f"{memory:.1f}{longer}")
        lines.append(f"| {op}, {some['case']} | {some['bytes'] / 1e6:.1f} | " + " | ".join(cells) +
                     " |")
    return lines


def without_repetition(rows):
    """A kernel again only where its ratios or its machine code are others."""
    seen = set()
    for r in rows:
        key = (r["op"], r["variant"], r["kernel"], r["symbol"], shown(r["sectors"]),
               shown(r["wavefronts"]))
        if key not in seen:
            yield r
        seen.add(key)


def family(arch, name):
    """A kernel whatever its sizes: namespace, name, of the skeleton of panels the format."""
    place = re.search(r"\bnibble::(?:cuda::)?(\w+)::", name)
    panels = re.search(r"\w+Panels", name)
    return (arch, place[1] if place else "", cuda_code.plain_name(name),
            panels[0] if panels else "")


def unlaunched(rows, code, ops):
    """Kernels of ops in the machine code that no row has."""
    names = cuda_code.demangled([name for _, name in code])
    launched = {family(r["arch"], names[r["symbol"]]) for r in rows}
    for arch, name in sorted(code):
        kernel = family(arch, names[name])
        if kernel[1] in {*ops, "tile"} and kernel not in launched:
            launched.add(kernel)
            yield f"sm_{arch}: {names[name]} was not launched: add a case to MORE"


def kernel_table(rows):
    lines = ["| op, variant | case | kernel | registers | shared | code | widest | streamed | PTX "
             "an element | ALU | sectors | banks |",
             "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for r in rows:
        lines.append(f"| {r['op']}, {r['variant']} | {r['case']} | {r['kernel']} | "
                     f"{r['registers']} | "
                     f"{r['shared']} | {r['code']} | {r['widest']} | {r['streamed']} | "
                     f"{shown(r['per_element'])} | {shown(r['alu'])} | {shown(r['sectors'])} | "
                     f"{shown(r['wavefronts'])} |")
    return lines


def document(launches, least, rows, toolkit):
    devices = "; ".join(f"{name} {b / 1e12:.3g} TB/s, {m}, {c / 1e9:.3f} GHz"
                        for name, (b, m, c, _) in DEVICES.items())
    return f"""# CUDA kernels

Written by `scripts/cuda_kernels.py`, which a test runs on every build. No GPU was asked.

## Predicted time

Predictions in microseconds, nothing was measured: bytes / bandwidth, cold, of the op's least bytes;
and in brackets, where it is more, warp instructions / (4 * multiprocessors * boost clock), of the
PTX instructions that ptxrun counts in the variant for the device. Of each op the bench case that
moves the fewest bytes.

Bandwidth, multiprocessors, boost clock: {devices}.

{NEWLINE.join(predictions(launches, least))}

## Kernels

From the machine code of {toolkit}: registers, bytes of static shared memory, instructions in all,
bytes a lane of the widest access to global memory. From ptxrun, in the same launches: bytes a lane
of the access that moves the most, 16 but for kernels that `tests/gates/narrow_kernels.txt` excuses;
PTX instructions an element, which is a multiply-add of a product, else an element of the op's
largest buffer; sectors of global memory, and cycles of the banks of shared memory, over the least
possible. ALU: of NVFP4, operations of the integer pipe a multiply-add, counted in the machine code
of the loop over weights; those of a thread, not of a case. A kernel has a row for every case that
gives other ratios.
They are 1.00, or the op's NOTES.md explains them under `sectors:KERNEL` or `banks:KERNEL`.

{NEWLINE.join(kernel_table(rows))}
"""


def unexplained(rows, notes, excused=()):
    """Ratios over 1.00 that no id in the op's NOTES.md explains; narrow streams without excuse."""
    for r in rows:
        name = f"{r['op']}/{r['kernel']}"
        if r["streamed"] < 16 and not any(fnmatch.fnmatch(name, p) for p in excused):
            yield (f"{r['op']}/{r['variant']}: {r['kernel']} streams {r['streamed']} bytes a lane, "
                   "not 16: widen it, or say why in tests/gates/narrow_kernels.txt")
        for what, title in (("sectors", "sectors"), ("wavefronts", "banks")):
            if r[what] is not None and shown(r[what]) != "1.00":
                if f"`{title}:{r['kernel']}`" not in notes(r["op"]):
                    yield (f"{r['op']}/{r['variant']}: {r['kernel']} has {shown(r[what])} times "
                           f"the least {title}: make it 1.00, or explain `{title}:{r['kernel']}` "
                           "in NOTES.md")


def self_test():
    # 300 GB/s: 300,000 bytes a microsecond; 58 multiprocessors have 473,280 slots in one.
    memory, issue = predicted_us("L4", 3_000_000, 473_280 * 5)
    assert abs(memory - 10) < 1e-9 and abs(issue - 5) < 1e-9
    launch = {"op": "x", "variant": "sm80", "case": "c", "bytes": 300_000}
    row = {"op": "x", "variant": "sm80", "warps": 473_280 * 5}
    assert predictions([launch], [row])[2].startswith("| x, c | 0.3 | 1.0 (5.0) | 0.1 (")
    row = {"op": "x", "variant": "sm80", "kernel": "k", "sectors": 1.004, "wavefronts": None,
           "streamed": 16}
    assert list(unexplained([row], lambda op: "")) == []
    assert len(list(unexplained([row | {"sectors": 1.006}], lambda op: "`banks:k`"))) == 1
    assert list(unexplained([row | {"wavefronts": 2.0}], lambda op: "`banks:k` is")) == []
    assert len(list(unexplained([row | {"streamed": 8}], lambda op: "", ["y/*"]))) == 1
    assert list(unexplained([row | {"streamed": 8}], lambda op: "", ["x/k*"])) == []
    one, two = "nibble::x::k<nibble::A, 1, true>", "nibble::x::k<nibble::A, 4, true>"
    code = {(80, one): 0, (80, two): 0, (80, "nibble::y::k"): 0}
    assert len(list(unlaunched([], code, {"x", "y"}))) == 2
    assert len(list(unlaunched([{"arch": 80, "symbol": two}], code, {"x", "y"}))) == 1
    assert list(unlaunched([{"arch": 80, "symbol": two}], code, {"x"})) == []
    row |= {"symbol": one, "wavefronts": None}
    same = [row, row | {"sectors": 1.003}, row | {"sectors": 1.5}, row | {"symbol": two}]
    assert list(without_repetition(same)) == [same[0], same[2], same[3]]
    mix = {"ld.global.v4.b32": {"ideal_sectors": 1}, "ld.global.nc.v2.u16": {"ideal_sectors": 9}}
    assert streamed({"mix": mix}) == 4 and streamed({"mix": {"add.u32": {}}}) == 0
    assert streamed({"mix": {"ld.global.f32": {"ideal_sectors": 1}}}) == 4


def self_test_of_loops():
    """A 16-byte load, a logic operation, a branch back to the load: of both kinds of branches."""
    load, logic, ones = (0x981, 6 << 9), (0x212, 0), 0x3ffff
    for architecture, branch in ((89, (-48 & 0xffffffff) << 32 | 0x947),
                                 (90, (-4 & 0xffffffff) << 32 | (-12 & 255) << 16 | 0x947)):
        words = [logic, load, logic, (branch, ones)]
        kernel = cubin.Kernel(b"".join(struct.pack("<QQ", *w) for w in words), architecture)
        assert list(kernel.loops()) == [(1, 3)], architecture
        assert kernel.alu_of_loop() == 1, architecture


def variants_of(program):
    """(op, variant) of every CUDA variant of the program; where there is no GPU, none runs."""
    done = subprocess.run([program, "verify", "all", "--device", "--json"], capture_output=True,
                          text=True)
    listed = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
    return [(j["op"], j["variant"]) for j in listed if j["isa"].startswith("sm")]


def main():
    program, ptxrun, path = (pathlib.Path(a) for a in sys.argv[1:4])
    self_test()
    self_test_of_loops()
    code = cubin.in_object(program)
    pairs = variants_of(program)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda p: run(program, ptxrun, *p), pairs))
        more = pool.map(lambda p: run(program, ptxrun, *p), [
            (op, variant, case) for op, variant in pairs for case in MORE.get(op, [])])
        further = [m for m in more if m]
    launches = [launch for launch, _ in results]
    least = [r for launch, kernels in results for r in rows_of(launch, kernels, code)]
    rows = least + [r for launch, kernels in further for r in rows_of(launch, kernels, code)]
    order = {pair: i for i, pair in enumerate(pairs)}
    rows = list(without_repetition(sorted(rows, key=lambda r: order[r["op"], r["variant"]])))
    version = subprocess.run([cuda_code.ptxas(), "--version"], capture_output=True, text=True)
    toolkit = "ptxas " + re.search(r"V([\d.]+)", version.stdout)[1]
    wrong = list(unexplained(rows, lambda op: text_of(
        HERE.parent / f"src/nibble/ops/{op}/NOTES.md"), cuda_code.exceptions(HERE.parent)))
    wrong += unlaunched(rows, code, {op for op, _ in pairs})
    now = document(launches, least, rows, toolkit)
    if "--write" in sys.argv:
        path.write_text(now)
    elif (written := re.search(r"ptxas [\d.]+\d", text_of(path))) and written[0] != toolkit:
        print(f"{path.name} was written with {written[0]}, this is {toolkit}: not compared")
        return 1 if wrong else 77
    elif text_of(path) != now:
        wrong.append(f"{path.name} is not what the build gives: run scripts/cuda_kernels.py with "
                     "--write")
    for line in wrong:
        print(line)
    print(f"{len(rows)} kernels of {len(pairs)} variants")
    return 1 if wrong else 0


def text_of(path):
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
