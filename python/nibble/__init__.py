"""Low-bit number formats, exact to the byte.

    codes, scales, global_scale = nibble.quantize(weights, "nvfp4", mode="modelopt")
    q = nibble.quantize(weights, "mxfp4")
    values = nibble.dequantize(q)

`quantize`, `dequantize` and `hadamard16` are for arrays, `load`, `save` and `inspect` for
checkpoints, `pack_scales` and `unpack_scales` for the scale layout of tensor cores. Errors are
ValueError.
"""

from importlib.metadata import version as _version

from ._files import (Checkpoint, Contents, TensorInfo, WeightInfo, inspect, load,
                     save)
from ._formats import (FORMATS, Quantized, dequantize, hadamard16, modes, pack_scales,
                       quantize, unpack_scales)

__version__ = _version("nibble")
__all__ = ["FORMATS", "Checkpoint", "Contents", "Quantized", "TensorInfo", "WeightInfo",
           "dequantize", "hadamard16", "inspect", "load", "modes", "pack_scales", "quantize",
           "save", "unpack_scales"]
