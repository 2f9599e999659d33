"""Loads single files of packages that need a GPU to be imported.

The files are executed as they are; what they import from the rest of their package is the wheel's
file too, or a named stand-in where the reference encoder does not use it.
"""

import sys
import tarfile
import types
import zipfile
from pathlib import Path
from types import SimpleNamespace


def module(name: str, **members) -> types.ModuleType:
    """A module `name` with these members, and the packages above it."""
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules.get(parent) or module(parent), last, made)
    return made


def load(wheel: Path, path: str, **members) -> types.ModuleType:
    if wheel.suffix == ".gz":
        with tarfile.open(wheel) as t:
            source = t.extractfile(f"{wheel.name.removesuffix('.tar.gz')}/src/{path}").read()
    else:
        with zipfile.ZipFile(wheel) as z:
            source = z.read(path)
    loaded = module(path.removesuffix(".py").replace("/", "."), **members)
    loaded.__file__ = f"{wheel}/{path}"
    exec(compile(source, loaded.__file__, "exec"), loaded.__dict__)
    return loaded


def transformer_engine(wheel: Path):
    """TransformerEngine's reference quantizer of NVFP4."""
    recipes = "transformer_engine/pytorch/custom_recipes"
    module("transformer_engine.pytorch.quantized_tensor", QuantizedTensorStorage=object,
           Quantizer=object)
    module("transformer_engine.pytorch.tensor.utils", is_custom=None)
    load(wheel, f"{recipes}/gemm.py")
    load(wheel, f"{recipes}/reference_utils.py")
    return load(wheel, f"{recipes}/reference_nvfp4.py").NVFP4QuantizerRef


def vllm(wheel: Path):
    """vLLM's reference encoder of NVFP4."""
    module("vllm.platforms", current_platform=SimpleNamespace(is_cuda_alike=lambda: False))
    module("vllm.triton_utils", tl=SimpleNamespace(constexpr=None),
           triton=SimpleNamespace(jit=lambda f: f))
    module("vllm.utils.torch_utils", direct_register_custom_op=lambda *_, **__: None)
    load(wheel, "vllm/scalar_type.py")
    return load(wheel, "vllm/model_executor/layers/quantization/utils/nvfp4_emulation_utils.py")


def fouroversix(archive: Path):
    """The reference encoder of the authors of "four over six", and its enumerations."""
    utils = load(archive, "fouroversix/utils.py")
    module("fouroversix.quantize.utils", to_blocked=None)
    return load(archive, "fouroversix/quantize/pytorch/reference.py"), utils
