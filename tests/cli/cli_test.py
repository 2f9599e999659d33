"""cli_test.py NIBBLE: train, stop, resume, evaluate, write and draw, as a user would."""
import json
import math
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

NIBBLE = sys.argv.pop(1)
SMALL = [word for field in (
    "model.hidden=32", "model.ffn=64", "model.key_dim=32", "model.heads=2", "train.batch=16",
    "train.seq=16") for word in ("--set", field)]


def nibble(*args, ok=True, **more):
    done = subprocess.run([NIBBLE, *map(str, args)], capture_output=True, timeout=600, **more)
    if ok and done.returncode != 0:
        raise AssertionError(f"exit status {done.returncode}: {done.stderr.decode()}")
    return done


def write_floats(file, shapes):
    """A safetensors file of normal F32 in the shapes."""
    header, values, at, rng = {}, [], 0, random.Random(3)
    for name, shape in shapes.items():
        count = math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
        values += [rng.gauss(0, 1) for _ in range(count)]
        at += 4 * count
    header = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header +
                     struct.pack(f"<{len(values)}f", *values))


def state(run, step):
    """The tensors of a checkpoint: everything behind the header, which holds times."""
    data = (run / f"checkpoints/step-{step}.safetensors").read_bytes()
    header, = struct.unpack("<Q", data[:8])
    return data[8 + header:]


def metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def masked_crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def fields(message):
    """(number, value) of a protocol-buffer message; lengths and fixed widths stay bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, message[at:at + size]
        at += size


def event(message):
    """(step, version, scalars) of a TensorBoard event."""
    parts = dict(fields(message))
    values = {}
    for _, value in fields(parts.get(5, b"")):
        one = dict(fields(value))
        values[one[1].decode()], = struct.unpack("<f", one[2])
    return parts.get(2, 0), parts.get(3, b"").decode(), values


class Cli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = pathlib.Path(tempfile.mkdtemp(prefix="nibble-cli-"))
        words = "the cat sat on a mat and saw that rat who ran from it".split()
        chance = random.Random(1)
        cls.text = cls.tmp / "text"
        cls.text.write_text(
            "".join(chance.choice(words) + chance.choice(" \n") for _ in range(8000)))
        cls.whole = cls.tmp / "whole"
        cls.trained = nibble("train", "--data", cls.text, "--out", cls.whole, "--steps", 200,
                             *SMALL)
        cls.whole_by_steps = {200: cls.whole}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    def test_training_reports_and_records(self):
        self.assertRegex(self.trained.stdout.decode(),
                         r"held-out \d\.\d+ nats/byte .* after 200 steps")
        self.assertRegex(self.trained.stderr.decode(),
                         r"step \d+/200  train .* held-out .* lane tokens/s")
        lines = metrics(self.whole)
        records = [line for line in lines if "event" not in line]
        self.assertEqual(records[0]["step"], 0)
        self.assertTrue(records[0]["health"])
        self.assertEqual(records[-1]["step"], 200)
        self.assertLess(records[-1]["heldout_nats"], records[0]["heldout_nats"])
        for key in "step", "seconds", "tokens", "train_nats", "heldout_nats", "tok_per_s":
            self.assertIn(key, records[-1])

    def test_quiet_is_quiet(self):
        run = self.tmp / "quiet"
        done = nibble("train", "--data", self.text, "--out", run, "--steps", 2, "--quiet", *SMALL)
        self.assertEqual(done.stderr, b"")

    def test_eval_scores_the_heldout_part(self):
        score = json.loads(nibble("eval", self.whole, "--data", self.text, "--json").stdout)
        for key in "nats", "bits_per_byte", "bytes", "order0", "order1", "order2":
            self.assertIn(key, score)
        self.assertEqual(score["recipe"], "activity")
        self.assertRegex(score["how"], "activity estimator")
        self.assertAlmostEqual(score["bits_per_byte"], score["nats"] / math.log(2), 12)
        size = self.text.stat().st_size
        self.assertEqual(score["bytes"], size - size * 9 // 10 - 1)
        self.assertEqual(score, json.loads(nibble("eval", self.whole, "--json").stdout))
        said = nibble("eval", self.whole).stdout.decode()
        self.assertRegex(said, r"nats/byte.*held-out part")
        self.assertIn(f"\nrecipe activity: {score['how']}\n", said)

    def test_random_bytes_cost_eight_bits(self):
        noise = self.tmp / "noise"
        noise.write_bytes(random.Random(2).randbytes(30000))
        score = json.loads(
            nibble("eval", self.whole, "--data", noise, "--split", "all", "--json").stdout)
        self.assertEqual(score["bytes"], 29999)
        self.assertGreaterEqual(score["bits_per_byte"], 8.0)

    def test_generation_is_named_by_its_seed(self):
        args = ["generate", self.whole, "--prompt", "the ", "--bytes", 300, "--top-k", 10]
        first = nibble(*args, "--seed", 7).stdout
        self.assertEqual(first, nibble(*args, "--seed", 7).stdout)
        self.assertNotEqual(first, nibble(*args, "--seed", 8).stdout)
        self.assertEqual(len(first), len("the ") + 300 + 1)
        self.assertTrue(first.startswith(b"the "))
        self.assertLessEqual(set(first), set(self.text.read_bytes()))

    def test_word_share(self):
        done = nibble("generate", self.whole, "--bytes", 500, "--word-share", self.text)
        self.assertRegex(done.stderr.decode(),
                         r"^\d+\.\d% of \d+ generated words of 3\+ letters occur in ")

    def interrupted(self, signum, name, *more):
        """A run that a signal stopped, its steps, and what it said after the first record. One that
        came to its end first, on whatever machine, is made again, eight times as long."""
        steps = 200
        while True:
            run = self.tmp / f"{name}-{steps}"
            child = subprocess.Popen(
                [NIBBLE, "train", "--data", self.text, "--out", run, "--steps", str(steps), *SMALL,
                 *more], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                preexec_fn=lambda: signal.signal(signum, signal.SIG_DFL))
            next(child.stderr)  # a record: training has begun
            child.send_signal(signum)
            said = child.stderr.read()
            child.stderr.close()
            if child.wait() != 0:
                self.assertEqual(child.returncode, 130)
                return run, steps, said
            steps *= 8
            self.assertLess(steps, 1 << 20, "no signal stops it")

    def alone(self, steps):
        """The bits of a run that was left alone."""
        if steps not in self.whole_by_steps:
            run = self.tmp / f"whole-{steps}"
            nibble("train", "--data", self.text, "--out", run, "--steps", steps, "--quiet", *SMALL)
            self.whole_by_steps[steps] = run
        return state(self.whole_by_steps[steps], steps)

    def interrupt(self, signum, name):
        run, steps, said = self.interrupted(signum, name)
        self.assertRegex(
            said, f"stopped after step \\d+; go on with: nibble train --resume {run}\n$")
        nibble("train", "--resume", run, "--quiet")
        self.assertEqual(state(run, steps), self.alone(steps))

    def test_ctrl_c_and_resume_give_the_same_bits(self):
        self.interrupt(signal.SIGINT, "interrupted")

    def test_sigterm_and_resume_give_the_same_bits(self):
        self.interrupt(signal.SIGTERM, "terminated")

    def test_a_terminal_that_is_closed_ends_a_run_in_order(self):
        run, _, said = self.interrupted(signal.SIGHUP, "hung-up")
        self.assertRegex(said, r"stopped after step \d+; go on with")
        self.assertTrue(any(run.glob("checkpoints/step-*.safetensors")))

    def test_threads_do_not_change_the_weights(self):
        for threads in 1, 3:
            run = self.tmp / f"threads-{threads}"
            nibble("train", "--data", self.text, "--out", run, "--steps", 200, "--threads", threads,
                   "--quiet", *SMALL)
            self.assertEqual(state(run, 200), state(self.whole, 200))

    def test_seconds_end_a_run(self):
        """How exactly, is tested with a clock that obeys (run_test): this one has other users."""
        run = self.tmp / "timed"
        nibble("train", "--data", self.text, "--out", run, "--seconds", 2, "--quiet", *SMALL)
        lines = metrics(run)
        horizons = [line for line in lines if line.get("event") == "horizon"]
        self.assertGreater(len(horizons), 1)
        self.assertEqual((lines[-1]["event"], lines[-1]["why"]), ("end", "seconds"))
        self.assertEqual(lines[-1]["step"], horizons[-1]["steps"])
        last = [line for line in lines if "event" not in line][-1]
        self.assertGreater(last["seconds"], 0.5)
        self.assertLess(last["seconds"], 20)  # 60 are the default

    def test_a_suite_is_timed_and_names_what_is_missing(self):
        suite = self.tmp / "suite.json"

        def run(*entries, ok=True, seconds="0.01"):
            suite.write_text(json.dumps({"entries": entries}))
            return nibble("bench", "--suite", suite, "--seconds", seconds, "--json", ok=ok)

        good = {"id": "small", "op": "gemm_s8", "case": "bench_m64_n80_k64", "threads": [1, 2],
                "isa": "portable", "ceiling": "portable_int16_mac"}
        rows = [json.loads(line) for line in run(good).stdout.splitlines()]
        self.assertEqual([(r["id"], r["threads"], r["isa"]) for r in rows],
                         [("small", 1, "portable"), ("small", 2, "portable")])
        for r in rows:
            self.assertEqual(r["ceiling_name"], "portable_int16_mac")
            self.assertAlmostEqual(r["share"], r["gop_per_s"] / r["ceiling"], 9)
            self.assertEqual(r["rel_l2"], 0)
            self.assertGreater(r["footprint_bytes"], 64 * 64 + 80 * 64 + 4 * 64 * 80 - 1)
        for bad, why in (({"op": "none_such"}, "no op is called none_such"),
                         ({"op": "gemm_s8", "case": "none"}, "gemm_s8 has no case none"),
                         ({"op": "gemm_s8", "coold": True}, 'unknown key "coold"'),
                         ({"op": "gemm_s8", "ceiling": "sky"}, "ceiling is none of those"),
                         ({"op": "gemm_s8", "threads": [0]}, "no array of positive numbers")):
            done = run(bad, ok=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr.decode())
        both = run(good, {"op": "none_such"}, ok=False)  # what is there is timed all the same
        self.assertEqual((both.returncode, len(both.stdout.splitlines())), (1, 2))

    def test_the_trainer_is_timed_until_twice_the_batch_has_a_ratio(self):
        line, = nibble("bench", "train", "--case", "activity", "--set", "train.batch=16",
                       "--seconds", "0.05", "--json").stdout.splitlines()
        r = json.loads(line)
        low, ratio, high = (r["double_batch_time_ratio" + end] for end in ("_low", "", "_high"))
        self.assertTrue(low <= ratio <= high, r)
        self.assertTrue(low < 2.2 and high > 1.8, r)  # an interval: others use this machine too
        self.assertGreaterEqual(r["updates"], 18)
        self.assertAlmostEqual(r["lane_tokens_per_s"] * r["seconds_per_update"], 16 * 32 * 22, -1)

    def test_peers_are_timed_on_the_same_shape_or_named_as_absent(self):
        done = nibble("bench", "gemm_s8", "--case", "bench_m64_n80_k64", "--with-baselines",
                      "--seconds", "0.01", "--json")
        self.assertIn("absent  ", done.stderr.decode())
        ours, *peers = [json.loads(line) for line in done.stdout.splitlines()]
        for p in peers:
            self.assertEqual((p["case"], p["threads"]), ("bench_m64_n80_k64", 1))
            self.assertIn(p["type"], ("u8s8s32", "s8s8s32"))
            self.assertAlmostEqual(p["ratio"] * ours["median_us"], p["median_us"], 6)
            self.assertNotIn("oneDNN", done.stderr.decode())
        file = self.tmp / "peers.jsonl"
        file.write_bytes(done.stdout)
        table = nibble("report", file, "--markdown").stdout.decode()
        self.assertEqual(table.count("| m64_n80_k64 |"), 1 + len(peers))

    def test_matrices_are_multiplied_quantised_or_whole(self):
        file, mixed = self.tmp / "floats.safetensors", self.tmp / "mixed.safetensors"
        write_floats(file, {"embed.weight": [40, 32], "head.weight": [40, 32],
                            "up.weight": [24, 32], "norm.weight": [32]})
        nibble("quantize", file, mixed, "--format", "mxfp4", "--include", "up.*")
        lines = nibble("multiply", mixed, "--tokens", 3, "--seconds", 0, "--activations", "s8",
                       "--json").stdout.splitlines()
        found = [[r[k] for k in ("weight", "shape", "op", "activations")]
                 for r in map(json.loads, lines)]
        self.assertEqual(found, [["up.weight", "24x32", "gemm_mxfp4_s8", "s8"],
                                 ["embed.weight", "40x32", "embedding_quantise", "s8"],
                                 ["head.weight", "40x32", "gemm_f32", "f32"]])
        self.assertTrue(all(0 < json.loads(line)["rel_l2"] < 0.1 for line in lines))
        self.assertLess(json.loads(lines[2])["rel_l2"], 1e-6)
        self.assertIn("head.weight", nibble("multiply", file, "--seconds", 0).stdout.decode())

    def test_errors_of_products_are_told_apart(self):
        """Of sums in float, of activations of 8 bits, and of weights of 4 beside these."""
        file, packed = self.tmp / "original.safetensors", self.tmp / "rounded.safetensors"
        write_floats(file, {"up.weight": [64, 256]})
        nibble("quantize", file, packed, "--format", "nvfp4")
        even, uneven = (json.loads(nibble(
            "multiply", packed, "--activations", "s8", "--seconds", 0, "--tokens", 8, "--json",
            "--original", file, "--outliers", outliers).stdout) for outliers in (1, 30))
        self.assertLess(max(r["rel_l2_rounded"] for r in (even, uneven)), 1e-6)
        self.assertLess(2 * even["rel_l2"], uneven["rel_l2"])
        self.assertLess(4 * even["rel_l2"], even["rel_l2_original"])

    def test_results_of_a_bench_become_a_table_and_a_roofline(self):
        file = self.tmp / "bench.jsonl"
        row = {"op": "gemm_x", "variant": "fast", "isa": "avx2", "case": "bench_m1_n64_k64",
               "threads": 1, "gb_per_s": 30.0, "gop_per_s": 106.5, "ceiling": 40.0,
               "ceiling_name": "dram_read", "ceiling_unit": "GB/s", "share": 0.75, "rel_l2": 2e-7,
               "footprint_bytes": 1 << 30, "hot": False, "cold": True, "pages": "2 MiB",
               "cpu_model": "a CPU", "id": "gemv_x"}
        more = dict(row, id="gemm_x", ceiling_unit="GOP/s", ceiling_name="fma", ceiling=200.0,
                    hot=True, footprint_bytes=3 << 20, rel_l2=0, share=0.5325)
        file.write_text("".join(json.dumps(r) + "\n" for r in (row, more)))
        picture = self.tmp / "roof.svg"
        table = nibble("report", file, "--markdown", "--out", picture).stdout.decode()
        self.assertIn("Measured on a CPU, pages of 2 MiB.", table)
        self.assertIn("| gemv_x | m1_n64_k64 | cold 1.00 GiB | gemm_x/fast | 1 | 30.0 GB/s | 75.0% "
                      "| dram_read 40.0 | 2.0e-07 |", table)
        self.assertIn("| gemm_x | m1_n64_k64 | hot 3 MiB | gemm_x/fast | 1 | 106.5 GOP/s | 53.2% "
                      "| fma 200.0 | 0 |", table)
        said = " ".join(t.text for t in xml.parse(picture).getroot().iter(
            "{http://www.w3.org/2000/svg}text"))
        for words in "operations a byte", "gemv_x", "dram_read 40.0 GB/s", "fma 200":
            self.assertIn(words, said)
        file.write_text(json.dumps(row) + "\n{}\n")
        bad = nibble("report", file, "--markdown", ok=False)
        self.assertRegex(bad.stderr.decode(), r"line 2: not a result of nibble bench --json")

    def test_report_draws(self):
        curve = self.tmp / "curve"
        nibble("report", self.whole, "--out", f"{curve}.svg")
        root = xml.parse(f"{curve}.svg").getroot()
        said = " ".join(t.text for t in root.iter("{http://www.w3.org/2000/svg}text"))
        for words in "seconds of training", "nats per byte", "order 0", "order 2", "whole: ":
            self.assertIn(words, said)
        nibble("report", self.whole, self.whole, "--out", f"{curve}.html", "--x", "tokens")
        page = pathlib.Path(f"{curve}.html").read_text()
        for words in "<svg", "Sample", "&quot;recipe&quot;":
            self.assertIn(words, page)
        # Layers: dead and saturated shares; matrices: flips and signal to noise. Numbers all of
        # them, and the last record's.
        last = metrics(self.whole)[-2]
        layers, matrices = [
            [re.findall("<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
            for table in page.split("<h3>Health</h3>")[1].split("<h3>")[0].split("<table>")[1:]]
        self.assertEqual([[row[0], row[2], row[4]] for row in layers],
                         [[h["layer"], f"{100 * h['dead']:.1f}%", f"{100 * h['saturated']:.2f}%"]
                          for h in last["health"]])
        self.assertEqual([[row[0], row[2], row[4]] for row in matrices],
                         [[h["matrix"], f"{100 * h['flips']:.3f}%", f"{h['signal_to_noise']:.2g}"]
                          for h in last["matrices"]])
        self.assertEqual([row[0] for row in layers], ["block0.mixer", "block0.ffn"])
        self.assertEqual(len(matrices), 4)
        for row in layers:
            self.assertTrue(all(re.fullmatch(r"\d+\.\d+%", cell) for cell in row[1:5]), row)
        for row in matrices:
            self.assertTrue(0 < float(row[1][:-1]) <= 100 and float(row[3]) >= 0, row)
        png = nibble("report", self.whole, "--out", f"{curve}.png", ok=shutil.which("rsvg-convert"))
        if png.returncode == 0:
            self.assertEqual(pathlib.Path(f"{curve}.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        else:
            self.assertRegex(png.stderr.decode(), "needs rsvg-convert")

    def on_small_disk(self, kilobytes, script):
        """Runs a shell script with $1 an empty folder on a file system of its own."""
        disk = self.tmp / "disk"
        disk.mkdir(exist_ok=True)
        mounted = f"mount -t tmpfs -o size={kilobytes}k none {disk}; "
        command = ["unshare", "-rm", "sh", "-ec"]
        if (not shutil.which("unshare")
                or subprocess.run([*command, mounted], capture_output=True).returncode):
            self.skipTest("no file system may be mounted here")
        return subprocess.run([*command, mounted + script, "sh", disk], capture_output=True,
                              text=True, timeout=600)

    def test_full_disk_keeps_the_last_good_checkpoint(self):
        # Room for three checkpoints and a half: a run needs four and the one being written.
        size = (self.whole / "checkpoints/step-200.safetensors").stat().st_size
        for quiet in "--quiet", "":
            done = self.on_small_disk(
                size * 7 // 2048 + 16,
                f"{NIBBLE} train --data {self.text} --out $1/run --steps 200 --checkpoint-every 1 "
                f"{quiet} {' '.join(SMALL)} || "
                "{ status=$?; ls $1/run/checkpoints; exit $status; }")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            *progress, said = done.stderr.splitlines()
            self.assertEqual(bool(progress), not quiet)
            self.assertRegex(said, r"^nibble: .*No space left on device; the last good "
                                   r"checkpoint is '.*step-\d+.safetensors'$")
            good = re.search(r"last good .*(step-\d+.safetensors)", said)[1]
            self.assertIn(good, done.stdout.split())

    def test_seeds_make_a_trial_and_a_table(self):
        run, ledger = self.tmp / "seeds", self.tmp / "ledger.jsonl"
        args = ["--data", self.text, "--steps", 5, "--quiet", "--commit", "abc", *SMALL]
        done = nibble("train", *args, "--out", run, "--seeds", "3,1,2", "--ledger", ledger)
        self.assertRegex(done.stdout.decode(),
                         r"\nrecipe activity: activity estimator.*\n"
                         r"validation \d\.\d{4} \+- .*\nheld-out \d\.\d{4} \+- .* 3 seeds\n$")
        trial = json.loads((run / "trial.json").read_text())
        self.assertEqual([seed["seed"] for seed in trial["seeds"]], [1, 2, 3])
        self.assertEqual(trial["validation_share"], 0.05)
        self.assertEqual(json.loads(ledger.read_text()), trial)
        # A finished one is not done again, nor recorded twice; a changed recipe is another trial.
        nibble("train", "--resume", run, "--quiet", "--ledger", ledger)
        self.assertEqual(len(ledger.read_text().splitlines()), 1)
        nibble("train", *args, "--out", self.tmp / "seeds-2", "--seeds", "1,2,3",
               "--ledger", ledger, "--set", "train.lr=0")
        for flags in [], ["--markdown"]:
            table = nibble("report", "--ledger", "--file", ledger, *flags).stdout.decode()
            self.assertRegex(table, r"activity .*best.*\n.*train.lr=0.*worse by")
        nibble("report", run, "--out", self.tmp / "seeds.html")
        page = (self.tmp / "seeds.html").read_text()
        for words in "seeds seed-1", "seeds seed-3", "signal to noise", "flips", "validation part":
            self.assertIn(words, page)
        self.assertIn("no figures", nibble("report", "--recipes").stdout.decode())

    def test_seconds_are_kept_as_updates_at_a_rate(self):
        run = self.tmp / "rate"
        nibble("train", "--data", self.text, "--out", run, "--seeds", "1", "--seconds", 2, "--rate",
               3, "--threads", 1, "--quiet", *SMALL)
        trial = json.loads((run / "trial.json").read_text())
        self.assertEqual((trial["seconds"], trial["rate"], trial["threads"]),
                         (2, 3, len(os.sched_getaffinity(0))))
        self.assertNotIn("steps", trial)
        self.assertEqual(trial["seeds"][0]["steps"], 6)
        self.assertEqual(json.loads((run / "seed-1/config.json").read_text())["steps"], 6)
        at_128, at_2 = (json.loads(nibble("eval", run / "seed-1", "--json", *flags).stdout)["nats"]
                        for flags in ([], ["--window", 2]))
        self.assertEqual(at_128, trial["seeds"][0]["heldout_nats"])
        self.assertNotEqual(at_2, at_128)

    def test_trial_interrupted_and_resumed_gives_the_same_bits(self):
        run, steps, said = self.interrupted(signal.SIGINT, "seeds-interrupted", "--seeds", "1,2")
        self.assertIn(f"go on with: nibble train --resume {run}\n", said)
        nibble("train", "--resume", run, "--quiet")
        self.assertEqual(state(run / "seed-1", steps), self.alone(steps))
        self.assertEqual(len(json.loads((run / "trial.json").read_text())["seeds"]), 2)

    def test_events_are_what_tensorboard_reads(self):
        data = (self.whole / "events.out.tfevents.nibble").read_bytes()
        steps, at = [], 0
        while at < len(data):
            length, length_crc = struct.unpack_from("<QI", data, at)
            message = data[at + 12:at + 12 + length]
            crc, = struct.unpack_from("<I", data, at + 12 + length)
            self.assertEqual(length_crc, masked_crc32c(data[at:at + 8]))
            self.assertEqual(crc, masked_crc32c(message))
            steps.append(event(message))
            at += 12 + length + 4
        self.assertEqual(steps[0], (0, "brain.Event:2", {}))
        records = [line for line in metrics(self.whole) if "event" not in line]
        self.assertEqual([step for step, _, _ in steps[1:]], [r["step"] for r in records])
        for (_, _, values), record in zip(steps[1:], records):
            self.assertAlmostEqual(values["loss/heldout"], record["heldout_nats"], 5)
        self.assertIn("health/signal_to_noise", steps[-1][2])

    def test_a_limit_on_file_sizes_keeps_the_last_good_checkpoint(self):
        # The optimiser's state is in the first checkpoint too: metrics.jsonl is what grows. 512
        # bytes are one block of the limit.
        run = self.tmp / "limited"
        size = (self.whole / "checkpoints/step-200.safetensors").stat().st_size
        command = shlex.join([NIBBLE, "train", "--data", str(self.text), "--out", str(run),
                              "--steps", "200", "--checkpoint-every", "1", *SMALL])
        done = subprocess.run(["sh", "-c", f"ulimit -f {size // 2 // 512}; exec {command}"],
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1],
                         r"^nibble: .*File too large; there is no checkpoint yet$")
        nibble("train", "--resume", run, "--quiet")
        self.assertEqual(state(run, 200), state(self.whole, 200))

    def test_a_run_on_a_disk_that_became_read_only(self):
        done = self.on_small_disk(
            4096, f"{NIBBLE} train --data {self.text} --out $1/run --steps 2 --quiet "
                  f"{' '.join(SMALL)} && mount -o remount,ro $1 && {NIBBLE} eval $1/run && "
                  f"{NIBBLE} train --resume $1/run")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nats/byte", done.stdout)
        self.assertRegex(done.stderr, r"^nibble: cannot create .*Read-only file system\n$")

    def test_fitness_command(self):
        alive, scorer = self.tmp / "alive", self.tmp / "scorer.py"
        scorer.write_text(f"""import os, sys
