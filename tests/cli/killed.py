"""killed.py NIBBLE KILLS [SEED]: kills `nibble train` KILLS times at random moments, goes on each
time, and compares what comes out with what an undisturbed run gives, byte by byte."""
import json
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

SMALL = [word for field in (
    "model.hidden=32", "model.ffn=32", "model.key_dim=16", "model.heads=2", "train.batch=8",
    "train.seq=16") for word in ("--set", field)]
WORDS = "the cat sat on a mat and saw that rat who ran from it".split()


def weights(run, steps):
    """All that a checkpoint holds but its header, where times stand."""
    data = (run / f"checkpoints/step-{steps}.safetensors").read_bytes()
    return data[8 + struct.unpack("<Q", data[:8])[0]:]


def check_records(run, steps, interrupted):
    """No step stands there twice, and the last one is there, unless Ctrl-C cut its evaluation: what
    is left of that run is its end, with the loss of the whole held-out part."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    records = [line["step"] for line in lines if "event" not in line]
    assert records == sorted(set(records)) and records[0] == 0, records
    assert records[-1] == steps or interrupted, records
    assert [line.get("event") for line in lines].count("end") == 1


def train(nibble, folder, recipe, run, steps):
    """The arguments that begin a run, or go on with it."""
    if (run / "config.json").exists():
        return [nibble, "train", "--resume", run, "--quiet"]
    return [nibble, "train", "--data", folder / "text", "--out", run, "--recipe", recipe,
            "--steps", str(steps), "--checkpoint-every", "3", "--quiet", *SMALL]


def undisturbed(nibble, folder, recipe):
    """So many steps that there is time to be killed in, the time, and the weights."""
    steps = 50
    while True:
        run = folder / f"{recipe}-{steps}"
        start = time.monotonic()
        subprocess.run(train(nibble, folder, recipe, run, steps), check=True,
                       stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - start
        if seconds >= 0.4:
            return steps, seconds, weights(run, steps)
        steps *= 2


def end_at(arguments, seconds, signum):
    """Its exit status, perhaps by a signal after so many seconds."""
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        said = child.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        child.send_signal(signum)
        said = child.communicate()[1]
    assert child.returncode in (0, -signum, 130), (child.returncode, said)
    return child.returncode


def kill(nibble, folder, recipe, kills, chance):
    """Moments lie anywhere from before the first file to behind the last one."""
    steps, seconds, expected = undisturbed(nibble, folder, recipe)
    ends = {signal.SIGKILL: 0, signal.SIGINT: 0}
    runs = behind = 0
    while ends[signal.SIGKILL] < kills or ends[signal.SIGINT] == 0 or behind == 0:
        runs, status, interrupted = runs + 1, 1, False
        run = folder / f"{recipe}-killed-{runs}"
        while status != 0:
            signum = signal.SIGINT if chance.random() < 0.2 else signal.SIGKILL
            # In the end it is left alone, or a slow machine would never see one.
            enough = sum(ends.values()) >= kills * runs
            moment = None if enough else chance.uniform(0, seconds / 2)
            status = end_at(train(nibble, folder, recipe, run, steps), moment, signum)
            if status != 0:
                ends[signum] += 1
                interrupted = interrupted or signum == signal.SIGINT
                behind += any(run.glob("checkpoints/step-*.safetensors"))
        assert weights(run, steps) == expected, f"{run} has other weights"
        check_records(run, steps, interrupted)
    print(f"{recipe}: {ends[signal.SIGKILL]} kills, {ends[signal.SIGINT]} interrupts, {behind} of "
          f"them behind a checkpoint; the bytes of {runs} runs of {steps} steps are those of an "
          "undisturbed one", flush=True)


def main():
    nibble, kills = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="nibble-killed-") as name:
        folder = pathlib.Path(name)
        for recipe in "es", "activity":
            chance = random.Random(f"{seed} {recipe}")
            (folder / "text").write_text("".join(chance.choice(WORDS) + " " for _ in range(3000)))
            kill(nibble, folder, recipe, kills, chance)


main()
