"""gguf_golden.py FILE [--check]: a GGUF file made by the package gguf: random blocks of every type
that we read, and beside each tensor `x` the floats that the package decodes it to, `x.floats`.
With --check: FILE must be what this makes now."""

import pathlib
import sys
import tempfile

import gguf
import numpy as np
from gguf.quants import dequantize

TYPES = ("F32", "F16", "BF16", "Q8_0", "MXFP4", "NVFP4", "TQ1_0", "TQ2_0")
INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.float64)


def make(path):
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "golden", use_temp_file=False)
    writer.add_string("text", "zwölf")
    writer.add_array("strings", ["a", "", "\u20ac"])
    writer.add_array("floats", [1.5, -2.0])
    writer.add_bool("truth", True)
    writer.add_int8("i8", -3)
    writer.add_uint16("u16", 65535)
    writer.add_int64("i64", -(1 << 40))
    writer.add_float64("f64", 0.1)
    for name in TYPES:
        type_ = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[type_]
        blocks = 2048 if elements == 1 else 8
        data = rng.integers(0, 256, (2, blocks // 2 * size), dtype=np.uint8)
        if name in ("NVFP4", "MXFP4"):  # every scale there is, and blocks that are not all noise
            data = rng.integers(0, 256, (2, 256 // 2 * size), dtype=np.uint8)
            scales = data.reshape(-1, size)
            scales[:, 0] = np.arange(256)
        with np.errstate(all="ignore"):
            floats = dequantize(data, type_) if name != "F32" else data.view(np.float32)
        if name in ("F32", "F16"):
            data = data.view(np.float32 if name == "F32" else np.float16)
            writer.add_tensor(name, data)
        else:
            writer.add_tensor(name, data, raw_dtype=type_)
        writer.add_tensor(f"{name}.floats", np.ascontiguousarray(floats, dtype=np.float32))
    for kind in INTEGERS:
        data = rng.integers(-100, 100, (3, 5)).astype(kind)
        writer.add_tensor(np.dtype(kind).name, data)
        writer.add_tensor(f"{np.dtype(kind).name}.floats", data.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    path = pathlib.Path(sys.argv[1])
    if "--check" not in sys.argv:
        make(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder) / "fresh.gguf"
        make(fresh)
        assert fresh.read_bytes() == path.read_bytes(), f"{path} is not what gguf makes now"


if __name__ == "__main__":
    main()
