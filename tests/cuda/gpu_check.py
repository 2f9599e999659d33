"""gpu_check.py SCRIPT NIBBLE PTXRUN PROGRAMS: scripts/gpu-check.sh --quick, where there is no GPU.

A virtual device of ptxrun stands in for one, and small scripts for compute-sanitizer and Nsight
Compute, which run what they are given: so every step is executed, and says so where it must fail.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RUN_IT = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    --tool|--error-exitcode|--metrics) shift 2 ;;
    --*) shift ;;
    *) break ;;
  esac
done
"""
TOOLS = {"compute-sanitizer": RUN_IT + 'exec "$@"\n', "ncu": RUN_IT + 'exec "$@"\n'}
FILES = {"summary.txt", "verify.jsonl", "conformance.txt", "sanitizer.txt", "ceilings.jsonl",
         "bench.jsonl", "profile.csv"}


def lay_out(folder, script, nibble, ptxrun, programs):
    """A bundle as --bundle packs it, by links."""
    bundle = folder / "bundle"
    bundle.mkdir()
    (bundle / "gpu-check.sh").write_text(script.read_text())
    (bundle / "nibble").symlink_to(nibble)
    (bundle / "ptxrun").symlink_to(ptxrun.parent)
    for program in programs.glob("ptx_sm*"):
        if os.access(program, os.X_OK) and program.is_file():
            (bundle / program.name).symlink_to(program)
    return bundle


def check(folder, bundle, ptxrun, name, tools, *arguments, **more):
    """Exit status, output and the folder of results."""
    tool_folder, out = folder / f"tools_{name}", folder / name
    tool_folder.mkdir()
    for tool, text in tools.items():
        (tool_folder / tool).write_text(text)
        (tool_folder / tool).chmod(0o755)
    path = f"{tool_folder}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "OUT": str(out)} | more
    # ptxrun's own status tells of faults, and a program for another device is one: its kernels are
    # refused. There must be no other kind.
    command = 'bash "$@"; echo "status $?"'
    done = subprocess.run([ptxrun, "--device", "sm_80", "bash", "-c", command, "bash",
                           bundle / "gpu-check.sh", "--quick", *arguments], env=environment,
                          capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert re.search(r" 0 faults$| faults: \d+ refused$|launches unknown", said, re.M), said
    return int(re.search(r"^status (\d+)$", said, re.M)[1]), said, out


def main():
    script, nibble, ptxrun, programs = (pathlib.Path(a).resolve() for a in sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        bundle = lay_out(folder, script, nibble, ptxrun, programs)
        status, said, out = check(folder, bundle, ptxrun, "all", TOOLS)
        print(said)
        assert status == 0, f"exit status {status}"
        assert {p.name for p in out.iterdir()} == FILES, sorted(p.name for p in out.iterdir())
        verified = [json.loads(line) for line in (out / "verify.jsonl").read_text().splitlines()]
        timed = [json.loads(line) for line in (out / "bench.jsonl").read_text().splitlines()]
        assert verified and all(v["cases"] == 1 and v["failed"] == 0 for v in verified)
        assert {t["op"] for t in timed} == {v["op"] for v in verified}
        assert timed[0]["op"] == "gemv_bf16", "what others are divided by was not timed first"
        assert all("wrong" not in t for t in timed)
        assert "ptx_sm80: the same" in (out / "conformance.txt").read_text()
        names = [json.loads(line)["ceiling"] for line in
                 (out / "ceilings.jsonl").read_text().splitlines()]
        assert names == ["read", "copy", "mma_bf16", "mma_s8"], names
        summary = (out / "summary.txt").read_text()
        for step in ("verify", "conformance", "sanitizer", "ceilings", "bench", "profile"):
            assert f"\n{step:<15}ok, " in summary, step

        # What a tool finds fails the run; a tool that is not there is said to be left out.
        found = {"compute-sanitizer": "#!/bin/sh\nexit 9\n"}
        status, said, out = check(folder, bundle, ptxrun, "found", found, "sanitizer", "profile")
        assert status == 1 and "sanitizer      FAILED" in said, said
        assert "profile        left out" in said and "verify" not in said, said
        refused = {"ncu": "#!/bin/sh\necho ==ERROR== ERR_NVGPUCTRPERM >&2\nexit 1\n"}
        status, said, out = check(folder, bundle, ptxrun, "refused", refused, "sanitizer",
                                  "profile")
        assert status == 0 and said.count("left out") == 2, said
        # One that fails, and one that would go on for ever, leave no files but results.
        for name, text, limit in (("broken", "echo no >&2; exit 1", "60"),
                                  ("hangs", "sleep 300", "3")):
            status, said, out = check(folder, bundle, ptxrun, name, {"ncu": f"#!/bin/sh\n{text}\n"},
                                      "profile", LIMIT=limit)
            assert status == 1 and "profile        FAILED" in said, said
            assert {p.name for p in out.iterdir()} == {"summary.txt", "profile.csv"}
            assert int(re.search(r"all of it took (\d+) s", said)[1]) < 60, said


if __name__ == "__main__":
    main()
