"""The weights after 5 updates are the same bits however they were computed.

Usage: exact.py quick|full NIBBLE MPIRUN QEMU   (MPIRUN, QEMU: a path, or empty where there is none)

quick: a few numbers of threads and ranks, for each recipe. full: 1, 2, 7 threads x 1, 2,
3 ranks, on this machine's best instructions and, under qemu, on a CPU with AVX2 and one without.
"""
import pathlib
import sys
import tempfile

import nibble

STEPS = 5
CPUS = {"native": None,
        "avx2": "Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm",
        "portable": "Nehalem"}
SHORT = [("native", 1, 1), ("native", 2, 1), ("native", 1, 2), ("native", 2, 3)]
WIDE = [(isa, threads, ranks) for isa in CPUS for threads in (1, 2, 7) for ranks in (1, 2, 3)]


def main():
    mode, program, mpi, qemu = sys.argv[1:]
    ways = WIDE if mode == "full" else SHORT
    left_out = [w for w in ways if (w[0] != "native" and not qemu) or (w[2] > 1 and not mpi)]
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="nibble-exact-") as name:
        tmp = pathlib.Path(name)
        nibble.write_text(tmp / "text")
        for recipe in nibble.RECIPES:
            hashes = {}
            for isa, threads, ranks in (w for w in ways if w not in left_out):
                run = tmp / f"{recipe}-{isa}-{threads}-{ranks}"
                start = [program] if isa == "native" else [qemu, "-cpu", CPUS[isa], program]
                command = nibble.train(start, tmp / "text", run, recipe, "--steps", STEPS,
                                       "--threads", threads, "--quiet")
                nibble.ran(nibble.mpirun(ranks, command, mpi) if ranks > 1 else command)
                hashes.setdefault(nibble.state(run, STEPS), []).append((isa, threads, ranks))
            wrong += len(hashes) != 1
            for digest, who in hashes.items():
                print(f"{recipe}: {digest} {len(who)} ways{'' if len(hashes) == 1 else who}")
    for isa, threads, ranks in left_out:
        print(f"not run: {isa}, {threads} threads, {ranks} ranks: not everything is installed")
    return wrong > 0


sys.exit(main())
