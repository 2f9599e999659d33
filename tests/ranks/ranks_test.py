"""ranks_test.py NIBBLE MPIRUN: what several processes say and leave, and how they end."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import nibble

NIBBLE, MPIRUN = sys.argv.pop(1), sys.argv.pop(1)
# Heavier steps than in the other tests, and fewer: each step waits for all ranks, which on a busy
# machine are seldom awake together.
HEAVY = ["--set", "train.batch=61", "--set", "train.seq=64"]
GRACE = 3  # seconds from mpirun's "end" to its "die", which are also those before "end"


def sentences(stderr):
    """The lines that are nibble's: mpirun adds some of its own."""
    return [line for line in stderr.splitlines() if line.startswith("nibble: ")]


class Ranks(unittest.TestCase):
    steps = 400  # of a run that is ended in the middle: seconds, if the machine is as we guess
    alone = {}   # by steps, the bits of one process that was left alone

    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="nibble-ranks-"))
        cls.text = cls.tmp / "text"
        nibble.write_text(cls.text)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    def command(self, ranks, run, *more):
        one = nibble.train([NIBBLE], self.text, run, "activity", *HEAVY, "--threads", 1, *more)
        return nibble.mpirun(ranks, one, MPIRUN)

    def start(self, run, steps):
        """Three ranks in the middle of a run that saves often, or at its end if that came first."""
        command = self.command(3, run, "--steps", steps, "--checkpoint-every", 5)
        command[1:1] = ["--mca", "odls_base_sigkill_timeout", str(GRACE)]
        child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        checkpoints = run / "checkpoints"
        while child.poll() is None:
            if checkpoints.exists() and len(list(checkpoints.glob("*.safetensors"))) >= 2:
                break
            time.sleep(0.01)
        return child

    def ended(self, name, end):
        """A run that end(child) ended before its time, and what it said. No clock says when half of
        a run is over: one that reached its end is made again, four times as long."""
        while True:
            run = self.tmp / f"{name}-{self.steps}"
            child = self.start(run, self.steps)
            end(child)
            _, said = child.communicate(timeout=600)
            if not (run / f"checkpoints/step-{self.steps}.safetensors").exists():
                self.assertNotEqual(child.returncode, 0)
                return run, said
            type(self).steps *= 4
            self.assertLess(self.steps, 1 << 15, "nothing ends it")

    def ranks_of(self, mpirun):
        """Process numbers by rank."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                arguments = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if NIBBLE.encode() not in arguments:
                    continue
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                rank = re.search(rb"OMPI_COMM_WORLD_RANK=(\d+)\0", (entry / "environ").read_bytes())
            except OSError:
                continue  # it has ended meanwhile
            if rank and parent == mpirun.pid:
                found[int(rank[1])] = int(entry.name)
        return found

    def go_on(self, run):
        """By another number of ranks, to the bits of one process that was left alone."""
        steps = json.loads((run / "config.json").read_text())["steps"]
        if steps not in self.alone:
            alone = self.tmp / f"alone-{steps}"
            nibble.ran(nibble.train([NIBBLE], self.text, alone, "activity", *HEAVY, "--steps",
                                    steps, "--checkpoint-every", steps, "--quiet"))
            self.alone[steps] = nibble.state(alone, steps)
        nibble.ran(nibble.mpirun(2, [NIBBLE, "train", "--resume", str(run), "--quiet"], MPIRUN))
        self.assertEqual(nibble.state(run, steps), self.alone[steps])

    def test_one_rank_speaks(self):
        run = self.tmp / "speaks"
        done = nibble.ran(self.command(3, run, "--steps", 30))
        self.assertEqual(done.stdout.count("held-out"), 1)
        self.assertEqual(done.stderr.count("step 30/30"), 1)
        for wrong, status, said in ((["--steps", "ten"], 2, "--steps: Value ten not in range"),
                                    (["--steps", 2, "--recipe", "none"], 2, "recipe"),
                                    (["--steps", 2, "--set", "train.lr=-1"], 1, "train.lr = -1")):
            done = nibble.ran(self.command(2, self.tmp / "wrong", *wrong), status)
            self.assertEqual(len(sentences(done.stderr)), 1, done.stderr)
            self.assertIn(said, sentences(done.stderr)[0])
        self.assertFalse((self.tmp / "wrong").exists())

    def test_a_dead_rank_ends_the_run_with_one_sentence(self):
        def kill(child):
            with contextlib.suppress(KeyError, ProcessLookupError):  # the run has ended
                os.kill(self.ranks_of(child)[dead], signal.SIGKILL)

        for dead in 0, 2:
            run, said = self.ended(f"dead-{dead}", kill)
            self.assertEqual(len(sentences(said)), 1, said)
            self.assertRegex(sentences(said)[0],
                             f"died.* last checkpoint .*go on with: nibble train --resume {run}$")
            last = max(int(p.stem.split("-")[1]) for p in (run / "checkpoints").glob("*.saf*rs"))
            self.assertGreaterEqual(last, 10)
            self.go_on(run)

    def test_sigterm_saves(self):
        run, said = self.ended("stopped", lambda child: child.send_signal(signal.SIGTERM))
        stopped = re.findall(r"stopped after step (\d+); go on with: nibble train --resume (.*)",
                             said)
        self.assertEqual([path for _, path in stopped], [str(run)], said)
        step = int(stopped[0][0])
        self.assertTrue((run / f"checkpoints/step-{step}.safetensors").exists())
        self.go_on(run)

    def test_two_jobs_on_one_run_are_refused(self):
        run = self.tmp / "locked"
        child = self.start(run, 1 << 40)  # it does not end by itself
        again = nibble.ran(nibble.mpirun(2, [NIBBLE, "train", "--resume", str(run)], MPIRUN), 1)
        self.assertEqual(len(sentences(again.stderr)), 1, again.stderr)
        self.assertIn("in use by another run", again.stderr)
        self.assertIsNone(child.poll())
        child.terminate()
        child.communicate(timeout=600)


unittest.main()
