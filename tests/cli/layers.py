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

    def test_a_feed_forward_layer_is_multiplied_whole(self):
        file, packed = self.tmp / "layer.safetensors", self.tmp / "packed.safetensors"
        write_floats(file, {"h.0.gate_proj.weight": [64, 32], "h.0.up_proj.weight": [64, 32],
                            "h.0.down_proj.weight": [32, 64]})
        nibble("quantize", file, packed, "--format", "nvfp4")
        for activations, least, most in (
                ("s16", 1e-6, 5e-4), ("s8", 1e-3, 1e-1), ("nvfp4", 2e-2, 5e-1)):
            line, = nibble("multiply", packed, "--layers", "--activations", activations, "--tokens",
                           5, "--seconds", 0, "--json").stdout.splitlines()
            layer = json.loads(line)
            self.assertEqual((layer["weight"], layer["shape"]), ("h.0.*", "64x32"))
            self.assertIn(f"gemm_nvfp4_{activations}", layer["op"])
            self.assertTrue(least < layer["rel_l2"] < most, layer)

    def test_layers_of_experts_and_of_gelu_are_multiplied_whole(self):
        shapes = {"m.gate.weight": [3, 32], "h.fc1.weight": [64, 32], "h.fc2.weight": [32, 64]}
        for e in range(3):
            shapes |= {f"m.experts.{e}.w1.weight": [64, 32], f"m.experts.{e}.w3.weight": [64, 32],
                       f"m.experts.{e}.w2.weight": [32, 64]}
        (self.tmp / "in").mkdir()
        write_floats(self.tmp / "in/model.safetensors", shapes)
        out = self.tmp / "out"
        nibble("quantize", self.tmp / "in", out, "--format", "mxfp4", "--include", "*w?.*",
               "--include", "*fc?.*")

        def layers(*flags):
            done = nibble("multiply", out, "--layers", "--tokens", 5, "--seconds", 0, "--json",
                          *flags)
            return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()
        found, _ = layers()
        self.assertEqual([(r["weight"], r["shape"], r["op"]) for r in found], [
            ("h.*", "64x32", "2 x gemm_mxfp4_s8"),
            ("m.experts.*", "3x64x32", "3 x grouped_gemm_mxfp4_s8, top 2")])
        self.assertTrue(all(1e-3 < r["rel_l2"] < 1e-1 for r in found), found)
        (out / "config.json").write_text('{"hidden_act": "silu", "num_experts_per_tok": 3}')
        (experts,), said = layers()
        self.assertEqual(experts["op"], "3 x grouped_gemm_mxfp4_s8, top 3")
        self.assertEqual(said, "not multiplied: h.*: config.json has silu where GELU is known\n")
        self.assertIn("not multiplied: x.*: there is no x.fc2.weight",
                      self.refused({"x.fc1.weight": [64, 32]}))
        self.assertIn("not multiplied: x.*: x.fc1.weight is not quantised",
                      self.refused({"x.fc1.weight": [64, 32], "x.fc2.weight": [32, 64]}))
        done = nibble("multiply", out, "--layers", "--experts", 4, ok=False)
        self.assertIn("a token has 1 to 3 of so many experts, not 4", done.stderr.decode())

    def test_layers_of_every_format_are_multiplied_by_dual_and_grouped_products(self):
        names = {"w1": [64, 32], "w3": [64, 32], "w2": [32, 64]}
        shapes = {f"h.{k}.weight": v for k, v in names.items()}
        shapes |= {f"m.experts.{e}.{k}.weight": v for e in (0, 1) for k, v in names.items()}
        file = self.tmp / "layers.safetensors"
        write_floats(file, shapes)
        dual, grouped = "dual_gemm_fp8_bf16", "grouped_gemm_fp8_bf16"
        for name, activations, alone, experts in (
                ("nvfp4", "nvfp4", "dual_gemm_nvfp4_nvfp4, gemm_nvfp4_nvfp4",
                 "3 x grouped_gemm_nvfp4_nvfp4"),
                ("int8", "s8", "dual_gemm_int8_s8, gemm_int8_s8", "3 x grouped_gemm_int8_s8"),
                ("ternary", "s8", "dual_gemm_ternary_s8, gemm_ternary_s8",
                 "3 x grouped_gemm_ternary_s8"),
                ("fp8", "bf16", f"{dual}, gemm_fp8_bf16", f"{dual}, {grouped}"),
                ("fp8-block", "bf16", f"{dual}, gemm_fp8_bf16", f"{dual}, {grouped}")):
            packed = self.tmp / f"{name}.safetensors"
            nibble("quantize", file, packed, "--format", name)
            rows = [json.loads(line) for line in nibble(
                "multiply", packed, "--layers", "--tokens", 5, "--seconds", 0, "--json",
                *(["--activations", name] if name == activations else [])).stdout.splitlines()]
            self.assertEqual([(r["weight"], r["op"], r["activations"]) for r in rows],
                             [("h.*", alone, activations),
                              ("m.experts.*", experts + ", top 2 in turn", activations)])
            most = {"bf16": 1e-2, "s8": 1e-1, "nvfp4": 5e-1}[activations]
            self.assertTrue(all(1e-4 < r["rel_l2"] < most for r in rows), rows)
        done = nibble("multiply", packed, "--layers", "--activations", "s8", ok=False)
        self.assertIn("are not rounded to s8, but to bf16", done.stderr.decode())

    def refused(self, shapes):
        """What is said of layers that are none."""
        file = self.tmp / "refused.safetensors"
        write_floats(file, shapes)
        done = nibble("multiply", file, "--layers", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no feed-forward layer in nvfp4, mxfp4, fp8, int8,", done.stderr.decode())
        return done.stderr.decode()

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
