"""Small checkpoints as other libraries write them: folders with config.json and safetensors.

The weights are random; a Llama of one layer carries them, because that is what the exporters take.
In checkpoints.safetensors is what each library decodes its own file to: hashes of all matrices in
bfloat16, the type that both decode to; of one matrix the floats; and hashes of floats where the
tensor scale is a power of two.

With other tensor scales floats may differ from ours in their last bit. Both libraries round block
scale and tensor scale to one float, which the element multiplies; we round the product of the three
once, and take the reciprocal of a tensor scale that divides. modelopt decodes code 8 to 0, not -0.
"""

import shutil
from pathlib import Path

import modelopt.torch.quantization as mtq
import numpy as np
import torch
import xxhash
from compressed_tensors.compressors import BaseCompressor, ModelCompressor
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.quantization import (QuantizationConfig, QuantizationStatus,
                                             apply_quantization_config, preset_name_to_scheme)
from compressed_tensors.quantization.lifecycle.forward import dequantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from modelopt.torch.export import export_hf_checkpoint
from modelopt.torch.quantization.qtensor import NVFP4QTensor
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

FLOATS = "model.layers.0.self_attn.k_proj.weight"


def llama() -> LlamaForCausalLM:
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=32, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
        max_position_embeddings=64, architectures=["LlamaForCausalLM"])).bfloat16()
    rng = np.random.default_rng(27)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.standard_t(4, size=p.shape) * 0.05))
        for m in (model.model.layers[0].mlp.gate_proj, model.model.layers[0].mlp.up_proj):
            m.weight.clamp_(-0.5, 0.5)[3, 5] = 2688 / 4096
    return model.eval()


def digest(x: torch.Tensor) -> np.ndarray:
    bytes_ = x.contiguous().view(torch.uint8).numpy().tobytes()
    return np.array([xxhash.xxh64(bytes_).intdigest()], np.uint64)


def parts_of(folder: Path) -> dict:
    """Tensors by module and local name."""
    modules = {}
    for name, t in load_file(folder / "model.safetensors").items():
        module, _, part = name.rpartition(".")
        modules.setdefault(module, {})[part] = t
    return modules


def decoded(name: str, matrix: str, narrow: torch.Tensor, floats, power_of_two: bool) -> dict:
    assert narrow.dtype == torch.bfloat16
    made = {f"{name}.{matrix}.bf16": digest(narrow)}
    if power_of_two:
        made[f"{name}.{matrix}.f32_hash"] = digest(floats)
    if matrix == FLOATS:
        made[f"{name}.{matrix}.f32"] = floats.numpy()
    return made


def compressed_tensors(folder: Path) -> dict:
    """NVFP4 weights, and one matrix of int8 rows."""
    model = llama()
    fp4 = preset_name_to_scheme("NVFP4A16", ["re:.*(q|k|v|o|gate|up)_proj"])
    int8 = preset_name_to_scheme("W8A8", ["re:.*down_proj"])
    apply_quantization_config(model, QuantizationConfig(
        config_groups={"group_0": fp4, "group_1": int8}, ignore=["lm_head"]), show_progress=False)
    for module in model.modules():
        scheme = getattr(module, "quantization_scheme", None)
        if scheme is None:
            continue
        w = module.weight.detach()
        with torch.no_grad():
            if scheme.weights.num_bits == 4:
                scale = generate_gparam(w.min(), w.max())
                module.weight_global_scale.copy_(scale)
                blocks = w.reshape(len(w), -1, 16)
                scales, _ = calculate_qparams(blocks.amin(-1), blocks.amax(-1), scheme.weights,
                                              scale)
            else:
                scales, _ = calculate_qparams(w.amin(1, True), w.amax(1, True), scheme.weights)
            module.weight_scale.copy_(scales)
        module.quantization_status = QuantizationStatus.FROZEN
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    model.save_pretrained(folder)
    compressor.update_config(folder)
    made = {}
    for module, parts in parts_of(folder).items():
        if "weight_scale" not in parts:
            continue
        form = "nvfp4-pack-quantized" if "weight_packed" in parts else "int-quantized"
        scheme = int8 if form == "int-quantized" else fp4
        narrow = BaseCompressor.get_value_from_registry(form).decompress(parts, scheme)["weight"]
        floats = power_of_two = None
        if scheme is fp4:
            packed, scale = parts["weight_packed"], parts["weight_global_scale"]
            floats = dequantize(
                unpack_fp4_from_uint8(packed, len(packed), packed.shape[1] * 2, torch.float32),
                parts["weight_scale"].float(), None, fp4.weights, torch.float32, scale)
            assert torch.equal(floats.bfloat16(), narrow)
            power_of_two = torch.frexp(scale)[0].item() == 0.5
        made |= decoded(folder.name, f"{module}.weight", narrow, floats, power_of_two)
    return made


def modelopt(folder: Path) -> dict:
    """NVFP4 weights and activations, so that there are input scales."""
    model = llama()
    tokens = torch.arange(32).reshape(2, 16)
    mtq.quantize(model, mtq.NVFP4_DEFAULT_CFG, lambda m: m(tokens))
    export_hf_checkpoint(model, export_dir=folder)
    made = {}
    for module, parts in parts_of(folder).items():
        if "weight_scale" not in parts:
            continue
        codes = parts["weight"]
        q = NVFP4QTensor(torch.Size((len(codes), codes.shape[1] * 2)), torch.bfloat16, codes)
        narrow, floats = (q.dequantize(dtype, scale=parts["weight_scale"], block_sizes={-1: 16},
                                       double_scale=parts["weight_scale_2"])
                          for dtype in (torch.bfloat16, torch.float32))
        power_of_two = torch.frexp(parts["weight_scale_2"])[0].item() == 0.5
        made |= decoded(folder.name, f"{module}.weight", narrow, floats, power_of_two)
    return made


def make(here: Path) -> dict:
    """Writes the folders; returns what they decode to."""
    made = {}
    for name, library in (("ct_nvfp4_int8", compressed_tensors), ("modelopt_nvfp4", modelopt)):
        folder = here / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        made |= library(folder)
        for path in folder.iterdir():
            path.chmod(0o644)
    return made
