"""Checkpoints on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from . import _nibble

_DTYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8,
    "BOOL": np.bool_, "C64": np.complex64, "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a checkpoint: its format is what the file calls it, "BF16" or "Q8_0"."""

    name: str
    format: str
    shape: tuple[int, ...]
    nbytes: int
    file: str


@dataclass(frozen=True)
class WeightInfo:
    """A quantised matrix, which several tensors are together.

    layout: whose names they have, "modelopt", "compressed-tensors", "deepseek", "blocks", "plain".
    parts: "codes", "scales" and, where there are such, "global_scale", "input_scale" and
        "hadamard" (signs of the transform that rows went through; dequantize() undoes it), to
        the names of tensors.
    """

    name: str
    format: str
    layout: str
    shape: tuple[int, ...]
    parts: dict[str, str]


@dataclass(frozen=True)
class Contents:
    """What inspect() finds: all tensors, and the quantised matrices that they are."""

    tensors: list[TensorInfo]
    weights: list[WeightInfo]
    metadata: dict[str, str]


class Checkpoint(Mapping[str, NDArray[Any]]):
    """Names to arrays. Arrays are read-only and lie in the mapped file, unless they are blocks of
    GGUF: these are decoded to float32 each time they are asked for."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source = _nibble.Source(os.fspath(path))
        self._infos = self._source.infos()
        self._index = {info[0]: i for i, info in enumerate(self._infos)}

    def __getitem__(self, name: str) -> NDArray[Any]:
        i = self._index[name]
        _, _, dtype, shape, *_ = self._infos[i]
        if dtype not in _DTYPES:
            raise ValueError(f"tensor '{name}' has dtype {dtype}, which NumPy does not know")
        array: NDArray[Any] = self._source.bytes(i).view(_DTYPES[dtype]).reshape(shape)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    @property
    def metadata(self) -> dict[str, str]:
        """Of the file; of a sharded checkpoint, of its index. Numbers of GGUF are JSON."""
        return self._source.metadata()

    @property
    def tensors(self) -> list[TensorInfo]:
        """All tensors, as their data lie."""
        return [TensorInfo(name, format, tuple(shape), nbytes, file)
                for name, format, _, shape, nbytes, file in self._infos]

    @property
    def weights(self) -> list[WeightInfo]:
        """The quantised matrices, by the names, types and shapes of their parts."""
        return [WeightInfo(name, format, layout, tuple(shape), parts)
                for name, format, layout, shape, parts in self._source.weights()]

    def dequantize(self, name: str, *, threads: int = 0) -> NDArray[np.float32]:
        """The values of one of `weights`, by its name."""
        shape = next((w.shape for w in self.weights if w.name == name), ())
        return self._source.dequantized(name, threads).reshape(shape)


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Opens a .safetensors or .gguf file, an index of shards, or a folder of a model hub.

    The whole header is checked before this returns.
    """
    return Checkpoint(path)


def inspect(path: str | os.PathLike[str]) -> Contents:
    """What is in a checkpoint, whose files are checked as load() checks them."""
    checkpoint = Checkpoint(path)
    return Contents(checkpoint.tensors, checkpoint.weights, checkpoint.metadata)


def save(path: str | os.PathLike[str], tensors: Mapping[str, Any],
         metadata: Mapping[str, str] | None = None) -> None:
    """Writes a .safetensors file, which is there whole or not at all."""
    parts = []
    for name, tensor in tensors.items():
        array = np.asarray(tensor)
        if array.dtype not in _NAMES:
            raise ValueError(f"tensor '{name}' has type {array.dtype}, for which safetensors has "
                             "no dtype")
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        parts.append((name, _NAMES[array.dtype], list(array.shape), data))
    _nibble.save(os.fspath(path), parts, dict(metadata or {}))
