"""Encoding and decoding of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _nibble

FORMATS = ("nvfp4", "mxfp4", "mxfp8", "fp8", "fp8-block", "int8", "ternary")


@dataclass(frozen=True, eq=False)
class Quantized:
    """A matrix in a low-bit format, unpackable into (codes, scales, global_scale).

    An array of shape [..., K] counts as a matrix of R rows of K elements.

    format     codes                       scales                          global_scale
    nvfp4      uint8 [R, K/2], e2m1        uint8 [R, K/16], e4m3           float32, in the mode's
                                                                           convention; per row: [R]
    mxfp4      uint8 [R, K/2], e2m1        uint8 [R, K/32], ue8m0          None
    mxfp8      uint8 [R, K], e4m3 or       uint8 [R, K/32], ue8m0          None
               e5m2, as the mode says
    fp8        uint8 [R, K], e4m3          float32 [1, 1] or [R, 1]        None
    fp8-block  uint8 [R, K], e4m3          float32, bfloat16 or uint8      None
                                           (ue8m0) [R/128, K/128]
    int8       int8 [R, K]                 float32 [R, 1]                  None
    ternary    uint8 [R, K/4] or [R, K/5]  float32 [1, 1]                  None

    Two e2m1 codes share a byte, the even element in the low nibble. Scales lie row by row;
    pack_scales() orders them for tensor cores. The global scale is about 2688 / amax where it
    divides (te, vllm, ct, 4o6) and about amax / 2688 where it multiplies (modelopt, torchao).
    """

    codes: NDArray[Any]
    scales: NDArray[Any]
    global_scale: NDArray[np.float32] | np.float32 | None
    format: str
    mode: str
    shape: tuple[int, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.codes, self.scales, self.global_scale))

    @property
    def nbytes(self) -> int:
        """Bytes of all parts."""
        return self.codes.nbytes + self.scales.nbytes + getattr(self.global_scale, "nbytes", 0)


def modes(format: str) -> tuple[str, ...]:
    """The names of the modes of a format, the default first."""
    return tuple(_nibble.modes(format).split(", "))


def _floats(array: Any) -> tuple[Any, tuple[int, ...]]:
    """The array as the extension reads it, and its shape.

    What NumPy does not know as its own (tensors of other libraries) is read by DLPack, without a
    copy. bfloat16 of ml_dtypes, which NumPy cannot export, is shown as uint16.
    """
    if not isinstance(array, np.ndarray) and hasattr(array, "__dlpack__"):
        return array, tuple(array.shape)
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float16, ml_dtypes.bfloat16):
        raise ValueError(f"the array's type is {array.dtype}, and none of float32, float16 and "
                         "bfloat16")
    shape = array.shape
    array = np.asarray(array, order="C")
    return array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array, shape


def _unreadable(array: Any) -> ValueError:
    return ValueError(f"a {type(array).__name__} is no array that can be read: NumPy's are, and "
                      "those that export DLPack")


def quantize(array: Any, format: str, mode: str = "", *, per_row: bool = False,
             amax: ArrayLike | None = None, stochastic_seed: int | None = None,
             threads: int = 0) -> Quantized:
    """Encodes an array of shape [..., K] along its last dimension.

    array: float32, float16 or bfloat16, of NumPy (with ml_dtypes) or anything with DLPack in the
        memory of the CPU.
    format: one of FORMATS.
    mode: whose bytes to make, see modes(format); by default the format's first. "ct" is "ct-bf16"
        for bfloat16 and else "ct-f32".
    per_row: nvfp4: a global scale for each row, else one for the array.
    amax: nvfp4: the greatest magnitude that the global scale is made for (of each row, with
        per_row), in place of the array's own: for matrices that must share one global scale.
    stochastic_seed: nvfp4, but for the modes ggml and 4o6: an element goes up or down with the
        probability of its distance to the other side, so that its expected value is what it was.
        The bytes are a function of the seed and the array.
    threads: at most so many; 0: one for each processor. The bytes do not depend on it.
    """
    source, shape = _floats(array)
    if stochastic_seed is not None and not 0 <= stochastic_seed < 1 << 64:
        raise ValueError(f"stochastic_seed must be from 0 to 2^64 - 1, got {stochastic_seed}")
    if amax is not None:
        amax = np.ascontiguousarray(amax, np.float32).reshape(-1)
    try:
        codes, scales, global_scales, scale_bytes, mode = _nibble.quantize(
            source, format, mode, per_row, amax, stochastic_seed, threads)
    except TypeError:
        raise _unreadable(array) from None
    kinds: dict[int, DTypeLike] = {1: np.uint8, 2: ml_dtypes.bfloat16, 4: np.float32}
    if format == "int8":
        codes = codes.view(np.int8)
    global_scale = (None if format != "nvfp4" else global_scales if per_row
                    else np.float32(global_scales[0]))
    return Quantized(codes, scales.view(kinds[scale_bytes]), global_scale, format, mode, shape)


def dequantize(q: Quantized, dtype: DTypeLike = np.float32, *, threads: int = 0) -> NDArray[Any]:
    """The values of a Quantized, of its shape, as float32 or rounded to bfloat16 or float16.

    Parts that came from elsewhere, a checkpoint for instance, make a Quantized, too:
    Quantized(codes, scales, global_scale, "nvfp4", "modelopt", (rows, cols)).
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float16, ml_dtypes.bfloat16):
        raise ValueError(f"dtype must be float32, float16 or bfloat16, and not {dtype}")
    if not q.shape:
        raise ValueError("shape must have one dimension at least")
    cols = q.shape[-1]
    rows = int(np.prod(q.shape[:-1], dtype=np.int64))
    codes = _bytes(q.codes, "codes")
    if codes.ndim < 2 or codes.size // codes.shape[-1] != rows:
        raise ValueError(f"codes of shape {q.codes.shape} have not the {rows} rows of shape "
                         f"{q.shape}")
    scales = _bytes(q.scales, "scales")
    global_scale = np.ascontiguousarray([] if q.global_scale is None else q.global_scale,
                                        np.float32).reshape(-1)
    values = _nibble.dequantize(codes.reshape(rows, -1), scales.reshape(-1, scales.shape[-1]),
                                global_scale, q.format, q.mode, cols, threads)
    return values.reshape(q.shape).astype(dtype, copy=False)


