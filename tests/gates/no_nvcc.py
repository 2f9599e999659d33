"""Configures in a scratch folder where no CUDA compiler is in sight: AUTO says that CUDA is off and
why and goes on; ON fails with a sentence that says what to do.

Usage: no_nvcc.py SOURCE_DIR CMAKE
"""

import os
import pathlib
import subprocess
import sys
import tempfile


def path_without_nvcc(scratch):
    """PATH with each folder that holds nvcc replaced by one that links to all else in it."""
    folders = []
    for i, folder in enumerate(os.environ["PATH"].split(os.pathsep)):
        if (pathlib.Path(folder) / "nvcc").exists():
            rest = scratch / f"bin{i}"
            rest.mkdir()
            for tool in pathlib.Path(folder).iterdir():
                if tool.name != "nvcc":
                    (rest / tool.name).symlink_to(tool)
            folder = str(rest)
        folders.append(folder)
    return os.pathsep.join(folders)


def configure(cmake, source, scratch, cuda):
    environment = {k: v for k, v in os.environ.items() if k not in ("CUDACXX", "CUDA_PATH")}
    environment["PATH"] = path_without_nvcc(scratch)
    run = subprocess.run([cmake, "-S", source, "-B", str(scratch / "build"), "-G", "Ninja",
                          f"-DNIBBLE_CUDA={cuda}", "-DNIBBLE_TESTS=OFF"],
                         env=environment, capture_output=True, text=True)
    return run.returncode, " ".join((run.stdout + run.stderr).split())


def expect(what, holds, output):
    if not holds:
        sys.exit(f"{what}\n{output}")


def main():
    source, cmake = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        status, output = configure(cmake, source, pathlib.Path(folder), "AUTO")
        expect("AUTO failed without nvcc", status == 0, output)
        expect("AUTO does not say that CUDA is off and why",
               "CUDA is off: no nvcc on PATH and CUDACXX is not set" in output, output)
        targets = (pathlib.Path(folder) / "build/build.ninja").read_text()
        expect("AUTO builds CUDA sources without nvcc", ".cu.o" not in targets, output)
    with tempfile.TemporaryDirectory() as folder:
        status, output = configure(cmake, source, pathlib.Path(folder), "ON")
        expect("ON went on without nvcc", status != 0, output)
        expect("ON does not say what to do", "NIBBLE_CUDA=ON, but there is no CUDA compiler: put "
               "nvcc on PATH, set CUDACXX, or configure with -DNIBBLE_CUDA=OFF" in output, output)
    print("AUTO explains itself and goes on, ON explains itself and stops")


if __name__ == "__main__":
    main()
