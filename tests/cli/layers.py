"""layers.py NIBBLE: what `nibble multiply --layers` takes, and what it says of the rest."""
import json
import pathlib
import tempfile
import unittest

from cli_test import nibble, write_floats


class Layers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nibble-layers-")
        self.addCleanup(folder.cleanup)
        self.tmp = pathlib.Path(folder.name)

    def test_layers_of_whole_weights_are_multiplied(self):
        shapes = {"m.gate.weight": [2, 32]}
        for p in ("h", "m.experts.0", "m.experts.1"):
            shapes |= {f"{p}.w1.weight": [48, 32], f"{p}.w3.weight": [48, 32],
                       f"{p}.w2.weight": [32, 48]}
        file, mixed = self.tmp / "whole.safetensors", self.tmp / "half.safetensors"
        write_floats(file, shapes)
        done = nibble("multiply", file, "--layers", "--tokens", 5, "--seconds", 0, "--json")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(r["weight"], r["shape"], r["format"], r["op"]) for r in found], [
            ("h.*", "48x32", "F32", "dual_gemm_f32, gemm_f32"),
            ("m.experts.*", "2x48x32", "F32", "dual_gemm_f32, grouped_gemm_f32, top 2")])
        self.assertTrue(all(0 < r["rel_l2"] < 2e-6 for r in found), found)
        nibble("quantize", file, mixed, "--format", "mxfp4", "--include", "h.w1.*")
        done = nibble("multiply", mixed, "--layers", "--seconds", 0)
        self.assertEqual(done.stderr.decode(),
                         "not multiplied: h.*: h.w3.weight is not quantised\n")


if __name__ == "__main__":
    unittest.main()
