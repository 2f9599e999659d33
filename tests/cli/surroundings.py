"""surroundings.py NIBBLE: standard files that are full or closed, and limits of the system: exit
statuses tell the truth, one line says why, and nothing is lost or left behind."""
import json
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

NIBBLE = str(pathlib.Path(sys.argv.pop(1)).resolve())
SMALL = " ".join(f"--set {field}" for field in (
    "model.hidden=32", "model.ffn=32", "model.key_dim=16", "model.heads=2", "train.batch=8",
    "train.seq=16"))
LOST = r"nibble: cannot write to standard output: {}\n"


class Surroundings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="nibble-surroundings-"))
        (cls.tmp / "text").write_text("".join(f"line {i} of a small text\n" for i in range(200)))
        count = 64 * 1024
        header = json.dumps({"p.weight": {"dtype": "F32", "shape": [64, 1024],
                                          "data_offsets": [0, 4 * count]}}).encode()
        (cls.tmp / "w.safetensors").write_bytes(
            struct.pack("<Q", len(header)) + header + struct.pack(f"<{count}f", *[0.5] * count))
        done = cls.sh(cls, f"{cls.train('run')} && nibble quantize w.safetensors q.safetensors "
                           "--format nvfp4 --quiet")
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    @staticmethod
    def train(out, more="--quiet"):
        return f"nibble train --data text --out {out} --steps 4 --checkpoint-every 2 {SMALL} {more}"

    def sh(self, script):
        """Runs it in the folder of the files."""
        return subprocess.run(
            ["sh", "-c", f"nibble() {{ {shlex.quote(NIBBLE)} \"$@\"; }}\n{script}"],
            cwd=self.tmp, capture_output=True, text=True, timeout=600)

    def weights(self, run):
        data = (self.tmp / run / "checkpoints/step-4.safetensors").read_bytes()
        return data[8 + struct.unpack("<Q", data[:8])[0]:]

    def fails(self, script, pattern):
        done = self.sh(script)
        self.assertEqual(done.returncode, 1, f"{script}: {done.stderr}")
        self.assertRegex(done.stderr, f"^{pattern}$", script)

    def limited(self, limit, command, pattern):
        if self.sh(f"ulimit {limit}; nibble --version").returncode:
            self.skipTest("this program cannot live under the limit")  # as sanitizers cannot
        self.fails(f"ulimit {limit}; {command}", pattern)

    def test_training_goes_on_where_nobody_listens(self):
        self.sh(f"{self.train('left', '')} 2>&1 | head -c 1")
        self.assertEqual(self.weights("left"), self.weights("run"))
        # Standard output holds the result, so its loss is an error; but nothing else is lost.
        for name, files, status in (("full", "2>/dev/full", 0), ("closed", "2>&-", 0),
                                    ("all", "<&- >&- 2>&-", 1), ("stdout", ">/dev/full", 1)):
            done = self.sh(f"{self.train(name, '')} {files}")
            self.assertEqual(done.returncode, status, name)
            self.assertEqual(self.weights(name), self.weights("run"))
            self.assertRegex((self.tmp / name / "lock").read_text(), r"^\d+$")
            self.assertIn('"event":"end"', (self.tmp / name / "metrics.jsonl").read_text())
        self.assertRegex(done.stderr.splitlines()[-1] + "\n", LOST.format("No space left .*"))

    def test_an_error_that_cannot_be_said_keeps_its_status(self):
        for files in "2>&-", "2>/dev/full", "<&- >&- 2>&-":
            for command, status in (("train", 2), ("frobnicate", 2), ("eval none", 1),
                                    ("quantize none new --format nvfp4", 1)):
                self.assertEqual(self.sh(f"nibble {command} {files}").returncode, status, command)

    def test_a_result_that_cannot_be_written_is_no_success(self):
        for command in ("--help", "--version", "train --help", "eval run", "eval run --json",
                        "generate run --bytes 9", "report --recipes", "inspect q.safetensors",
                        "inspect q.safetensors --json", "pack q.safetensors --memory --json",
                        "explain gemm_s8", "explain all --json", "doctor --json",
                        "verify embedding_s8 --json --isa portable",
                        "multiply q.safetensors --seconds 0 --json",
                        "bench gemm_s8 --case m1_n1_k4 --seconds 0.001 --json"):
            self.fails(f"nibble {command} >/dev/full", LOST.format("No space left on device"))
        for at, command in enumerate(("quantize w.safetensors", "convert q.safetensors")):
            new = f"new-{at}.safetensors"
            self.fails(f"nibble {command} {new} --quiet {'--format nvfp4' if at == 0 else ''} "
                       f"{'--layout plain' if at else ''} >/dev/full", LOST.format("No space .*"))
            self.assertEqual(self.sh(f"nibble inspect {new}").returncode, 0)
        self.fails("nibble eval run >&-", LOST.format("Bad file descriptor"))

    def test_threads_that_cannot_start(self):
        for command in (self.train("threads", "--threads 1024"),
                        "nibble multiply q.safetensors --seconds 0 --threads 1024"):
            self.limited("-v 2000000", command,
                         r"nibble: cannot start thread \d+ of 1024: Resource .* unavailable\n")
        self.assertFalse((self.tmp / "threads").exists())

    def test_memory_that_is_not_there(self):
        with open(self.tmp / "sparse", "wb") as file:
            file.truncate(1 << 30)
        self.limited("-v 800000", "nibble eval run --data sparse --split all --threads 1",
                     "nibble: there is not enough memory for this\n")
        (self.tmp / "sparse").unlink()

    def test_a_limit_on_file_sizes_leaves_nothing_behind(self):
        before = set(self.tmp.iterdir())
        for command in ("nibble quantize w.safetensors new.safetensors --format nvfp4 --quiet",
                        "nibble quantize w.safetensors new --format nvfp4 --quiet",
                        "nibble convert q.safetensors new.safetensors --layout plain --quiet",
                        "nibble pack q.safetensors", "nibble report run --out new.html",
                        "nibble report run --out new.svg"):
            self.fails(f"ulimit -f 1; {command}", "nibble: cannot .*: File too large\n")
            self.assertEqual(set(self.tmp.iterdir()), before, command)

    def test_few_file_descriptors(self):
        before = set(self.tmp.iterdir())
        statuses = set()
        for most in range(4, 12):
            for command in ("quantize w.safetensors new --format nvfp4 --quiet",
                            "convert q.safetensors new.safetensors --layout plain --quiet",
                            "report run --out new.svg"):
                done = self.sh(f"ulimit -n {most}; nibble {command}")
                if done.returncode == 127:  # not even its libraries
                    continue
                if "Sanitizer" in done.stderr:
                    self.skipTest("sanitizers need files of their own")
                statuses.add(done.returncode)
                made = set(self.tmp.iterdir()) - before
                if done.returncode == 0:
                    self.assertEqual(len(made), 1, command)
                    self.sh("rm -r new*")
                    continue
                self.assertRegex(done.stderr, "^nibble: .*Too many open files.*\n$")
                self.assertEqual(made, set(), command)
        self.assertEqual(statuses, {0, 1})

    def test_a_picture_that_cannot_be_written(self):
        if not shutil.which("rsvg-convert"):
            self.skipTest("no rsvg-convert")
        self.fails("nibble report run --out none/new.png", "nibble: cannot create none/new.png.*\n")

    def test_what_is_no_file_is_not_replaced(self):
        for device in "fifo.svg", "ledger":
            subprocess.run(["mkfifo", self.tmp / device], check=True)
        self.fails("nibble report run --out fifo.svg", "nibble: .* is not a regular file\n")
        record = {"id": "a", "date": "2026-01-01", "question": "q", "baseline": "b",
                  "candidate": "c", "verdict": "neutral", "figures": "f", "machine": "m",
                  "command": "c", "reopen_if": "r"}
        (self.tmp / "record.json").write_text(json.dumps(record))
        self.fails("nibble report --ledger --file ledger --add record.json",
                   "nibble: .* not a regular file.*\n")
        self.assertTrue((self.tmp / "fifo.svg").is_fifo() and (self.tmp / "ledger").is_fifo())


unittest.main()
