"""Makes every figure of formats.md: its tables, in place, and its plots.

    python docs/formats.py            rewrites formats.md and the plots; needs nibble and matplotlib
    python docs/formats.py --check    says whether the tables of formats.md are what they would be
"""

import re
import sys
from pathlib import Path

import ml_dtypes
import numpy as np

import nibble

HERE = Path(__file__).parent
F = np.float32
ROWS, COLS = 512, 2048

# In usual modes.
FORMATS = (("nvfp4", "modelopt"), ("nvfp4", "4o6-te-mse"), ("mxfp4", "rceil"),
           ("mxfp8", "rceil"), ("fp8", "tensor"), ("fp8", "row"), ("fp8-block", "f32"),
           ("int8", "row"), ("ternary", "int2"), ("ternary", "base3"))


def gaussian() -> np.ndarray:
    return (np.random.default_rng(1).normal(size=(ROWS, COLS)) * 0.02).astype(F)


def weights() -> np.ndarray:
    """As matrices of language models are: rows of different size, tails heavier than a Gaussian's,
    a few large columns, a few large elements."""
    rng = np.random.default_rng(2)
    x = rng.standard_t(6, (ROWS, COLS)) * 0.02 * np.exp(0.4 * rng.normal(size=(ROWS, 1)))
    x[:, rng.choice(COLS, 8, replace=False)] *= 6
    x[rng.random((ROWS, COLS)) < 1e-4] *= 20
    return x.astype(F)


def activations() -> np.ndarray:
    """As activations of language models are: eight columns of 2048 are fifty times the others."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, COLS)) * np.exp(0.2 * rng.normal(size=(ROWS, 1)))
    x[:, rng.choice(COLS, 8, replace=False)] *= 50
    return x.astype(F)


INPUTS = {"Gaussian": gaussian, "weights": weights, "activations": activations}


def error(x: np.ndarray, q: nibble.Quantized) -> float:
    """Relative L2."""
    y, x = nibble.dequantize(q).astype(np.float64), x.astype(np.float64)
    return float(np.linalg.norm(y - x) / np.linalg.norm(x))


def bits(q: nibble.Quantized) -> float:
    return 8 * q.nbytes / (ROWS * COLS)


def label(format: str, mode: str) -> str:
    return f"{format} {mode}"


def table(heads: list, rows: list) -> str:
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def errors() -> dict:
    """(format, mode) -> bits a weight and one error for each input."""
    made = {name: make() for name, make in INPUTS.items()}
    found = {}
    for key in FORMATS:
        q = {name: nibble.quantize(x, *key) for name, x in made.items()}
        found[key] = (bits(q["weights"]), [error(x, q[name]) for name, x in made.items()])
    return found


def errors_table(found: dict) -> str:
    rows = [[label(*key), f"{size:.3f}", *(f"{100 * e:.2f} %" for e in es)]
            for key, (size, es) in found.items()]
    return table(["format and mode", "bits a weight", *INPUTS], rows)


def modes_table() -> str:
    """NVFP4's modes beside `te`: bytes that differ, and the error, of bfloat16 weights."""
    x = weights().astype(ml_dtypes.bfloat16)
    te = nibble.quantize(x, "nvfp4", "te")
    rows = []
    for mode in nibble.modes("nvfp4"):
        if mode in ("ct", "ct-f32"):  # ct is ct-bf16 here
            continue
        q = nibble.quantize(x, "nvfp4", mode)
        scales = 100 * np.mean(q.scales != te.scales)
        codes = 100 * np.mean(q.codes != te.codes)
        rows.append([mode, f"{float(q.global_scale):.6g}", f"{scales:.3f} %", f"{codes:.3f} %",
                     f"{100 * error(x, q):.3f} %"])
    return table(["mode", "global scale", "scale bytes unlike te", "code bytes unlike te", "error"],
                 rows)


def rules_table() -> str:
    x = weights()
    rows = []
    for rule in nibble.modes("mxfp4"):
        row = [rule]
        for format in ("mxfp4", "mxfp8"):
            q = nibble.quantize(x, format, rule)
            power = np.exp2(q.scales.astype(np.float64) - 127).repeat(32, axis=1)
            largest = 6 if format == "mxfp4" else 448
            clipped = 100 * np.mean(np.abs(x) > largest * power)
            row += [f"{100 * error(x, q):.2f} %", f"{clipped:.2f} %"]
        rows.append(row)
    return table(["rule", "mxfp4 error", "clipped", "mxfp8 error", "clipped"], rows)


def outlier_errors() -> tuple:
    """The error of all other elements where one element of each row grows."""
    sizes = 2.0 ** np.arange(0, 11)
    curves = {}
    for key in (("nvfp4", "modelopt"), ("mxfp4", "rceil"), ("mxfp8", "rceil"), ("fp8", "tensor"),
                ("int8", "row")):
        curve = []
        for size in sizes:
            x = gaussian()
            x[:, 0] = 0.02 * 4 * size
            y = nibble.dequantize(nibble.quantize(x, *key))
            curve.append(np.linalg.norm((y - x)[:, 1:]) / np.linalg.norm(x[:, 1:]))
        curves[label(*key)] = curve
    return sizes, curves


def draw(found: dict) -> None:
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "nibble", "svg.fonttype": "none", "font.size": 9})
    import matplotlib.pyplot as plt

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(HERE / name, metadata={"Date": None})
        plt.close(figure)

    figure, axes = plt.subplots(figsize=(7, 3.5))
    places = range(len(found))
    for i, (name, marker) in enumerate(zip(INPUTS, "osv")):
        axes.plot([es[i] for _, es in found.values()], places, marker, label=name)
    axes.set_yticks(places, [f"{label(*key)}, {size:.2f} bits" for key, (size, _) in found.items()])
    axes.invert_yaxis()
    axes.set(xlabel="relative L2 error", xscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, "formats_errors.svg")

    sizes, curves = outlier_errors()
    figure, axes = plt.subplots(figsize=(7, 3.5))
    for name, curve in curves.items():
        axes.plot(sizes, curve, "o-", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="outlier, in multiples of 4 standard deviations",
             ylabel="error of the others")
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, "formats_outliers.svg")


def main() -> None:
    path = HERE / "formats.md"
    text = path.read_text()
    found = errors()
    made = text
    for name, rows in (("errors", errors_table(found)), ("modes", modes_table()),
                       ("rules", rules_table())):
        made, count = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)",
                              lambda m, rows=rows: m[1] + rows + m[2], made, flags=re.S)
        if count != 1:
            sys.exit(f"{path} has not one place for the table '{name}'")
    if "--check" in sys.argv[1:]:
        if made != text:
            sys.exit(f"the tables of {path} are not what docs/formats.py makes: run it")
        return
    path.write_text(made)
    draw(found)


if __name__ == "__main__":
    main()