def hadamard16(array: Any, *, signs: int = 0xd7e8, inverse: bool = False,
               threads: int = 0) -> NDArray[np.float32]:
    """The random Hadamard transform of every 16 neighbours of a row, or its inverse, as float32.

    Outliers are spread over their block before it is encoded. A product stays what it was if both
    operands are transformed along K. Bit i of signs: element i of a block is negated first; the
    default is TransformerEngine's.
    """
    source, shape = _floats(array)
    if not 0 <= signs < 1 << 16:
        raise ValueError(f"signs must be from 0 to 65535, got {signs}")
    try:
        return _nibble.hadamard16(source, signs, inverse, threads).reshape(shape)
    except TypeError:
        raise _unreadable(array) from None


def pack_scales(scales: ArrayLike) -> NDArray[np.uint8]:
    """Block scales [R, C] in the layout 128x4 of tensor cores, one-dimensional.

    Rows are padded with zeros to a multiple of 128 and columns to a multiple of 4.
    """
    return _nibble.pack_scales(_bytes(scales, "scales", 2))


def unpack_scales(packed: ArrayLike, rows: int, cols: int) -> NDArray[np.uint8]:
    """The inverse of pack_scales: [rows, cols], without the pads."""
    return _nibble.unpack_scales(_bytes(packed, "packed"), rows, cols)


def _bytes(array: ArrayLike, name: str, dimensions: int | None = None) -> NDArray[np.uint8]:
    array = np.atleast_1d(np.asarray(array, order="C"))
    if dimensions is not None and array.ndim != dimensions:
        raise ValueError(f"{name} must have {dimensions} dimensions, and not {array.ndim}")
    if array.dtype.kind not in "uifV" or array.size == 0:
        raise ValueError(f"{name} must be an array of numbers that is not empty")
    if dimensions is not None and array.dtype.itemsize != 1:
        raise ValueError(f"{name} must be an array of bytes, and not of {array.dtype}")
    return array.view(np.uint8)
