"""errors.py NIBBLE errors.tsv: wrong calls exit with their status and say one line on stderr."""
import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile

nibble, table = sys.argv[1], pathlib.Path(sys.argv[2])


def run(*args):
    return subprocess.run([nibble, *args], capture_output=True, text=True, timeout=600)


def train(text, out):
    done = run("train", "--data", str(text), "--out", str(out), "--steps", "2", "--quiet")
    assert done.returncode == 0, done.stderr


def safetensors(header, data=b""):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def prepare_checkpoints(tmp):
    """Files for quantize, inspect, convert and pack."""
    weight = {"p.weight": tensor("F32", [2, 32], 0, 256)}
    files = {
        "good": safetensors(weight, bytes(256)),
        "cut": safetensors(weight, bytes(200)),
        "huge-header": struct.pack("<Q", 1 << 40) + b"{}",
        "tiny": b"abc",
        "no-json": safetensors(b"{'p'}"),
        "no-utf8": safetensors(b'{"\xff": 1}'),
        "past-end": safetensors({"p": tensor("F32", [2], 1 << 62, (1 << 62) + 8)}, bytes(8)),
        "overlap": safetensors({"p": tensor("U8", [8], 0, 8), "q": tensor("U8", [8], 4, 12)},
                               bytes(12)),
        "hole": safetensors({"p": tensor("U8", [8], 4, 12)}, bytes(12)),
        "twice": safetensors(b'{"p":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                             b'"p":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', bytes(1)),
        "odd-dtype": safetensors({"p": tensor("F5", [8], 0, 8)}, bytes(8)),
        "odd-shape": safetensors({"p": tensor("F32", [3], 0, 8)}, bytes(8)),
        "too-large": safetensors({"p": tensor("F32", [1 << 40, 1 << 40], 0, 8)}, bytes(8)),
        "no-block": safetensors({"p.weight": tensor("F32", [2, 30], 0, 240)}, bytes(240)),
        "nan": safetensors(weight, struct.pack("<64f", *[float("nan")] * 64)),
        "no-scales": safetensors({"p.weight_packed": tensor("U8", [2, 16], 0, 32)}, bytes(32)),
        "no-tensor-scale": safetensors({"p.weight": tensor("U8", [2, 16], 0, 32),
                                        "p.weight_scale": tensor("F8_E4M3", [2, 2], 32, 36)},
                                       bytes(36)),
        "bad-scales": safetensors({"p.weight": tensor("F8_E4M3", [2, 32], 0, 64),
                                   "p.weight_scale": tensor("F32", [3], 64, 76)}, bytes(76)),
        "int8": safetensors({"p.weight_scale": tensor("F32", [2, 1], 0, 8),
                             "p.weight": tensor("I8", [2, 32], 8, 72)}, bytes(72)),
        "taken": safetensors({**weight, "p.weight_scale": tensor("F32", [], 256, 260)}, bytes(260)),
    }
    for name, data in files.items():
        (tmp / f"{name}.safetensors").write_bytes(data)
    gguf = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", 1) + b"a"
    (tmp / "cut.gguf").write_bytes(gguf)
    (tmp / "q4.gguf").write_bytes(gguf + struct.pack("<IQIQ", 1, 32, 2, 0).ljust(64, b"\0"))
    (tmp / "v1.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 1, 0, 0))
    (tmp / "many.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0))
    for name, shard, config in (("quantised", "good", '{"quantization_config": {"quant_method": '
                                                      '"modelopt"}}'),
                                ("bad-config", "good", '{"a": 1, "a": 2}')):
        (tmp / name).mkdir()
        shutil.copy(tmp / f"{shard}.safetensors", tmp / name / "model.safetensors")
        (tmp / name / "config.json").write_text(config)
    (tmp / "lost-shard").mkdir()
    (tmp / "lost-shard/model.safetensors.index.json").write_text(
        '{"weight_map": {"p": "model-1.safetensors"}}')
    (tmp / "outside").mkdir()
    (tmp / "outside/model.safetensors.index.json").write_text(
        '{"weight_map": {"p": "../good.safetensors"}}')


def prepare(tmp):
    """The files that the rows of the table name."""
    text = "".join(f"line {i} of a small text\n" for i in range(200))[:4000]
    prepare_checkpoints(tmp)
    (tmp / "text").write_text(text)
    (tmp / "text-to-change").write_text(text)
    (tmp / "short").write_text("x" * 100)
    (tmp / "empty").write_text("")
    (tmp / "unknown.json").write_text('{"train": {"learning_rate": 1}}')
    (tmp / "broken.json").write_text('{"train":')
    (tmp / "overflow.json").write_text('{"train": {"lr": 1e999}}')
    (tmp / "noise").write_bytes(bytes(range(11, 256)) * 400)
    os.mkfifo(tmp / "pipe")
    shutil.copy(tmp / "text", tmp / "\udcff")
    row = {"op": "o", "variant": "v", "case": "c", "threads": 1, "gb_per_s": 0, "gop_per_s": 1,
           "ceiling": 1, "ceiling_name": "n", "ceiling_unit": "GB/s", "share": 1, "rel_l2": 0,
           "footprint_bytes": 1, "hot": True, "pages": "p", "cpu_model": "m"}
    (tmp / "no-bytes.jsonl").write_text(json.dumps(row) + "\n")
    train(tmp / "text", tmp / "run")
    train(tmp / "text-to-change", tmp / "changed")
    (tmp / "text-to-change").write_text(text.upper())
    for name in ("locked", "unborn", "damaged-config", "damaged-metrics", "damaged-checkpoint",
                 "cut-checkpoint", "odd-share"):
        shutil.copytree(tmp / "run", tmp / name)
    for name in "unborn", "damaged-metrics":
        shutil.rmtree(tmp / name / "checkpoints")
    (tmp / "unborn/metrics.jsonl").unlink()
    (tmp / "damaged-config/config.json").write_text('{"format": "nibble-run 1"}')
    config = json.loads((tmp / "run/config.json").read_text())
    (tmp / "odd-share/config.json").write_text(json.dumps({**config, "validation_share": -1}))
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
                done = run(*(word.replace("{not-utf8}", "\udcff").replace("{tmp}", name)
                              for word in shlex.split(arguments)))
                wrong = []
                if done.returncode != int(status):
                    wrong.append(f"exit status {done.returncode}, not {status}")
                if len(done.stderr.splitlines()) != 1 or not done.stderr.endswith("\n"):
                    wrong.append(f"{len(done.stderr.splitlines())} lines on stderr")
                if not re.search(pattern, done.stderr):
                    wrong.append(f"does not say '{pattern}'")
                if re.search(r"[\x00-\x09\x0b-\x1f\x7f]|json\.exception", done.stderr):
                    wrong.append("says what a terminal might obey, or what a library calls it")
                if done.stdout:
                    wrong.append("something on stdout")
                if (tmp / "new").exists():
                    wrong.append("left a run behind")
                    shutil.rmtree(tmp / "new")
                left = [p for p in ("new.safetensors", "new.tmp", "new.safetensors.tmp")
                        if (tmp / p).exists()]
                if left:
                    wrong.append(f"left {left} behind")
                failures += bool(wrong)
                if wrong:
                    print(f"nibble {arguments}: {'; '.join(wrong)}\n  {done.stderr.strip()}")
    print(f"{len(rows)} wrong calls, {failures} answered badly")
    return failures > 0


sys.exit(main())
