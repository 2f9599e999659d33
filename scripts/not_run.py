"""Says what a test run left out and why. Usage: not_run.py BUILD_DIR (which holds tests.xml)"""

import json
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ET


def skipped(report: pathlib.Path) -> list[str]:
    """Tests that ran nothing, each with the last line it printed."""
    lines = []
    for case in ET.parse(report).getroot().iter("testcase"):
        if case.get("status") not in ("notrun", "disabled") and case.find("skipped") is None:
            continue
        output = (case.findtext("system-out") or "").strip().splitlines()
        lines.append(f'{case.get("name")}: {output[-1].strip() if output else "it gave no reason"}')
    return lines


def variants(report: pathlib.Path) -> list[str]:
    """Variants of ops that no test on this machine could run, as the harness words it."""
    ran, missing = set(), {}
    for case in ET.parse(report).getroot().iter("testcase"):
        for line in (case.findtext("system-out") or "").splitlines():
            word, _, rest = line.strip().partition("  ")
            name = rest.strip().split(":")[0]
            if word == "green":
                ran.add(name)
            elif word == "not run":
                missing.setdefault(name, rest.strip())
    return [why for name, why in sorted(missing.items()) if name not in ran]


def soak(build: pathlib.Path) -> list[str]:
    listing = subprocess.run(["ctest", "-N", "-L", "soak", "--show-only=json-v1"], cwd=build,
                             capture_output=True, text=True, check=True).stdout
    return [f'{t["name"]}: soak tests are run by hand: ctest -L soak -R {t["name"]}'
            for t in json.loads(listing)["tests"]]


def cuda(build: pathlib.Path) -> list[str]:
    cache = (build / "CMakeCache.txt").read_text()
    if "NIBBLE_CUDA:STRING=OFF" in cache:
        return ["CUDA variants: this preset switches them off"]
    compiler = [line.partition("=")[2] for line in cache.splitlines()
                if line.startswith("CMAKE_CUDA_COMPILER:")]
    if not compiler or compiler[0].endswith("NOTFOUND"):
        return ["CUDA variants: no nvcc on PATH and CUDACXX is not set"]
    return []


def main() -> int:
    build = pathlib.Path(sys.argv[1])
    report = build / "tests.xml"
    left_out = skipped(report) + variants(report) + cuda(build) + soak(build)
    print("\nNot run:" if left_out else "\nEverything was run.")
    for line in left_out:
        print("  " + line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
