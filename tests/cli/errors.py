"""errors.py NIBBLE errors.tsv: wrong calls exit with their status and say one line on stderr."""
import fcntl
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

nibble, table = sys.argv[1], pathlib.Path(sys.argv[2])


def run(*args):
    return subprocess.run([nibble, *args], capture_output=True, text=True, timeout=60)


def train(text, out):
    done = run("train", "--data", str(text), "--out", str(out), "--steps", "2", "--quiet")
    assert done.returncode == 0, done.stderr


def prepare(tmp):
    """The files that the rows of the table name."""
    text = "".join(f"line {i} of a small text\n" for i in range(200))[:4000]
    (tmp / "text").write_text(text)
    (tmp / "text-to-change").write_text(text)
    (tmp / "short").write_text("x" * 100)
    (tmp / "empty").write_text("")
    (tmp / "unknown.json").write_text('{"train": {"learning_rate": 1}}')
    (tmp / "broken.json").write_text('{"train":')
    train(tmp / "text", tmp / "run")
    train(tmp / "text-to-change", tmp / "changed")
    (tmp / "text-to-change").write_text(text.upper())
    for name in ("locked", "unborn", "damaged-config", "damaged-metrics", "damaged-checkpoint",
                 "cut-checkpoint"):
        shutil.copytree(tmp / "run", tmp / name)
    for name in "unborn", "damaged-metrics":
        shutil.rmtree(tmp / name / "checkpoints")
    (tmp / "unborn/metrics.jsonl").unlink()
    (tmp / "damaged-config/config.json").write_text('{"format": "nibble-run 1"}')
    lines = (tmp / "run/metrics.jsonl").read_text().splitlines(keepends=True)
    (tmp / "damaged-metrics/metrics.jsonl").write_text(lines[0] + "no json\n" + "".join(lines[1:]))
    data = bytearray((tmp / "run/checkpoints/step-2.safetensors").read_bytes())
    (tmp / "cut-checkpoint/checkpoints/step-2.safetensors").write_bytes(data[: len(data) // 2])
    data[-5] ^= 1
    (tmp / "damaged-checkpoint/checkpoints/step-2.safetensors").write_bytes(data)


def main():
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    assert len(rows) >= 25 and all(len(row) == 3 for row in rows)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="nibble-errors-") as name:
        tmp = pathlib.Path(name)
        prepare(tmp)
        with open(tmp / "locked/lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for arguments, status, pattern in rows:
                done = run(*shlex.split(arguments.replace("{tmp}", name)))
                wrong = []
                if done.returncode != int(status):
                    wrong.append(f"exit status {done.returncode}, not {status}")
                if len(done.stderr.splitlines()) != 1 or not done.stderr.endswith("\n"):
                    wrong.append(f"{len(done.stderr.splitlines())} lines on stderr")
                if not re.search(pattern, done.stderr):
                    wrong.append(f"does not say '{pattern}'")
                if done.stdout:
                    wrong.append("something on stdout")
                if (tmp / "new").exists():
                    wrong.append("left a run behind")
                    shutil.rmtree(tmp / "new")
                failures += bool(wrong)
                if wrong:
                    print(f"nibble {arguments}: {'; '.join(wrong)}\n  {done.stderr.strip()}")
    print(f"{len(rows)} wrong calls, {failures} answered badly")
    return failures > 0


sys.exit(main())
