"""The Python package against the goldens of other libraries, ml_dtypes and, where they are
installed, torch, torchao, compressed-tensors and gguf."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import nibble

F = np.float32
GOLDENS = Path(__file__).parents[1] / "goldens"
E2M1 = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(F)


def weights(rows=32, cols=256, seed=3):
    return np.random.default_rng(seed).standard_t(3, (rows, cols)).astype(F)


def unpacked(codes):
    """e2m1 codes, one a byte."""
    return np.stack([codes & 15, codes >> 4], axis=-1).reshape(len(codes), -1)


# Bytes.

GOLDEN_MODES = {"te": "te", "vllm": "vllm", "modelopt": "modelopt", "torchao": "torchao",
                "torchao_single": "torchao-single", "ct_f32": "ct-f32", "ct_bf16": "ct-bf16",
                "4o6_mae_448": "4o6-te", "4o6_mae_256": "4o6-te-mae-256",
                "4o6_mse_448": "4o6-te-mse", "4o6_mse_256": "4o6-te-mse-256",
                "4o6_ref_mse": "4o6-ref", "4o6_ref_mae": "4o6-ref-mae",
                "4o6_ref_abs_max": "4o6-ref-abs-max", "4o6_ref_static_6": "4o6-ref-static-6"}


@pytest.mark.parametrize("theirs", GOLDEN_MODES)
def test_nvfp4_goldens(theirs):
    golden = safetensors.numpy.load_file(GOLDENS / "nvfp4.safetensors")
    for k, codes in enumerate(golden[f"{theirs}.codes"]):
        q = nibble.quantize(golden["x"][k], "nvfp4", GOLDEN_MODES[theirs])
        np.testing.assert_array_equal(q.codes, codes)
        np.testing.assert_array_equal(q.scales, golden[f"{theirs}.scales"][k])
        if f"{theirs}.scale" in golden:
            assert q.global_scale == golden[f"{theirs}.scale"][k, 0]


def test_nvfp4_rows_golden():
    golden = safetensors.numpy.load_file(GOLDENS / "nvfp4.safetensors")
    for k, codes in enumerate(golden["te_rows.codes"]):
        x = golden["x"][k]
        q = nibble.quantize(x, "nvfp4", "te", per_row=True)
        np.testing.assert_array_equal(q.codes, codes)
        np.testing.assert_array_equal(q.scales, golden["te_rows.scales"][k])
        assert q.global_scale.shape == (16,)
        given = nibble.quantize(x, "nvfp4", "te", per_row=True, amax=np.abs(x).max(axis=1))
        np.testing.assert_array_equal(given.codes, codes)


@pytest.mark.parametrize("rule", ["floor", "ceil", "even", "rceil"])
@pytest.mark.parametrize("form", ["mxfp4", "mxfp8"])
def test_mx_goldens(form, rule):
    # The file of safetensors.numpy has no bfloat16; ours has.
    golden = nibble.load(GOLDENS / "mx.safetensors")
    name = {"mxfp4": "mxfp4", "mxfp8": "mxfp8_e4m3"}[form] + "." + rule
    for k, x in enumerate(golden["x"]):
        q = nibble.quantize(x, form, rule)
        np.testing.assert_array_equal(q.codes, golden[name + ".codes"][k])
        np.testing.assert_array_equal(q.scales, golden[name + ".scales"][k])


def test_fp8_and_int8_with_ml_dtypes():
    x = weights()
    for mode, axis in (("tensor", None), ("row", 1)):
        q = nibble.quantize(x, "fp8", mode)
        scale = np.abs(x).max(axis=axis, keepdims=True) / F(448)
        np.testing.assert_array_equal(q.scales, scale)
        codes = (x / scale).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
        np.testing.assert_array_equal(q.codes, codes)
        assert q.global_scale is None
    q = nibble.quantize(x, "int8")
    scale = np.abs(x).max(axis=1, keepdims=True) / F(127)
    np.testing.assert_array_equal(q.scales, scale)
    np.testing.assert_array_equal(q.codes, np.rint(x / scale).astype(np.int8))
    assert q.codes.dtype == np.int8


def test_a_scale_may_be_a_scalar():
    q = nibble.quantize(weights(), "fp8", "tensor")
    same = nibble.Quantized(q.codes, q.scales[0, 0], None, "fp8", "tensor", q.shape)
    np.testing.assert_array_equal(nibble.dequantize(same), nibble.dequantize(q))


def test_fp8_blocks():
    x = weights(256, 384)
    q = nibble.quantize(x, "fp8-block", "f32")
    tiles = np.abs(x).reshape(2, 128, 3, 128).max(axis=(1, 3))
    np.testing.assert_array_equal(q.scales, tiles / F(448))
    assert nibble.quantize(x, "fp8-block", "bf16").scales.dtype == ml_dtypes.bfloat16
    ue8m0 = nibble.quantize(x, "fp8-block", "ue8m0")
    assert ue8m0.scales.dtype == np.uint8
    power = ue8m0.scales.view(ml_dtypes.float8_e8m0fnu).astype(F)
    assert (power >= tiles / F(448)).all() and (power < tiles / F(224)).all()


def test_ternary():
    x = weights(8, 20)
    q = nibble.quantize(x, "ternary")
    gamma = np.abs(x).astype(np.float64).mean().astype(F)
    assert q.scales.shape == (1, 1) and abs(q.scales[0, 0] - gamma) <= np.spacing(gamma)
    w = np.clip(np.rint(x / q.scales[0, 0]), -1, 1)
    np.testing.assert_array_equal(nibble.dequantize(q), w * q.scales[0, 0])
    codes = (q.codes[:, :, None] >> np.array([0, 2, 4, 6]) & 3).reshape(8, -1)
    np.testing.assert_array_equal(codes[:, :20], w + 1)
    narrow = nibble.quantize(x, "ternary", "base3")
    assert narrow.codes.shape == (8, 4)
    np.testing.assert_array_equal(nibble.dequantize(narrow), nibble.dequantize(q))


# Values.

@pytest.mark.parametrize("format", nibble.FORMATS)
def test_values_are_near_and_stay(format):
    """Decoded values are within a step, and encoding them again changes nothing that counts."""
    x = weights(128, 256)
    q = nibble.quantize(x, format)
    y = nibble.dequantize(q)
    assert y.shape == x.shape and y.dtype == F
    limit = {"ternary": 0.8, "nvfp4": 0.12, "mxfp4": 0.16}.get(format, 0.05)
    assert np.linalg.norm(y - x) / np.linalg.norm(x) < limit
    assert q.nbytes < x.nbytes / 2
    np.testing.assert_array_equal(nibble.dequantize(q, ml_dtypes.bfloat16),
                                  y.astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("mode", nibble.modes("nvfp4"))
def test_nvfp4_values(mode):
    x = weights()
    q = nibble.quantize(x, "nvfp4", mode)
    assert q.mode == ("ct-f32" if mode == "ct" else mode)
    scales = q.scales.view(ml_dtypes.float8_e4m3fn).astype(np.float64).repeat(16, axis=1)
    multiplies = mode in ("modelopt", "torchao", "torchao-single", "ggml")
    g = np.float64(q.global_scale if multiplies else F(1) / q.global_scale)
    exact = E2M1[unpacked(q.codes)].astype(np.float64) * scales * g
    np.testing.assert_array_equal(nibble.dequantize(q), exact.astype(F))


def test_mx_values():
    for form, element in (("mxfp4", None), ("mxfp8", ml_dtypes.float8_e4m3fn)):
        q = nibble.quantize(weights(), form)
        values = E2M1[unpacked(q.codes)] if element is None else q.codes.view(element).astype(F)
        scales = q.scales.view(ml_dtypes.float8_e8m0fnu).astype(F).repeat(32, axis=1)
        np.testing.assert_array_equal(nibble.dequantize(q), values * scales)


# Arrays.

def test_stochastic_rounding_keeps_the_mean():
    x = np.random.default_rng(5).standard_normal((4, 64)).astype(np.float32)
    nearest = nibble.quantize(x, "nvfp4", "te")
    runs = [nibble.quantize(x, "nvfp4", "te", stochastic_seed=seed) for seed in range(2000)]
    again = nibble.quantize(x, "nvfp4", "te", stochastic_seed=7, threads=1)
    np.testing.assert_array_equal(runs[7].codes, again.codes)
    assert (runs[7].codes != runs[8].codes).any()
    values = np.stack([nibble.dequantize(q) for q in runs])
    np.testing.assert_array_equal(runs[0].scales, nearest.scales)
    # A block's greatest element may lie above 6, where it saturates: its scale was rounded down.
    steps = np.repeat(nearest.scales.view(ml_dtypes.float8_e4m3fn).astype(np.float32), 16, 1)
    y = x * nearest.global_scale / steps
    assert (np.abs(y) < 6).mean() > 0.9
    # Two values, at most 2 apart: the mean of 2000 lies within 5 standard deviations of x.
    def worst(mean):
        return np.abs((mean - x) * nearest.global_scale / steps)[np.abs(y) < 6].max()
    assert worst(values.mean(0)) < 5 / np.sqrt(2000) < worst(nibble.dequantize(nearest))
    for mode in "ggml", "4o6-te":
        with pytest.raises(ValueError, match="rounded to nearest only"):
            nibble.quantize(x, "nvfp4", mode, stochastic_seed=1)


def test_hadamard():
    signs = np.array([1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1])
    matrix = np.ones((1, 1))
    for _ in range(4):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    x = np.random.default_rng(6).integers(-100, 100, (3, 5, 32)).astype(np.float32)
    want = (x.reshape(-1, 16) * signs @ matrix / 4).reshape(x.shape)
    np.testing.assert_array_equal(nibble.hadamard16(x), want)  # sums of integers: exact
    np.testing.assert_array_equal(nibble.hadamard16(want.astype(np.float32), inverse=True), x)
    plain = (x.reshape(-1, 16) @ matrix / 4).reshape(x.shape)
    np.testing.assert_array_equal(nibble.hadamard16(x.astype(ml_dtypes.bfloat16), signs=0), plain)
    with pytest.raises(ValueError, match="multiple of 16"):
        nibble.hadamard16(x[..., :8].copy())


def test_types_and_shapes():
    x = weights(6, 64)
    plain = nibble.quantize(x, "nvfp4")
    codes, scales, global_scale = plain
    assert codes.shape == (6, 32) and scales.shape == (6, 4) and isinstance(global_scale, F)
    cube = nibble.quantize(x.reshape(2, 3, 64), "nvfp4")
    np.testing.assert_array_equal(cube.codes, codes)
    assert nibble.dequantize(cube).shape == (2, 3, 64)
    assert nibble.quantize(x[0], "nvfp4").codes.shape == (1, 32)
    strided = np.repeat(x, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(nibble.quantize(strided, "nvfp4").codes, codes)
    np.testing.assert_array_equal(nibble.quantize(np.asfortranarray(x), "nvfp4").codes, codes)
    for narrow in (ml_dtypes.bfloat16, np.float16):
        y = x.astype(narrow)
        wide = nibble.quantize(y.astype(F), "nvfp4", "te")
        np.testing.assert_array_equal(nibble.quantize(y, "nvfp4", "te").codes, wide.codes)
    assert nibble.quantize(x.astype(ml_dtypes.bfloat16), "nvfp4", "ct").mode == "ct-bf16"


class OnlyDlpack:
    """An array of another library."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack():
    x = weights()
    np.testing.assert_array_equal(nibble.quantize(OnlyDlpack(x), "nvfp4").codes,
                                  nibble.quantize(x, "nvfp4").codes)
    with pytest.raises(ValueError, match="not contiguous"):
        nibble.quantize(OnlyDlpack(x.T), "nvfp4")


