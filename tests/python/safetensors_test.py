"""Exchanges checkpoints with the safetensors package: it writes, we copy, it reads the same."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import safetensors

PROGRAM = sys.argv.pop(1)

SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1,
         "float8_e5m2": 1, "float8_e8m0fnu": 1, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
         "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1}


def serialized(seed: int, prefix: str = "t", metadata=None) -> bytes:
    """What the package makes of one tensor of each dtype."""
    rng = np.random.default_rng(seed)
    specs, alive = {}, []
    for i, (dtype, size) in enumerate(SIZES.items()):
        shape = [[], [0], [7], [3, 5], [2, 1, 4]][(i + seed) % 5]
        data = rng.integers(0, 256, size * int(np.prod(shape, dtype=np.int64)), dtype=np.uint8)
        alive.append(data)  # the package keeps the address alone
        specs[f"{prefix}.{i}.{dtype} \u00e9"] = safetensors.TensorSpec(
            dtype=dtype, shape=shape, data_ptr=data.ctypes.data, data_len=data.size)
    return bytes(safetensors.serialize(specs, metadata))


def contents(file: bytes) -> dict:
    return {name: (t["dtype"], list(t["shape"]), bytes(t["data"]))
            for name, t in safetensors.deserialize(file)}


class Exchange(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def copied(self, path: pathlib.Path) -> bytes:
        out = self.folder / "out.safetensors"
        subprocess.run([PROGRAM, path, out], check=True)
        return out.read_bytes()

    def test_one_file(self):
        for seed in range(5):
            path = self.folder / "in.safetensors"
            theirs = serialized(seed, metadata={"format": "np", "seed": str(seed)})
            path.write_bytes(theirs)
            ours = self.copied(path)
            self.assertEqual(contents(ours), contents(theirs))
            self.assertEqual(len(contents(ours)), len(SIZES))
            header = json.loads(ours[8:8 + struct.unpack("<Q", ours[:8])[0]])
            self.assertEqual(header["__metadata__"], {"format": "np", "seed": str(seed)})

    def test_shards(self):
        weight_map, everything = {}, {}
        for i in range(3):
            name = f"model-0000{i + 1}-of-00003.safetensors"
            shard = serialized(i, f"layer{i}")
            (self.folder / name).write_bytes(shard)
            everything |= contents(shard)
            weight_map |= {tensor: name for tensor in contents(shard)}
        (self.folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
        self.assertEqual(contents(self.copied(self.folder)), everything)

    def test_refuses_what_the_package_refuses(self):
        good = serialized(1)
        length = 8 + struct.unpack("<Q", good[:8])[0]
        rng = np.random.default_rng(1)
        both, path = 0, self.folder / "in.safetensors"
        for _ in range(200):
            bad = bytearray(good)
            bad[rng.integers(0, length)] = rng.integers(0, 128)
            path.write_bytes(bad)
            ours = subprocess.run([PROGRAM, path, self.folder / "out"], capture_output=True)
            self.assertIn(ours.returncode, (0, 1))
            try:
                safetensors.deserialize(bytes(bad))
            except safetensors.SafetensorError:
                both += 1
                self.assertEqual(ours.returncode, 1, bytes(bad[:length]))
                self.assertEqual(ours.stderr.count(b"\n"), 1)
        self.assertGreater(both, 50)


if __name__ == "__main__":
    unittest.main()
