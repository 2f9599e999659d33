"""Makes the goldens of this folder: bytes of other libraries' encoders, none of ours.

    python3 -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/pip download --no-deps --no-build-isolation -d WHEELS -r references.txt
    VENV/bin/python make.py WHEELS

Small inputs are stored beside what the libraries make of them. Of a large one, which goldens_test
makes again from its seed, only hashes (XXH64) are kept. The metadata of each file names its
libraries and their versions.

Left out, because the library has no answer to compare with: a zero tensor where it divides 0 by 0;
blocks so small that torchao's MX multiplies by another power of two than it stores; elements of MX
blocks with a NaN or an infinity.

Formulas of int8 rows differ. modelopt's is ours: amax / 127, and elements divided by that. torchao
has the same scales (asserted), but multiplies by their reciprocals, 1e12 at most;
compressed-tensors divides amax by 127.5 and has codes down to -128. Scales below 2^-126 are left
out: of too few bits, they make -128 in modelopt.

Ternary is torchao's BitNet, which sums magnitudes in float, where we sum in double, and divides by
1e-5 at least. Means are compared where sums are exact, so that their order is of no matter; other
tensors are encoded with torchao's mean. torchao packs neighbours as two's complement, the first
highest; codes w + 1 with the first lowest are transformers' (neighbours are put where it takes a
byte's weights from, a quarter of the rows apart), and bytes of five are gguf's TQ1_0, likewise.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import gguf
import ml_dtypes
import modelopt.torch.quantization as mtq
import numpy as np
import torch
import xxhash
from compressed_tensors.compressors.nvfp4.helpers import quantize_and_pack_fp4
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from modelopt.torch.export import quant_utils
from modelopt.torch.quantization.qtensor import MXFP8QTensor, NVFP4QTensor
from safetensors.numpy import save_file
from torchao.prototype.mx_formats import mx_tensor, nvfp4_tensor
from torchao.prototype.mx_formats.config import ScaleCalculationMode
from torchao.prototype.mx_formats.utils import from_blocked, to_blocked
from torchao.prototype.quantized_training import bitnet
from torchao.prototype.quantized_training.int8 import quantize_int8_rowwise
from transformers.integrations.bitnet import pack_weights

import checkpoints
import inputs
import wheels

F = np.float32
HERE = Path(__file__).parent
WHEELS = Path(sys.argv[1])
torch.set_num_threads(1)
np.seterr(all="ignore")


def wheel(name: str) -> Path:
    return next(WHEELS.glob(f"{name}-*.*"))


TE = wheels.transformer_engine(wheel("transformer_engine"))
VLLM = wheels.vllm(wheel("vllm"))
AUTHORS, AUTHORS_ENUMS = wheels.fouroversix(wheel("fouroversix"))


def write(name: str, tensors: dict, libraries: tuple):
    wheel_versions = {p: wheel(p).name.removesuffix(".tar.gz").split("-")[1]
                      for p in ("transformer_engine", "vllm", "fouroversix")}
    made_by = ", ".join(f"{p} {wheel_versions.get(p) or version(p)}" for p in libraries)
    path = HERE / f"{name}.safetensors"
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, path,
              metadata={"made_by": made_by})
    path.chmod(0o644)
    print(f"{path.name}: {path.stat().st_size} bytes, {len(tensors)} tensors; {made_by}")


def u8(x) -> np.ndarray:
    return x.contiguous().view(torch.uint8).numpy() if torch.is_tensor(x) else x


# NVFP4: each returns codes [R, K/2], scales [R, K/16] and, if it has one, the tensor's scale.

def te(x: np.ndarray, by_row=False, **options):
    t = torch.from_numpy(x)
    amax = t.abs().amax(dim=1) if by_row else t.abs().amax()
    codes, scales = TE._quantize_blockwise_reference(
        t, amax, 16, 1, pow_2_scales=False, row_scaled_nvfp4=by_row, eps=0.0, **options)
    return u8(codes), u8(scales)


def te_four_over_six(error: str, greatest: int):
    return lambda x: te(x, nvfp4_use_4over6=True, nvfp4_e4m3_max=greatest,
                        nvfp4_4over6_err_mode=error)


def four_over_six(rule: str):
    def encode(x: np.ndarray):
        codes, scales, _ = AUTHORS.quantize_to_fp4(
            torch.from_numpy(x), fp4_format=AUTHORS_ENUMS.DataType.nvfp4,
            scale_rule=AUTHORS_ENUMS.ScaleRule[rule], use_blackwell_scale_layout=False)
        return u8(codes), u8(scales).reshape(len(x), -1)
    return encode


def vllm(x: np.ndarray):
    t = torch.from_numpy(x)
    scale = (torch.tensor(2688.0) / t.abs().amax()).reshape(1)
    values, scales = VLLM.ref_nvfp4_quant(t, scale, 16)
    codes = values.numpy().astype(ml_dtypes.float4_e2m1fn).view(np.uint8)  # exact
    codes = codes[:, ::2] | codes[:, 1::2] << 4
    return codes, scales.numpy().astype(ml_dtypes.float8_e4m3fn).view(np.uint8), scale.numpy()


def modelopt(x: np.ndarray):
    q, scales, scale = NVFP4QTensor.quantize(torch.from_numpy(x.copy()), 16)
    return u8(q._quantized_data), u8(scales), scale.reshape(1).numpy()


def torchao(x: np.ndarray):
    t = torch.from_numpy(x)
    scale = nvfp4_tensor.per_tensor_amax_to_scale(t.abs().amax())
    scales, codes = nvfp4_tensor.nvfp4_quantize(t, 16, scale)
    return u8(codes), u8(scales), scale.reshape(1).numpy()


def torchao_single(x: np.ndarray):
    scales, codes = nvfp4_tensor.nvfp4_quantize(torch.from_numpy(x), 16)
    return u8(codes), u8(scales)


CT_NVFP4 = QuantizationArgs(num_bits=4, type="float", strategy="tensor_group", group_size=16,
                            symmetric=True, scale_dtype=torch.float8_e4m3fn)


def compressed_tensors(dtype):
    def encode(x: np.ndarray):
        t = torch.from_numpy(x).to(dtype)
        scale = generate_gparam(t.min(), t.max())
        blocks = t.reshape(len(x), -1, 16)
        scales, _ = calculate_qparams(blocks.amin(-1), blocks.amax(-1), CT_NVFP4, scale)
        codes = quantize_and_pack_fp4(t, scales, global_scale=scale, group_size=16)
        return u8(codes), u8(scales.to(torch.float8_e4m3fn)), scale.numpy()
    return encode


NVFP4 = {
    "te": te,
    "vllm": vllm,
    "modelopt": modelopt,
    "torchao": torchao,
    "torchao_single": torchao_single,
    "ct_f32": compressed_tensors(torch.float32),
    "ct_bf16": compressed_tensors(torch.bfloat16),
    "te_rows": lambda x: te(x, by_row=True),
    "4o6_ref_mse": four_over_six("mse"),
    "4o6_ref_mae": four_over_six("mae"),
    "4o6_ref_abs_max": four_over_six("abs_max"),
    "4o6_ref_static_6": four_over_six("static_6"),
    "4o6_mae_448": te_four_over_six("MAE", 448),
    "4o6_mae_256": te_four_over_six("MAE", 256),
    "4o6_mse_448": te_four_over_six("MSE", 448),
    "4o6_mse_256": te_four_over_six("MSE", 256),
}


def digest(x: np.ndarray) -> np.ndarray:
    return np.array([xxhash.xxh64(np.ascontiguousarray(x).tobytes()).intdigest()], np.uint64)


def nvfp4():
    small = list(inputs.small().values())
    tensors = {"x": np.stack(small)}
    # The first so many tensors: those of type bf16, and all without 0 / 0 or an infinite scale.
    count = {"ct_bf16": 4} | dict.fromkeys(("vllm", "modelopt", "torchao"), len(small) - 2)
    count |= {mode: len(small) - 1 for mode in NVFP4 if mode.startswith("4o6_ref")}
    for mode, encode in NVFP4.items():
        made = [encode(x) for x in small[:count.get(mode)]]
        for part, values in zip(("codes", "scales", "scale"), zip(*made)):
            tensors[f"{mode}.{part}"] = np.stack(values)
        x = inputs.bf16(inputs.large()) if mode == "ct_bf16" else inputs.large()
        for part, values in zip(("codes", "scales"), encode(x)):
            tensors[f"large.{mode}.{part}"] = digest(values)
    # Whole numbers, so that the order of a sum is of no matter.
    x = np.random.default_rng(25).integers(-8, 9, (8, 16)).astype(F)
    options = SimpleNamespace(with_rht=True, quant_tile_shape=(1, 16), with_random_sign_mask=True,
                              _build_hadamard_matrix=TE._build_hadamard_matrix)
    tensors["hadamard.x"] = x
    tensors["hadamard.y"] = TE._apply_rht(options, torch.from_numpy(x)).numpy()
    write("nvfp4", tensors, ("transformer_engine", "vllm", "fouroversix",
                             "nvidia-modelopt", "torchao", "compressed-tensors", "torch"))


# MX: codes, two of e2m1 to a byte, and scales.

MX = {"mxfp4": torch.float4_e2m1fn_x2, "mxfp8_e4m3": torch.float8_e4m3fn,
      "mxfp8_e5m2": torch.float8_e5m2}
RULES = {"floor": ScaleCalculationMode.FLOOR, "ceil": ScaleCalculationMode.CEIL,
         "even": ScaleCalculationMode.EVEN, "rceil": ScaleCalculationMode.RCEIL}


def mx_inputs() -> np.ndarray:
    small = inputs.small()
    # Greatest elements of the three types times powers of two, and what rounds to them.
    edges = np.random.default_rng(22).uniform(-0.5, 0.5, (16, 64))
    edges[:8, 0] = [6, 7, 8, 3, 5, 1.75, 448, 57344]
    edges[8:, 0] = [464, 480, 512, 1.875, 0.875, 61440, 65536, 4]
    names = ("bf16_normal", "bf16_heavy", "bf16_wide", "bf16_ties", "zero")
    return np.stack([small[name] for name in names] + [inputs.bf16(edges)])


def mx():
    x = mx_inputs()
    odd = np.ones((4, 32), F)
    odd[0, 3], odd[1, 5], odd[2, 7], odd[3, :2] = np.inf, np.nan, -np.inf, (np.nan, np.inf)
    tensors = {k: v.astype(ml_dtypes.bfloat16) for k, v in (("x", x), ("not_finite.x", odd))}
    large = torch.from_numpy(inputs.bf16(inputs.large()))
    for form, dtype in MX.items():
        for rule, mode in RULES.items():
            name = f"{form}.{rule}"
            scales, codes = mx_tensor.to_mx(torch.from_numpy(x), dtype, 32, mode)
            tensors[f"{name}.codes"], tensors[f"{name}.scales"] = u8(codes), u8(scales)
            scales, _ = mx_tensor.to_mx(torch.from_numpy(odd), dtype, 32, mode)
            tensors[f"not_finite.{name}.scales"] = u8(scales)
            scales, codes = mx_tensor.to_mx(large, dtype, 32, mode)
            tensors[f"large.{name}.codes"] = digest(u8(codes))
            tensors[f"large.{name}.scales"] = digest(u8(scales))
    # A second opinion on one of them.
    codes, scales = MXFP8QTensor.quantize(large)
    assert digest(u8(scales)) == tensors["large.mxfp8_e4m3.rceil.scales"]
    assert digest(u8(codes._quantized_data)) == tensors["large.mxfp8_e4m3.rceil.codes"]
    write("mx", tensors, ("torchao", "nvidia-modelopt", "torch"))


# FP8 and casts.

def fp8():
    x = inputs.cast_inputs()
    t = torch.from_numpy(x)
    tensors = {"x": x}
    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "bfloat16", "float16"):
        cast = x.astype(getattr(np if name == "float16" else ml_dtypes, name))
        tensors[f"{name}.ml_dtypes"] = cast.view(np.uint16 if name[0] != "f" or name == "float16"
                                                 else np.uint8)
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        tensors[f"{str(dtype).split('.')[1]}.torch"] = u8(t.to(dtype))
    weights = torch.from_numpy(inputs.large())
    rows, columns = weights.shape
    tiles = weights.reshape(rows // 128, 128, columns // 128, 128)
    for strategy, options, low, high in (
            ("tensor", {}, weights.min(), weights.max()),
            ("channel", {}, weights.amin(1, True), weights.amax(1, True)),
            ("block", {"block_structure": [128, 128]}, tiles.amin((1, 3)), tiles.amax((1, 3)))):
        args = QuantizationArgs(num_bits=8, type="float", strategy=strategy, symmetric=True,
                                **options)
        scale, zero = calculate_qparams(low, high, args)
        codes = quantize(weights, scale, zero, args, dtype=torch.float8_e4m3fn)
        tensors[f"large.{strategy}.scales"] = scale.numpy()
        tensors[f"large.{strategy}.codes"] = digest(u8(codes))
    write("fp8", tensors, ("ml_dtypes", "torch", "compressed-tensors"))


# GGUF's blocks and their values; the scales of NVFP4 as llama.cpp rounds them.

def ggml():
    rng = np.random.default_rng(24)
    x = (rng.normal(size=(4, 256)) * np.exp(rng.uniform(-6, 6, (4, 1)))).astype(F)
    x[1, 32:64] = 0
    ternary = rng.integers(-1, 2, (2, 512)).astype(F) * F(0.03125)
    Type = gguf.GGMLQuantizationType
    blocks = {Type.Q8_0: gguf.quants.quantize(x, Type.Q8_0)}
    for kind in (Type.TQ1_0, Type.TQ2_0):
        blocks[kind] = gguf.quants.quantize(ternary, kind)
    # Random codes. NVFP4 has four scales in a block, without sign: all of them. MXFP4 has one.
    scales = {Type.NVFP4: np.arange(128).reshape(32, 4),
              Type.MXFP4: np.arange(0, 255, 6).reshape(-1, 1)}
    for kind, first in scales.items():
        _, size = gguf.GGML_QUANT_SIZES[kind]
        codes = rng.integers(0, 256, (len(first), size - first.shape[1]))
        blocks[kind] = np.concatenate([first, codes], axis=1).astype(np.uint8)
    tensors = {}
    for kind, made in blocks.items():
        tensors[f"{kind.name}.blocks"] = made
        tensors[f"{kind.name}.values"] = gguf.quants.dequantize(made, kind).astype(F)
    amax = inputs.cast_inputs()
    amax = amax[np.isfinite(amax) & (amax >= 0)]
    tensors["ue4m3.amax"] = np.concatenate([amax, amax * F(6)])
    tensors["ue4m3.scales"] = gguf.quants.NVFP4.fp32_to_ue4m3(tensors["ue4m3.amax"] / F(6))
    write("ggml", tensors, ("gguf", "numpy"))


# Scales as tensor cores read them: of whole atoms, of parts of one, and of several.

def layouts():
    rng = np.random.default_rng(26)
    tensors = {}
    for rows, cols in ((1, 1), (32, 4), (128, 4), (33, 3), (130, 5), (257, 18)):
        scales = rng.integers(1, 256, (rows, cols)).astype(np.uint8)
        blocked = to_blocked(torch.from_numpy(scales), use_triton_kernel=False)
        # A second opinion: their way back.
        padded = from_blocked(blocked, -(-rows // 128) * 128, -(-cols // 4) * 4)
        assert (u8(padded)[:rows, :cols] == scales).all()
        tensors[f"{rows}x{cols}.linear"] = scales
        tensors[f"{rows}x{cols}.blocked"] = u8(blocked).reshape(-1)
    write("layouts", tensors, ("torchao", "torch"))


# Rows of int8.

def int8_rows(x: np.ndarray):
    module = torch.nn.Linear(x.shape[1], len(x), bias=False)
    module.weight.data = torch.from_numpy(x)
    mtq.quantize(module, mtq.INT8_WEIGHT_ONLY_CFG)
    scales = quant_utils.get_weight_scaling_factor(module).reshape(-1)
    codes = quant_utils.to_quantized_weight(module.weight.detach(), scales,
                                            quant_utils.QUANTIZATION_INT8_WO)
    assert torch.equal(quantize_int8_rowwise(torch.from_numpy(x))[1], scales)
    return codes.numpy(), scales.numpy()


def int8():
    small = inputs.small()
    x = np.concatenate([inputs.int8_ties()] + [small[name] for name in (
        "normal", "heavy", "wide", "huge", "tiny")])
    codes, scales = int8_rows(x)
    tensors = {"x": x, "codes": codes, "scales": scales}
    codes, scales = int8_rows(inputs.large())
    tensors["large.codes"], tensors["large.scales"] = digest(codes), scales
    write("int8", tensors, ("nvidia-modelopt", "torchao", "torch"))


# Ternary tensors, and bytes of ternary weights.

def ternary():
    small = inputs.small()
    exact = inputs.ternary_exact()
    tensors = {"exact.x": exact, "other.x": np.stack([small[name] for name in (
        "normal", "heavy", "wide", "spike")])}
    for part in ("exact", "other"):
        means = [bitnet.get_bitnet_scale(torch.from_numpy(x)) for x in tensors[f"{part}.x"]]
        tensors[f"{part}.gamma"] = np.array(means, F)
        weights = [bitnet.quantize_bitnet_weight(torch.from_numpy(x), mean)
                   for x, mean in zip(tensors[f"{part}.x"], means)]
        tensors[f"{part}.weights"] = np.stack(weights)
    # All numbers of five digits; five weights a byte, and four.
    digits = np.arange(243)[:, None] // np.array([81, 27, 9, 3, 1]) % 3 - 1
    digits = np.concatenate([digits, digits[:45]]).astype(np.int8)  # 6 blocks of 48 bytes
    blocks = np.zeros((6, 256), F)
    for block, rows in zip(blocks, digits.reshape(6, 48, 5)):
        block[:160], block[160:240] = rows[:32].T.reshape(-1), rows[32:].T.reshape(-1)
    made = gguf.quants.quantize(blocks, gguf.GGMLQuantizationType.TQ1_0)[:, :48]
    tensors["bytes.weights"], tensors["bytes.base3"] = digits, made.reshape(-1)
    fours = torch.from_numpy(digits.reshape(-1, 4).T.copy())
    tensors["bytes.two_bit"] = pack_weights(fours).numpy().reshape(-1)
    write("ternary", tensors, ("torchao", "transformers", "gguf", "torch"))


def checkpoint_folders():
    write("checkpoints", checkpoints.make(HERE),
          ("compressed-tensors", "nvidia-modelopt", "transformers", "torch"))


if __name__ == "__main__":
    for make in (fp8, ggml, layouts, mx, nvfp4, int8, ternary, checkpoint_folders):
        make()
