"""Compares nibble's block formats, byte by byte, with the encoders of other libraries written out.

Each function below repeats one library's operations in numpy float32, in that library's order; the
casts to e2m1, e4m3 and bfloat16 are those of ml_dtypes. Inputs: Gaussian, heavy-tailed, wide-range
and spiky tensors, zeros of both signs, and values at the ties of elements and scales.
"""

import subprocess
import sys
import unittest

import ml_dtypes
import numpy as np

PROGRAM = sys.argv.pop(1)
F = np.float32
MAX = np.finfo(F).max


def run(form: str, mode: str, x: np.ndarray) -> bytes:
    return subprocess.run([PROGRAM, form, mode], input=x.astype(F).tobytes(), check=True,
                          stdout=subprocess.PIPE).stdout


def bf16(x):
    return np.asarray(x, F).astype(ml_dtypes.bfloat16).astype(F)


def e4m3(x):
    return np.minimum(x, F(448)).astype(ml_dtypes.float8_e4m3fn)


def e2m1(y):
    return np.clip(y, F(-6), F(6)).astype(ml_dtypes.float4_e2m1fn).view(np.uint8) & 15


def tensors() -> list:
    """Matrices of blocks of 32, which are two blocks of 16."""
    rng = np.random.default_rng(7)
    n = (256, 32)
    made = [rng.normal(size=n), rng.standard_t(2, size=n), rng.normal(size=n) * 1e-20,
            rng.normal(size=n) * np.exp(rng.uniform(-20, 20, (n[0], 1))),
            rng.normal(size=n) * (rng.random(n) < 0.05), rng.uniform(-1e30, 1e30, n)]
    made.append(rng.choice([0, -0.0, 0.25, -0.75, 1.25, 1.75, 2.5, 3.5, 5, 6], n))  # ties
    spiky = rng.normal(size=n)
    spiky[3, 4] = 5000
    made.append(spiky)
    # Blocks whose scale is a tie of e4m3 if the tensor's greatest value is 2688.
    ties = rng.uniform(-1, 1, n)
    ties[:, ::16] = 6 * (np.arange(512).reshape(256, 2) % 64 + 8.5) / 8
    ties[0, 0] = 2688
    made.append(ties)
    made += [bf16(m) for m in made]
    return [m.astype(F) for m in made]


class Nvfp4(unittest.TestCase):
    """Modes as (tensor scale, block scale before the cast, factor or quotient of an element)."""

    def check(self, mode, encode, zero_codes_by_sign=False):
        for k, x in enumerate(tensors()):
            out = run("nvfp4", mode, x)
            ours = np.frombuffer(out[8:], np.uint8).reshape(-1, 17)
            blocks = x.reshape(-1, 16)
            with np.errstate(all="ignore"):
                s, scale, y = encode(np.abs(x).max(), np.abs(blocks).max(axis=1, keepdims=True),
                                     blocks)
            codes = e2m1(y)
            if not mode.startswith("torchao"):
                codes = np.where(blocks == 0, 0, codes)
            self.assertEqual(np.frombuffer(out[:4], F)[0], s, k)
            np.testing.assert_array_equal(ours[:, 0], scale.view(np.uint8)[:, 0], f"tensor {k}")
            np.testing.assert_array_equal(ours[:, 1:], codes, f"tensor {k}")

    def test_te(self):
        def encode(tensor, block, x):
            s = min(F(2688) / tensor, MAX)
            scale = e4m3(block * (s * (F(1) / F(6))))
            return s, scale, x * np.minimum(F(1) / (scale.astype(F) * (F(1) / s)), MAX)
        self.check("te", encode)

    def test_vllm(self):
        def encode(tensor, block, x):
            s = F(2688) / tensor
            scale = e4m3(s * (block * (F(1) / F(6))))
            v = scale.astype(F)
            return s, scale, x * np.where(v == 0, F(0), F(1) / (v * (F(1) / s)))
        self.check("vllm", encode)

    def test_modelopt(self):
        def encode(tensor, block, x):
            g = tensor / F(2688)
            s = block / (F(6) * g)
            scale = e4m3(np.clip(np.where(s == 0, F(1), s), F(2 ** -9), F(448)))
            return g, scale, x / (scale.astype(F) * g)
        self.check("modelopt", encode)

    def test_torchao(self):
        def encode(tensor, block, x):
            g = tensor / F(2688)
            scale = e4m3(np.clip(block / F(6) / g, F(2 ** -6), F(448)))
            return g, scale, x * (F(1) / g / scale.astype(F))
        self.check("torchao", encode)

    def test_torchao_single(self):
        def encode(_, block, x):
            scale = e4m3(np.clip(block / F(6), F(2 ** -6), F(448)))
            return F(1), scale, x * (F(1) / scale.astype(F))
        self.check("torchao_single", encode)

    def ct(self, mode, rounded):
        def encode(tensor, block, x):
            s = rounded(rounded(F(1) / np.maximum(tensor, F(2 ** -126))) * F(2688))
            scale = e4m3(s * rounded(block / F(6)))
            scale = np.where(scale.view(np.uint8) == 0, np.uint8(0x20), scale.view(np.uint8))
            scale = scale.view(ml_dtypes.float8_e4m3fn)
            return s, scale, x / (scale.astype(F) / s)
        self.check(mode, encode)

    def test_ct(self):
        self.ct("ct_f32", F)
        self.ct("ct_bf16", bf16)

    def test_all_zero(self):
        scales = {"te": 0, "vllm": 0, "modelopt": 0x38, "torchao": 8, "torchao_single": 8,
                  "ct_f32": 0x20, "ct_bf16": 0x20}
        for mode, scale in scales.items():
            out = run("nvfp4", mode, np.zeros(16))
            self.assertEqual(out[8:], bytes([scale] + [0] * 16), mode)


