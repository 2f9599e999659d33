"""quantize_test.py NIBBLE: what `nibble quantize` writes, read by other packages and decoded by
NumPy, has the errors that it reports; convert and pack keep every byte."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

NIBBLE = sys.argv.pop(1)
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float64)


def nibble(*args, ok=True):
    done = subprocess.run([NIBBLE, *map(str, args)], capture_output=True, text=True, timeout=900)
    if ok and done.returncode != 0:
        raise AssertionError(done.stderr)
    return done


def raw(path):
    """name -> (dtype, array of bytes or of the dtype), without any code of ours."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    types = {"F32": np.float32, "BF16": ml_dtypes.bfloat16, "F16": np.float16, "U8": np.uint8,
             "I8": np.int8, "F8_E4M3": ml_dtypes.float8_e4m3fn, "I64": np.int64,
             "F8_E8M0": ml_dtypes.float8_e8m0fnu}
    out = {}
    for name, t in header.items():
        if name != "__metadata__":
            begin, end = t["data_offsets"]
            out[name] = np.frombuffer(data[8 + length + begin:8 + length + end],
                                      types[t["dtype"]]).reshape(t["shape"])
    return out


def fp4(codes):
    both = np.stack([codes & 15, codes >> 4], -1).reshape(*codes.shape[:-1], -1)
    return E2M1[both]


def per_block(values, scales, size):
    return (values.reshape(*values.shape[:-1], -1, size) * scales[..., None]).reshape(values.shape)


def decoded(t, format_, layout):
    """The matrix p.weight from the tensors of a file."""
    f = {k: v.astype(np.float64) if v.dtype not in (np.uint8, np.int8) else v for k, v in t.items()}
    e8m0 = lambda b: 2.0 ** (b.astype(np.float64) - 127) if b.dtype == np.uint8 else b
    if format_ == "nvfp4":
        codes = f["p.weight_packed" if layout == "compressed-tensors" else "p.weight"]
        blocks = per_block(fp4(codes), f["p.weight.scale" if layout == "plain" else
                                         "p.weight_scale"], 16)
        return (blocks / f["p.weight_global_scale"] if layout == "compressed-tensors" else
                blocks * f["p.weight.global_scale" if layout == "plain" else "p.weight_scale_2"])
    if format_ == "mxfp4":
        codes = f["p.weight_packed" if layout == "compressed-tensors" else "p.weight"]
        scales = f[{"compressed-tensors": "p.weight_scale", "deepseek": "p.scale",
                    "plain": "p.weight.scale"}[layout]]
        return per_block(fp4(codes.view(np.uint8)), e8m0(scales), 32)
    scale = f[{"plain": "p.weight.scale", "deepseek": "p.weight_scale_inv"}.get(
        layout, "p.weight_scale")]
    if format_ == "mxfp8":
        return per_block(f["p.weight"], e8m0(scale), 32)
    if format_ == "fp8-block":
        rows, cols = f["p.weight"].shape
        big = np.repeat(np.repeat(scale, 128, 0), 128, 1)[:rows, :cols]
        return f["p.weight"] * big
    if format_ == "ternary":
        rows, cols, per_byte = t["p.weight.ternary"]
        assert per_byte == 4
        bits = np.stack([f["p.weight"] >> 2 * j & 3 for j in range(4)], -1).reshape(rows, -1)
        return (bits[:, :cols].astype(np.float64) - 1) * scale
    return f["p.weight"].astype(np.float64) * scale.reshape(-1, 1)


CASES = [("nvfp4", "modelopt"), ("nvfp4", "compressed-tensors"), ("nvfp4", "plain"),
         ("mxfp4", "compressed-tensors"), ("mxfp4", "deepseek"), ("mxfp4", "plain"),
         ("mxfp8", "modelopt"), ("mxfp8", "plain"), ("fp8", "modelopt"),
         ("fp8", "compressed-tensors"), ("fp8-block", "deepseek"),
         ("fp8-block", "compressed-tensors"), ("int8", "compressed-tensors"), ("int8", "plain"),
         ("ternary", "plain")]