def test_threads_do_not_matter():
    x = weights(1024, 2048)
    one, all_of_them = (nibble.quantize(x, "nvfp4", threads=n) for n in (1, 0))
    np.testing.assert_array_equal(one.codes, all_of_them.codes)
    np.testing.assert_array_equal(nibble.dequantize(one, threads=1),
                                  nibble.dequantize(one, threads=3))


@pytest.mark.parametrize("rows, cols", [(1, 1), (128, 4), (129, 5), (300, 17)])
def test_scale_layout(rows, cols):
    scales = np.random.default_rng(1).integers(0, 256, (rows, cols)).astype(np.uint8)
    padded = np.zeros((-(-rows // 128) * 128, -(-cols // 4) * 4), np.uint8)
    padded[:rows, :cols] = scales
    atoms = padded.reshape(len(padded) // 128, 4, 32, -1, 4).transpose(0, 3, 2, 1, 4)
    packed = nibble.pack_scales(scales)
    np.testing.assert_array_equal(packed, atoms.reshape(-1))
    np.testing.assert_array_equal(nibble.unpack_scales(packed, rows, cols), scales)


# Errors.

@pytest.mark.parametrize("call, sentence", [
    (lambda x: nibble.quantize(x, "nvfp5"), "no format is called 'nvfp5': nvfp4, mxfp4"),
    (lambda x: nibble.quantize(x, "nvfp4", "fast"), "nvfp4 has no mode 'fast': te, vllm"),
    (lambda x: nibble.quantize(x[:, :17], "nvfp4"), "17 elements, and nvfp4 has blocks of 16"),
    (lambda x: nibble.quantize(x.astype(np.int32), "int8"), "type is int32"),
    (lambda x: nibble.quantize(x[:0], "int8"), "empty"),
    (lambda x: nibble.quantize(x[0, 0], "int8"), "no dimension"),
    (lambda x: nibble.quantize("text", "int8"), "type is <U4"),
    (lambda x: nibble.quantize(x, "int8", per_row=True), "only nvfp4 has per_row"),
    (lambda x: nibble.quantize(x, "nvfp4", "ggml", amax=1), "has no tensor scale"),
    (lambda x: nibble.quantize(x, "nvfp4", amax=[1, 2]), "2 elements, and there must be 1"),
    (lambda x: nibble.quantize(x, "nvfp4", threads=-1), "threads must not be negative"),
    (lambda x: nibble.dequantize(nibble.quantize(x, "nvfp4"), np.int8), "dtype must be float32"),
    (lambda x: nibble.unpack_scales(np.zeros(511, np.uint8), 1, 1), "512 bytes .* not 511"),
    (lambda x: nibble.pack_scales(x), "array of bytes"),
])
def test_errors_are_sentences(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(weights(4, 32))


def test_parts_that_do_not_fit():
    q = nibble.quantize(weights(4, 32), "nvfp4")
    for change, sentence in (({"codes": q.codes[:, :-1]}, "codes of 4 x 32 nvfp4 are 64 bytes"),
                             ({"scales": q.scales[:-1]}, "scales of 4 x 32 nvfp4 are 8 bytes"),
                             ({"shape": (5, 32)}, "have not the 5 rows"),
                             ({"global_scale": None}, "one global scale"),
                             ({"format": "mxfp4", "mode": ""}, "scales of 4 x 32 mxfp4")):
        with pytest.raises(ValueError, match=sentence):
            nibble.dequantize(nibble.Quantized(**{**vars(q), **change}))


# Files.

def test_save_and_load(tmp_path):
    tensors = {"a": weights(3, 8), "b": weights(2, 4).astype(ml_dtypes.bfloat16),
               "c": np.arange(5), "d": np.array(7, np.uint8), "e": np.zeros((0, 3), np.int8),
               "f": weights(2, 2).astype(ml_dtypes.float8_e4m3fn), "t": weights(4, 6).T}
    path = tmp_path / "x.safetensors"
    nibble.save(path, tensors, {"made by": "a test"})
    loaded = nibble.load(path)
    assert loaded.metadata == {"made by": "a test"} and set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        np.testing.assert_array_equal(loaded[name], tensor)
        assert not loaded[name].flags.writeable
    a = loaded["a"]
    del loaded
    np.testing.assert_array_equal(a, tensors["a"])  # keeps the file open
    contents = nibble.inspect(path)
    assert contents.metadata == {"made by": "a test"} and not contents.weights
    infos = {t.name: t for t in contents.tensors}
    assert infos["b"] == nibble.TensorInfo("b", "BF16", (2, 4), 16, "x.safetensors")
    with pytest.raises(ValueError, match="type complex128"):
        nibble.save(path, {"z": np.zeros(2, complex)})
    assert set(nibble.load(path)) == set(tensors)  # what was there is there


@pytest.mark.parametrize("layout, mode", [("modelopt", "modelopt"), ("compressed-tensors", "ct")])
def test_quantised_checkpoints(tmp_path, layout, mode):
    x = weights(32, 64)
    q = nibble.quantize(x, "nvfp4", mode)
    names = {"modelopt": ("weight", "weight_scale_2"),
             "compressed-tensors": ("weight_packed", "weight_global_scale")}[layout]
    parts = {"codes": f"up.{names[0]}", "scales": "up.weight_scale",
             "global_scale": f"up.{names[1]}"}
    nibble.save(tmp_path / "x.safetensors",
                {parts["codes"]: q.codes, parts["scales"]: q.scales.view(ml_dtypes.float8_e4m3fn),
                 parts["global_scale"]: np.atleast_1d(q.global_scale), "norm.weight": x[0]})
    checkpoint = nibble.load(tmp_path / "x.safetensors")
    found = nibble.WeightInfo("up.weight", "nvfp4", layout, (32, 64), parts)
    assert checkpoint.weights == [found] == nibble.inspect(tmp_path / "x.safetensors").weights
    np.testing.assert_array_equal(checkpoint.dequantize("up.weight"), nibble.dequantize(q))
    with pytest.raises(ValueError, match="no quantised matrix 'norm.weight'"):
        checkpoint.dequantize("norm.weight")


def test_others_read_what_is_saved(tmp_path):
    x = weights(3, 8)
    nibble.save(tmp_path / "x.safetensors", {"x": x})
    np.testing.assert_array_equal(safetensors.numpy.load_file(tmp_path / "x.safetensors")["x"], x)


def test_bad_files(tmp_path):
    with pytest.raises(ValueError, match="missing.safetensors"):
        nibble.load(tmp_path / "missing.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 16)
    with pytest.raises(ValueError, match="bad.safetensors"):
        nibble.inspect(tmp_path / "bad.safetensors")
    with pytest.raises(KeyError):
        nibble.load(GOLDENS / "mx.safetensors")["no such tensor"]


def test_gguf():
    gguf = pytest.importorskip("gguf")
    path = GOLDENS.parent / "data" / "blocks.gguf"
    theirs = {t.name: t for t in gguf.GGUFReader(path).tensors}
    ours = nibble.load(path)
    assert set(ours) == set(theirs) and len(theirs) > 5
    for name, t in theirs.items():
        plain = t.tensor_type.name in ("F64", "I8", "I16", "I32", "I64")
        with np.errstate(all="ignore"):
            values = t.data if plain else gguf.quants.dequantize(t.data, t.tensor_type)
        np.testing.assert_array_equal(ours[name].astype(values.dtype).reshape(-1),
                                      values.reshape(-1))
    assert ours.metadata


# Other libraries, as far as they are installed.

def test_without_torch():
    code = "import sys, nibble; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    x = weights()
    for dtype, like in ((torch.float32, F), (torch.bfloat16, ml_dtypes.bfloat16)):
        q = nibble.quantize(torch.from_numpy(x).to(dtype), "nvfp4", "ct")
        same = nibble.quantize(x.astype(like), "nvfp4", "ct")
        assert q.mode == same.mode
        np.testing.assert_array_equal(q.codes, same.codes)


def test_torchao_layout_and_bytes():
    torch = pytest.importorskip("torch")
    utils = pytest.importorskip("torchao.prototype.mx_formats.utils")
    from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale
    x = torch.from_numpy(weights(130, 320))
    scale = per_tensor_amax_to_scale(x.abs().amax())
    scales, codes = nvfp4_quantize(x, 16, scale)
    q = nibble.quantize(x, "nvfp4", "torchao")
    np.testing.assert_array_equal(q.codes, codes.numpy())
    np.testing.assert_array_equal(q.scales, scales.view(torch.uint8).numpy())
    assert q.global_scale == scale.item()
    blocked = utils.to_blocked(scales.view(torch.uint8), use_triton_kernel=False)
    np.testing.assert_array_equal(nibble.pack_scales(q.scales), blocked.numpy().reshape(-1))


def test_compressed_tensors_decodes_ours():
    torch = pytest.importorskip("torch")
    helpers = pytest.importorskip("compressed_tensors.compressors.nvfp4.helpers")
    x = weights()
    q = nibble.quantize(x, "nvfp4", "ct")
    codes = helpers.unpack_fp4_from_uint8(torch.from_numpy(q.codes), *x.shape, dtype=torch.float32)
    scales = torch.from_numpy(q.scales).view(torch.float8_e4m3fn).float() / q.global_scale.item()
    values = (codes * scales.repeat_interleave(16, 1)).numpy()
    np.testing.assert_allclose(nibble.dequantize(q), values, rtol=2 ** -22, atol=0)


def test_version():
    assert nibble.__version__ == importlib.metadata.version("nibble")
