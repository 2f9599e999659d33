"""What the tests of this folder share: a text, small recipes, and how to start ranks."""
import hashlib
import pathlib
import random
import struct
import subprocess

SMALL = ["model.hidden=32", "model.ffn=32", "model.key_dim=16", "model.heads=2", "train.batch=7",
         "train.seq=16"]
# Batches of 7 sequences: the last chunk of a batch is not full, and no rank count divides it.
RECIPES = {
    "activity": ["--recipe", "activity"],
    "es": ["--recipe", "es"],
    "delta-head": ["--recipe", "delta-head"],
    "wide": ["--recipe", "es", "--set", "train.rank=full", "--set", "model.weights=bf16"],
    "joint": ["--recipe", "es", "--set", "train.lanes_joint=3", "--set", "train.carry=3",
              "--set", "model.embedding=trained"],
    "embedding": ["--recipe", "activity", "--set", "model.embedding=trained"],
}


def write_text(path):
    words = "the cat sat on a mat and saw that rat who ran from it".split()
    chance = random.Random(1)
    path.write_text("".join(chance.choice(words) + chance.choice(" \n") for _ in range(4000)))


def train(nibble, text, run, recipe, *more):
    fields = [word for field in SMALL for word in ("--set", field)]
    return [*nibble, "train", "--data", str(text), "--out", str(run), *RECIPES[recipe], *fields,
            *map(str, more)]


def mpirun(ranks, command, mpi="mpirun"):
    """Works as root, and with more ranks than processors, whose threads are not to be bound."""
    return [mpi, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", str(ranks),
            *command]


def ran(command, expected=0):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == expected, f"{command}: {done.returncode}\n{done.stderr}"
    return done


def state(run, step):
    """sha256 of the tensors of a checkpoint: what is behind its header, which holds times."""
    data = (pathlib.Path(run) / f"checkpoints/step-{step}.safetensors").read_bytes()
    header, = struct.unpack("<Q", data[:8])
    return hashlib.sha256(data[8 + header:]).hexdigest()