asked = 0
while n := sys.stdin.readline():
    text = sys.stdin.read(int(n))
    asked += 1
    if asked > 300 and not os.path.exists({str(alive)!r}):
        break
    print(text.count("a") / len(text), flush=True)
""")
        part, whole = self.tmp / "scored-part", self.tmp / "scored"
        fields = [word for field in ("score.pairs=4", "score.bytes=40", "score.lr=0.03",
                                     "score.sigma=0.2") for word in ("--set", field)]
        args = ["train", "--from", self.whole, "--steps", 40, "--checkpoint-every", 10,
                "--fitness-command", f"{sys.executable} {scorer}", *fields]
        failed = nibble(*args, "--out", part, ok=False)
        self.assertEqual(failed.returncode, 1)
        self.assertRegex(failed.stderr.decode().splitlines()[-1],
                         r"^nibble: the fitness command .* ended .*; the last good checkpoint is ")
        alive.touch()
        done = nibble(*args, "--out", whole)
        self.assertRegex(done.stderr.decode(), r"step \d+/40  score \d")
        self.assertIn("fitness of", done.stdout.decode())
        last, first = re.search(r"score (\S+), at first (\S+)\n", done.stdout.decode()).groups()
        self.assertGreater(float(last), float(first))
        nibble("train", "--resume", part, "--quiet")
        self.assertEqual(state(part, 40), state(whole, 40))

    def test_the_example_of_a_fitness(self):
        example = pathlib.Path(__file__).parents[2] / "examples/known_words.py"
        command = [sys.executable, str(example), str(self.text)]
        # The last word may be cut; of the others two different ones are known.
        scored = subprocess.run(command, input=b"19\nthe zzz sat the end5\ncat c", check=True,
                                capture_output=True).stdout
        self.assertEqual(scored.split(), [b"0.5", b"0.0"])
        done = nibble("train", "--from", self.whole, "--out", self.tmp / "words", "--steps", 3,
                      "--set", "score.pairs=2", "--set", "score.bytes=60", "--fitness-command",
                      shlex.join(command), "--quiet")
        scores = re.search(r"score (\S+), at first (\S+)\n", done.stdout.decode()).groups()
        self.assertTrue(all(0 <= float(score) <= 1 for score in scores), scores)

    def test_read_only_disk(self):
        done = self.on_small_disk(
            64, f"mount -o remount,ro $1; {NIBBLE} train --data {self.text} --out $1/run --steps 2")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^nibble: cannot make directory .*Read-only file system\n$")


if __name__ == "__main__":
    unittest.main()
