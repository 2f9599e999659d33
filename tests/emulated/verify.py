"""Runs `nibble verify all` under qemu-x86_64 as a lesser CPU: every variant that this CPU has must
run and agree, and no other may.

Usage: verify.py QEMU CPU NIBBLE
"""

import json
import subprocess
import sys

# What the emulator has to leave out of the model, and the words of Variant::needs that remain.
CPUS = {
    "Haswell": ("Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm", {"portable", "avx2"}),
    "Nehalem": ("Nehalem", {"portable"}),
}


def judge(reports, has):
    wrong = []
    for r in reports:
        name = f'{r["op"]}/{r["variant"]}'
        able = set(r["isa"].split("+")) <= has
        if able and r["cases"] == 0:
            wrong.append(f'{name} did not run: {r.get("not_run", "no reason given")}')
        if not able and r["cases"] > 0:
            wrong.append(f'{name} ran on a CPU without {r["isa"]}')
        wrong += r.get("failures", []) or ([f"{name} failed"] if r["failed"] else [])
    ran = {isa for r in reports if r["cases"] for isa in r["isa"].split("+")}
    wrong += [f"no variant for {isa} ran" for isa in sorted(has - ran)]
    return wrong


def self_test():
    def report(isa, cases, failed=0):
        return {"op": "x", "variant": "v", "isa": isa, "cases": cases, "failed": failed}
    has = {"portable", "avx2"}
    good = [report("portable", 1), report("avx2", 1), report("avx2+avx512", 0)]
    assert judge(good, has) == []
    assert judge([report("portable", 1), report("avx2", 0)], has)
    assert judge(good[:2] + [report("avx2+avx512", 1)], has)
    assert judge(good + [report("avx2", 1, failed=1)], has)


def main():
    self_test()
    qemu, cpu, nibble = sys.argv[1:]
    model, has = CPUS[cpu]
    run = subprocess.run([qemu, "-cpu", model, nibble, "verify", "all", "--json", "--emulated"],
                         capture_output=True, text=True)
    reports = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    wrong = judge(reports, has)
    if run.returncode != 0:
        wrong.append(f"exit status {run.returncode}: {run.stderr.strip()}")
    for line in wrong:
        print(line)
    print(f'{sum(r["cases"] > 0 for r in reports)} variants ran as {cpu}')
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
