"""ranks_test.py NIBBLE MPIRUN: what several processes say and leave, and how they end."""
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
STEPS = 12000  # seconds of work: mpirun takes up to one of them to pass a signal on


def sentences(stderr):
    """The lines that are nibble's: mpirun adds some of its own."""
    return [line for line in stderr.splitlines() if line.startswith("nibble: ")]


class Ranks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="nibble-ranks-"))
        cls.text = cls.tmp / "text"
        nibble.write_text(cls.text)
        cls.alone = cls.tmp / "alone"
        nibble.ran(nibble.train([NIBBLE], cls.text, cls.alone, "activity", "--steps", STEPS,
                                "--checkpoint-every", STEPS, "--quiet"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    def command(self, ranks, run, *more):
        return nibble.mpirun(
            ranks, nibble.train([NIBBLE], self.text, run, "activity", "--threads", 1, *more),
            MPIRUN)

    def start(self, run, *more):
        """Three ranks in the middle of a long run that saves often."""
        child = subprocess.Popen(
            self.command(3, run, "--steps", STEPS, "--checkpoint-every", 50, *more),
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        checkpoints = run / "checkpoints"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if checkpoints.exists() and len(list(checkpoints.glob("*.safetensors"))) >= 2:
                return child
            time.sleep(0.01)
        self.fail(f"no checkpoint: {child.communicate(timeout=10)}")

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
        nibble.ran(nibble.mpirun(2, [NIBBLE, "train", "--resume", str(run), "--quiet"], MPIRUN))
        self.assertEqual(nibble.state(run, STEPS), nibble.state(self.alone, STEPS))

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
        for rank in 0, 2:
            run = self.tmp / f"dead-{rank}"
            child = self.start(run)
            ranks = self.ranks_of(child)
            self.assertEqual(sorted(ranks), [0, 1, 2])
            os.kill(ranks[rank], signal.SIGKILL)
            _, said = child.communicate(timeout=60)
            self.assertNotEqual(child.returncode, 0)
            self.assertEqual(len(sentences(said)), 1, said)
            self.assertRegex(sentences(said)[0],
                             f"died.* last checkpoint .*go on with: nibble train --resume {run}$")
            last = max(int(p.stem.split("-")[1]) for p in (run / "checkpoints").glob("*.saf*rs"))
            self.assertGreaterEqual(last, 100)
            self.go_on(run)

    def test_sigterm_saves(self):
        run = self.tmp / "stopped"
        child = self.start(run)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
        self.assertNotEqual(child.returncode, 0)
        stopped = re.findall(r"stopped after step (\d+); go on with: nibble train --resume (.*)",
                             said)
        self.assertEqual([path for _, path in stopped], [str(run)], said)
        step = int(stopped[0][0])
        self.assertTrue((run / f"checkpoints/step-{step}.safetensors").exists())
        self.go_on(run)

    def test_two_jobs_on_one_run_are_refused(self):
        run = self.tmp / "locked"
        child = self.start(run)
        again = nibble.ran(nibble.mpirun(2, [NIBBLE, "train", "--resume", str(run)], MPIRUN), 1)
        self.assertEqual(len(sentences(again.stderr)), 1, again.stderr)
        self.assertIn("in use by another run", again.stderr)
        child.terminate()
        child.communicate(timeout=60)


unittest.main()
