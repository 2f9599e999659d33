"""Compares nibble's number formats with ml_dtypes and numpy, code by code and bit by bit.

Inputs of the conversions: every bfloat16 pattern, every rounding boundary of every format with the
floats on either side, and a million random float patterns. NaNs must be NaNs of the same sign;
everything else must be the same bits.
"""

import subprocess
import sys
import unittest

import ml_dtypes
import numpy as np

PROGRAM = sys.argv.pop(1)

TYPES = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "ue8m0": ml_dtypes.float8_e8m0fnu,
    "e2m1": ml_dtypes.float4_e2m1fn,
}


def run(verb: str, name: str, data: bytes = b"") -> bytes:
    return subprocess.run([PROGRAM, verb, name], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def codes_type(name: str):
    return np.uint16 if np.dtype(TYPES[name]).itemsize == 2 else np.uint8


def all_codes(name: str) -> np.ndarray:
    count = 16 if name == "e2m1" else 256 ** np.dtype(TYPES[name]).itemsize
    return np.arange(count).astype(codes_type(name))


def values(name: str) -> np.ndarray:
    """What the other implementation makes of every code."""
    with np.errstate(invalid="ignore"):
        return all_codes(name).view(TYPES[name]).astype(np.float32)


def inputs() -> np.ndarray:
    patterns = [np.arange(1 << 16, dtype=np.uint32) << 16,
                np.random.default_rng(1).integers(0, 1 << 32, 1 << 20, dtype=np.uint32)]
    for name in TYPES:
        finite = np.unique(values(name)[np.isfinite(values(name))])
        mid = ((finite[1:].astype(np.float64) + finite[:-1]) / 2).astype(np.float32)
        # What would come after the largest value is one step further.
        past = finite[-1] + (finite[-1] - finite[-2].astype(np.float64)) / 2
        edges = np.concatenate([mid, finite, [past, -past]]).astype(np.float32).view(np.uint32)
        patterns += [edges - 1, edges, edges + 1]
    return np.concatenate(patterns).astype(np.uint32).view(np.float32)


class Decode(unittest.TestCase):
    def check(self, name):
        ours = np.frombuffer(run("decode", name), np.float32)
        theirs = values(name)
        nan = np.isnan(theirs)
        self.assertEqual(len(ours), len(theirs))
        np.testing.assert_array_equal(np.isnan(ours), nan)
        np.testing.assert_array_equal(np.signbit(ours), np.signbit(theirs))
        np.testing.assert_array_equal(ours[~nan].view(np.uint32), theirs[~nan].view(np.uint32))

    def test_every_code(self):
        for name in TYPES:
            with self.subTest(name):
                self.check(name)


class Encode(unittest.TestCase):
    def compare(self, conversion, name, x, theirs):
        ours = np.frombuffer(run("encode", conversion, x.tobytes()), codes_type(name))
        wrong = np.flatnonzero(ours != theirs)
        self.assertEqual(wrong.size, 0, "" if not wrong.size else
                         f"{wrong.size} of {x.size} differ, first {x[wrong[0]]!r}: "
                         f"{ours[wrong[0]]:#x}, theirs {theirs[wrong[0]]:#x}")

    def encode(self, conversion, name, keep=lambda x: np.full(x.shape, True),
               before=lambda x: x):
        x = inputs()
        x = x[keep(x)]
        self.assertGreater(x.size, 1 << 20)
        with np.errstate(over="ignore", invalid="ignore"):
            theirs = before(x).astype(TYPES[name]).view(codes_type(name))
        self.compare(conversion, name, x, theirs)

    def test_bf16(self):
        self.encode("bf16", "bf16")

    def test_fp16(self):
        # numpy keeps the upper bits of a NaN's payload.
        self.encode("fp16", "fp16", keep=lambda x: ~np.isnan(x))

    def test_e4m3_nan_on_overflow(self):
        self.encode("e4m3_nan_on_overflow", "e4m3")

    def test_e4m3_saturating(self):
        self.encode("e4m3_saturating", "e4m3", before=lambda x: np.clip(x, -448, 448))

    def test_e5m2_inf_on_overflow(self):
        self.encode("e5m2_inf_on_overflow", "e5m2")

    def test_e5m2_saturating(self):
        self.encode("e5m2_saturating", "e5m2", before=lambda x: np.clip(x, -57344, 57344))

    def test_e2m1_saturating(self):
        # A NaN has no common code.
        self.encode("e2m1_saturating", "e2m1", keep=lambda x: ~np.isnan(x))


if __name__ == "__main__":
    unittest.main()