class Quantize(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        rng = np.random.default_rng(1)
        self.matrix = (rng.standard_normal((150, 288)) * 0.02).astype(ml_dtypes.bfloat16)
        self.kept = rng.standard_normal((3, 7)).astype(np.float16)
        (self.folder / "in").mkdir()
        save_file({"p.weight": self.matrix, "embed.weight": self.kept},
                  self.folder / "in/model.safetensors", metadata={"format": "pt"})
        (self.folder / "in/config.json").write_text('{"hidden_size": 288, "a": [1, {"b": null}]}')
        (self.folder / "in/tokenizer.json").write_text('{"x": 1}')

    def test_decoded_errors_are_the_reported_ones(self):
        x = self.matrix.astype(np.float64)
        for format_, layout in CASES:
            with self.subTest(format=format_, layout=layout):
                out = self.folder / f"{format_}-{layout}"
                report = json.loads(nibble("quantize", self.folder / "in", out, "--format", format_,
                                           "--layout", layout, "--json", "--quiet").stdout)
                tensors = raw(out / "model.safetensors")
                y = decoded(tensors, format_, layout)
                error = np.linalg.norm(y - x) / np.linalg.norm(x)
                told, = report["tensors"]
                self.assertAlmostEqual(told["relative_l2"], error, 6)
                self.assertAlmostEqual(told["max_error"], np.abs(y - x).max(), 6)
                cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
                self.assertAlmostEqual(told["cosine"], cosine, 6)
                self.assertAlmostEqual(told["zero"], (y == 0).mean(), 9)
                np.testing.assert_array_equal(tensors["embed.weight"], self.kept)
                with safe_open(out / "model.safetensors", "np") as file:
                    self.assertEqual(file.metadata()["format"], "pt")
                    self.assertIn("embed.weight", file.keys())
                config = json.loads((out / "config.json").read_text())
                self.assertEqual(config["a"], [1, {"b": None}])
                self.assertEqual((out / "tokenizer.json").read_text(), '{"x": 1}')
                found = json.loads(nibble("inspect", out, "--json").stdout)
                formats = {t["name"]: t["format"] for t in found["tensors"]}
                self.assertEqual(formats, {"p.weight": format_, "embed.weight": "F16"})
                checked = json.loads(nibble("pack", out, "--check", "--json").stdout)
                self.assertTrue(checked["checked"])

    def test_stochastic_rounding_expects_what_it_rounds(self):
        def quantised(*options):
            out = self.folder / "-".join(["out", *map(str, options)])
            nibble("quantize", self.folder / "in", out, "--format", "nvfp4", "--layout", "plain",
                   "--quiet", *options)
            with safe_open(out / "model.safetensors", "np") as file:
                self.assertEqual(file.metadata().get("nibble.stochastic_seed"),
                                 str(options[1]) if options else None)
            return raw(out / "model.safetensors")

        def error(y):
            return np.linalg.norm(y - self.matrix.astype(np.float64))

        nearest = quantised()
        seeds = [quantised("--stochastic", seed) for seed in range(1, 17)]
        same = quantised("--stochastic", 1, "--threads", 2)
        np.testing.assert_array_equal(same["p.weight"], seeds[0]["p.weight"])
        self.assertTrue((seeds[1]["p.weight"] != seeds[0]["p.weight"]).any())
        for t in seeds:
            np.testing.assert_array_equal(t["p.weight.scale"].view(np.uint8),
                                          nearest["p.weight.scale"].view(np.uint8))
        # The variance of the mean falls with their number; what nearest leaves does not.
        values = [decoded(t, "nvfp4", "plain") for t in seeds]
        self.assertGreater(error(values[0]), error(decoded(nearest, "nvfp4", "plain")))
        self.assertLess(error(np.mean(values, 0)), 0.6 * error(decoded(nearest, "nvfp4", "plain")))

    def test_hadamard_is_written_down_and_undone(self):
        signs = np.array([1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1], np.float64)
        sylvester = np.array([[(-1) ** (i & j).bit_count() for j in range(16)] for i in range(16)])
        x = self.matrix.astype(np.float64)
        for format_ in "nvfp4", "mxfp4", "fp8", "int8":
            with self.subTest(format=format_):
                out = self.folder / f"turned-{format_}"
                told = json.loads(nibble("quantize", self.folder / "in", out, "--format", format_,
                                         "--hadamard", "--json").stdout)
                self.assertEqual(told["layout"], "plain")
                file = raw(out / "model.safetensors")
                bits = int(file["p.weight.hadamard"][0])
                np.testing.assert_array_equal(signs, [-1 if bits >> i & 1 else 1
                                                      for i in range(16)])
                turned = decoded(file, format_, "plain").reshape(-1, 16)
                y = ((turned @ sylvester / 4) * signs).reshape(x.shape)
                error = np.linalg.norm(y - x) / np.linalg.norm(x)
                self.assertAlmostEqual(told["tensors"][0]["relative_l2"], error, 6)
                self.assertLess(error, 0.2)
                found = json.loads(nibble("inspect", out, "--json").stdout)
                self.assertEqual(found["metadata"]["nibble.hadamard_signs"], str(bits))
                self.assertIn(f"{format_} of hadamard16", [t["format"] for t in found["tensors"]])
                again = self.folder / f"again-{format_}"
                nibble("convert", out, again, "--layout", "plain")
                for name, tensor in raw(again / "model.safetensors").items():
                    np.testing.assert_array_equal(tensor, file[name])
                refused = nibble("pack", out, ok=False)
                self.assertEqual(refused.returncode, 1)
                self.assertIn("its rows went through a Hadamard transform", refused.stderr)
        refused = nibble("convert", self.folder / "turned-nvfp4", self.folder / "no", "--layout",
                         "modelopt", ok=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("kept by the layout plain alone", refused.stderr)
        self.assertFalse((self.folder / "no").exists())

    def test_shards_stay_shards(self):
        index = {"metadata": {}, "weight_map": {}}
        source = self.folder / "shards"
        source.mkdir()
        for i in range(2):
            name = f"model-0000{i + 1}-of-00002.safetensors"
            save_file({f"l{i}.weight": self.matrix}, source / name)
            index["weight_map"][f"l{i}.weight"] = name
        (source / "model.safetensors.index.json").write_text(json.dumps(index))
        out = self.folder / "out"
        nibble("quantize", source, out, "--format", "nvfp4", "--include", "l1.*")
        made = json.loads((out / "model.safetensors.index.json").read_text())["weight_map"]
        self.assertEqual(made, {
            "l0.weight": "model-00001-of-00002.safetensors",
            **{f"l1.{part}": "model-00002-of-00002.safetensors"
               for part in ("weight", "weight_scale", "weight_scale_2")}})
        np.testing.assert_array_equal(
            raw(out / "model-00001-of-00002.safetensors")["l0.weight"], self.matrix)

    def test_gguf_is_an_input(self):
        import gguf
        path = self.folder / "in.gguf"
        writer = gguf.GGUFWriter(path, "x")
        x = self.matrix.astype(np.float32)
        writer.add_tensor("q.weight", gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0),
                          raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor("r.weight", gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0),
                          raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        for step in (writer.write_header_to_file, writer.write_kv_data_to_file,
                     writer.write_tensors_to_file, writer.close):
            step()
        self.assertIn("Q8_0", nibble("inspect", path).stdout)
        out = self.folder / "out.safetensors"
        nibble("quantize", path, out, "--format", "int8", "--include", "q.*")
        tensors = raw(out)
        y = gguf.quants.dequantize(gguf.quants.quantize(x, gguf.GGMLQuantizationType.Q8_0),
                                   gguf.GGMLQuantizationType.Q8_0)
        np.testing.assert_array_equal(tensors["r.weight"], y)
        scale = np.abs(y).max(1, keepdims=True) / np.float32(127)
        np.testing.assert_array_equal(tensors["q.weight"], np.rint(y / scale).astype(np.int8))

    def test_a_killed_run_leaves_no_output_and_the_next_one_takes_over(self):
        def kill(big, out):
            """True if it was killed before it came to its end."""
            child = subprocess.Popen([NIBBLE, "quantize", big, out, "--format", "nvfp4",
                                      "--quiet"], stdout=subprocess.DEVNULL)
            temporary = pathlib.Path(str(out) + ".tmp")
            while not temporary.exists() and child.poll() is None:
                time.sleep(0.001)
            child.send_signal(signal.SIGKILL)
            return child.wait() == -signal.SIGKILL and temporary.exists()

        big = self.folder / "big.safetensors"
        for name in "out.safetensors", "out":
            out = self.folder / name
            for size in 8, 16, 32, 64, 128:  # until it takes longer than we do to look and to kill
                save_file({f"l{i}.weight": np.ones((2048, 1024), np.float32) * i
                           for i in range(size)}, big)
                if kill(big, out):
                    break
                (shutil.rmtree if out.is_dir() else pathlib.Path.unlink)(out)
            else:
                self.fail("it was never killed")
            self.assertFalse(out.exists())
            nibble("quantize", big, out, "--format", "nvfp4", "--quiet")
            self.assertTrue(out.exists())
            self.assertFalse(pathlib.Path(str(out) + ".tmp").exists())

    def test_a_full_disk_leaves_no_output(self):
        out = self.folder / "out.safetensors"
        limited = f"ulimit -f 8; trap '' XFSZ; exec {NIBBLE} quantize {self.folder}/in {out} " \
                  "--format int8 --quiet"
        done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^nibble: cannot (reserve|write).*File too large\n$")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in"])


unittest.main()
