"""memory.py NIBBLE [GIB]: the process's own memory (RssAnon, sampled) while it packs and quantises
checkpoints of 2 GiB. Bounds: a pack in a file 256 MiB; a pack in memory its bytes + 256 MiB;
quantising 256 MiB."""

import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20


def write(path, tensors):
    """tensors: name -> (dtype, shape, bytes); data are a block of noise, again and again."""
    header, at = {}, 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    # As floats too, these bytes are finite: exponents 0x38 to 0x3f.
    block = bytes((i * 37 + i // 251) % 0x40 for i in range(MIB))
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        while at > 0:
            file.write(block[:min(at, MIB)])
            at -= MIB


def own_memory(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def run(*args):
    """Its output as JSON, and the most memory of its own that it was seen with."""
    child = subprocess.Popen([*map(str, args)], stdout=subprocess.PIPE, text=True)
    most = 0
    while child.poll() is None:
        most = max(most, own_memory(child.pid))
        time.sleep(0.002)
    assert child.returncode == 0
    return json.load(child.stdout), most


def check(what, most, limit):
    print(f"{what}: {most / MIB:.0f} MiB of its own, at most {limit / MIB:.0f} MiB", flush=True)
    return most <= limit


def main():
    nibble, gib = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    with tempfile.TemporaryDirectory(prefix="nibble-memory-") as name:
        folder = pathlib.Path(name)
        if shutil.disk_usage(folder).free < 8 * gib * 1024 * MIB:
            print("too little space on disk")
            return 77
        k, layers = 8192, 8
        n = int(gib * 1024 * MIB / layers / (k * 9 / 16)) // 16 * 16
        packed = folder / "packed.safetensors"
        write(packed, {f"l{i}.weight{part}": entry for i in range(layers) for part, entry in {
            "": ("U8", [n, k // 2], n * k // 2),
            "_scale": ("F8_E4M3", [n, k // 16], n * k // 16),
            "_scale_2": ("F32", [], 4)}.items()})
        good = True
        for memory in (["--memory"], []):
            told, most = run(nibble, "pack", packed, "--json", "--threads", 1, *memory)
            good &= check("pack " + " ".join(memory), most,
                          256 * MIB + (told["bytes"] if memory else 0))
        told, most = run(nibble, "pack", packed, "--json", "--check")
        good &= check("pack that is there, compared", most, 256 * MIB) and told["was_cached"]
        packed.unlink()
        (folder / "packed.safetensors.panels16").unlink(missing_ok=True)
        wide = folder / "wide.safetensors"
        write(wide, {"l.weight": ("F32", [int(gib * 1024 * MIB / 4 / k), k],
                                  int(gib * 1024 * MIB / 4 / k) * k * 4)})
        told, most = run(nibble, "quantize", wide, folder / "out", "--format", "nvfp4", "--json",
                         "--quiet")
        good &= check("quantize", most, 256 * MIB)
    return not good


sys.exit(main())
