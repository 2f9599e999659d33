"""Inputs of the goldens: small tensors that are stored, and large ones that a seed makes again."""

import numpy as np

F = np.float32


def bf16(x: np.ndarray) -> np.ndarray:
    """Rounded toward zero: which bf16 is of no matter here."""
    return (np.asarray(x, F).view(np.uint32) & np.uint32(0xFFFF0000)).view(F)


def small() -> dict:
    """Float tensors of 16 rows and 64 columns. Those that fit bf16 are first; last are those for
    which some encoders have no answer."""
    rng = np.random.default_rng(20)
    n = (16, 64)
    ties = [0, -0.0, 0.25, -0.25, 0.75, -0.75, 1.25, 1.75, -1.75, 2.5, -2.5, 3.5, 5, -5, 6, -6]
    made = {
        "normal": rng.normal(size=n),
        "heavy": rng.standard_t(2, size=n),
        "wide": rng.normal(size=n) * np.exp(rng.uniform(-20, 20, (16, 1))),
        "ties": rng.choice(ties, n),
        "huge": rng.uniform(-3e38, 3e38, n),
        "tiny": rng.normal(size=n) * 1e-20,
    }
    made["ties"][3], made["ties"][4] = 0, -0.0
    # Scales that are ties of e4m3 if the tensor's greatest value is 2688 = 6 * 448.
    scales = rng.uniform(-1, 1, n)
    scales[:, ::16] = 6 * (np.arange(64).reshape(16, 4) + 8.5) / 8
    scales[0, 0] = 2688
    made["scale_ties"] = scales
    # Blocks that are not zero, and whose scales round to 0.
    made["spike"] = rng.normal(size=n)
    made["spike"][0, 0] = 1e6
    narrow = {f"bf16_{name}": bf16(made[name]) for name in ("normal", "heavy", "wide")}
    narrow["bf16_ties"] = made["ties"]
    # Floats below 2^-126.
    bits = rng.integers(1, 1 << 23, n) >> rng.integers(0, 20, (16, 1)) | rng.integers(0, 2, n) << 31
    last = {"zero": np.zeros(n), "subnormal": bits.astype(np.uint32).view(F)}
    return {name: x.astype(F) for name, x in {**narrow, **made, **last}.items()}


def splitmix(n: int, seed: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


LARGE = (512, 2048)
SEED = 7


def large() -> np.ndarray:
    """A million floats: exponents of a block of 32 in 8 steps below one of 16 random ones."""
    n = LARGE[0] * LARGE[1]
    h = splitmix(n, SEED)
    block = np.repeat(h[::32] >> np.uint64(60), 32)
    exponent = np.uint64(115) + block - (h >> np.uint64(40) & np.uint64(7))
    sign = h >> np.uint64(63)
    bits = (h & np.uint64(0x7FFFFF)) | exponent << np.uint64(23) | sign << np.uint64(31)
    return bits.astype(np.uint32).view(F).reshape(LARGE)


def int8_ties() -> np.ndarray:
    """Rows of halves of their scales, which are powers of two: ties between codes."""
    x = np.random.default_rng(28).integers(-253, 254, (16, 64)) / 2
    x[:, 0] = 127
    x[::2, 0] = -127
    return (x * np.exp2(np.arange(-8.0, 8.0)[:, None])).astype(F)


def ternary_exact() -> np.ndarray:
    """Whole numbers below 2^8 times a power of two: float sums of their magnitudes are exact."""
    x = np.random.default_rng(29).integers(-255, 256, (3, 16, 60))
    x[1] = x[1] % 3 - 1
    # 3 and 9, and their mean is 6: ties between 0 and a weight.
    x[2] = np.where(np.arange(960).reshape(16, 60) % 2, 3, 9) * np.where(x[2] < 0, -1, 1)
    return (x * np.exp2([[[-12]], [[0]], [[3]]])).astype(F)


def cast_inputs() -> np.ndarray:
    """Values, midpoints and neighbours of e4m3 and e5m2, powers of two, and what is not finite."""
    import ml_dtypes
    found = [0.0, np.inf, np.nan]
    for dtype in (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2):
        values = np.arange(256, dtype=np.uint8).view(dtype).astype(F)
        values = np.unique(values[np.isfinite(values) & (values >= 0)])
        found += [*values, *((values[1:] + values[:-1]) / 2)]
    found += [464, 480, 61440, 65536, 1e30, 3e38, 1e-40, 1e-45, 2.0 ** -127, 2.0 ** -126]
    x = np.unique(np.array(found, F))
    x = np.concatenate([x, np.nextafter(x, F(np.inf)), np.nextafter(x, F(0))])
    return np.concatenate([x, -x])