class FourOverSix(unittest.TestCase):
    """TransformerEngine's variant."""

    def encode(self, x, tensor, block, s, stretch, greatest, squared):
        scale = e4m3(block / F(6) * s * F(stretch))
        v = scale.astype(F)
        y = x * np.minimum(F(1) / (v * (F(1) / s)), MAX)
        codes = np.where(x == 0, 0, e2m1(y)).astype(np.uint8)
        d = codes.view(ml_dtypes.float4_e2m1fn).astype(F) * v * tensor / F(6 * greatest) - x
        error = np.zeros(len(x), F)
        for i in range(16):  # in order: a sum in another order rounds otherwise
            error = error + (d[:, i] * d[:, i] if squared else np.abs(d[:, i]))
        return np.concatenate([scale.view(np.uint8), codes], axis=1), error

    def test_every_error(self):
        chosen = 0
        for name in ("mae_448", "mae_256", "mse_448", "mse_256"):
            for k, x in enumerate(tensors()):
                out = np.frombuffer(run("four_over_six", name, x), np.uint8).reshape(-1, 17)
                blocks, tensor, greatest = x.reshape(-1, 16), np.abs(x).max(), int(name[4:])
                block = np.abs(blocks).max(axis=1, keepdims=True)
                with np.errstate(all="ignore"):
                    s = min(F(6 * greatest) / tensor, MAX)
                    six, four = (self.encode(blocks, tensor, block, s, stretch, greatest,
                                             name.startswith("mse")) for stretch in (1, 1.5))
                take_four = four[1] < six[1]
                chosen += take_four.sum()
                np.testing.assert_array_equal(
                    out, np.where(take_four[:, None], four[0], six[0]), f"{name}, tensor {k}")
        self.assertGreater(chosen, 1000)


class Mx(unittest.TestCase):
    # dtype, exponent and value of the largest element, fraction bits
    FORMATS = {"mxfp4": (ml_dtypes.float4_e2m1fn, 2, 6, 1),
               "mxfp8_e4m3": (ml_dtypes.float8_e4m3fn, 8, 448, 3),
               "mxfp8_e5m2": (ml_dtypes.float8_e5m2, 15, 57344, 2)}

    def scale(self, rule, amax, exponent, largest, fraction_bits):
        """In exact arithmetic of double, not bit by bit."""
        if amax == 0:
            return 0
        mantissa, e = np.frexp(np.float64(amax))  # amax = mantissa * 2^e, mantissa in [0.5, 1)
        if rule == "floor":
            e = e - 1 - exponent
        elif rule == "ceil":
            e = e - 1 - exponent + (mantissa > 0.5)
        elif rule == "even":  # half a step of the fraction, rounded up
            e = e - 1 - exponent + (mantissa >= 1 - 2.0 ** -(fraction_bits + 2))
        else:
            mantissa, e = np.frexp(np.float64(F(amax) / F(largest)))
            e = e - 1 + (mantissa > 0.5)
        return int(np.clip(e + 127, 0, 254))

    def test_every_rule(self):
        for form, (dtype, *numbers) in self.FORMATS.items():
            for rule in ("floor", "ceil", "even", "rceil"):
                for k, x in enumerate(tensors()):
                    with self.subTest(form=form, rule=rule, tensor=k):
                        self.check(form, rule, x, dtype, *numbers)

    def check(self, form, rule, x, dtype, exponent, largest, fraction_bits):
        ours = np.frombuffer(run(form, rule, x), np.uint8).reshape(-1, 33)
        blocks = x.reshape(-1, 32)
        scales = np.array([self.scale(rule, a, exponent, largest, fraction_bits)
                           for a in np.abs(blocks).max(axis=1)])
        np.testing.assert_array_equal(ours[:, 0], scales)
        scaled = np.clip(blocks.astype(np.float64) * 2.0 ** (127 - scales)[:, None],
                         -largest, largest)
        # Exact in float but for what is far below the least element.
        codes = scaled.astype(F).astype(dtype).view(np.uint8)
        np.testing.assert_array_equal(ours[:, 1:], codes & (15 if form == "mxfp4" else 255))

    def test_not_finite(self):
        x = np.zeros((2, 32))
        x[0, 3], x[1, 5] = np.inf, np.nan
        for form, (_, exponent, *_) in self.FORMATS.items():
            for rule in ("floor", "ceil", "even", "rceil"):
                ours = np.frombuffer(run(form, rule, x), np.uint8).reshape(-1, 33)
                self.assertEqual(ours[0, 0], 254 if rule == "rceil" else 255 - exponent)
                self.assertEqual(ours[1, 0], 255)
                self.assertFalse(ours[1, 1:].any())


class S8(unittest.TestCase):
    def test_rows(self):
        for x in tensors():
            rows = x.reshape(-1, 64)
            ours = np.frombuffer(run("s8", "127", x), np.uint8).reshape(-1, 68)
            scale = (np.abs(rows).max(axis=1, keepdims=True) / F(127)).astype(F)
            np.testing.assert_array_equal(ours[:, :4].copy().view(F), scale)
            with np.errstate(invalid="ignore"):
                codes = np.clip(np.rint(np.where(scale == 0, F(0), rows / scale)), -127, 127)
            np.testing.assert_array_equal(ours[:, 4:].view(np.int8), codes.astype(np.int8))


if __name__ == "__main__":
    unittest.main()
