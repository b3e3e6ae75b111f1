#!/usr/bin/env python3
"""Compiles the text of every kernel for GPUs, on a machine that needs none, and prints what each takes.

    gaugelink device text --folder TEXTS && tests/devices/compile.py TEXTS [NAME ...]

CUDA: PTX for compute_70 by NVRTC (pip install nvidia-cuda-nvrtc-cu12==12.9.86). HIP: code objects for gfx90a and gfx942 by
clang 19 (apt install clang-19 llvm-19 lld-19). A compiler that is not there is told and left out; a text that one refuses makes the
exit status 1. Names choose kernels, all without any.
"""
import ctypes
import glob
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

CLANG = ["-x", "hip", "--cuda-device-only", "-nogpuinc", "-nogpulib", "-std=c++17", "-O3", "-ffp-contract=off",
         "--no-gpu-bundle-output", "-Wno-everything"]
NVRTC = [b"--gpu-architecture=compute_70", b"--fmad=false", b"--std=c++17"]


def nvrtc():
    """The library, from the wheel or from the system."""
    places = ["libnvrtc.so.12"]
    spec = importlib.util.find_spec("nvidia") if importlib.util.find_spec else None
    for folder in spec.submodule_search_locations if spec else []:
        places = glob.glob(os.path.join(folder, "cuda_nvrtc", "lib", "libnvrtc.so.*")) + places
    for place in places:
        try:
            return ctypes.CDLL(place)
        except OSError:
            pass
    return None


def ptx(library, path):
    """PTX of a text, or what NVRTC says against it."""
    program = ctypes.c_void_p()
    with open(path, "rb") as file:
        library.nvrtcCreateProgram(ctypes.byref(program), file.read(), os.path.basename(path).encode(), 0, None, None)
    status = library.nvrtcCompileProgram(program, len(NVRTC), (ctypes.c_char_p * len(NVRTC))(*NVRTC))

    def fetch(size, text):
        length = ctypes.c_size_t()
        getattr(library, size)(program, ctypes.byref(length))
        buffer = ctypes.create_string_buffer(length.value)
        getattr(library, text)(program, buffer)
        return buffer.value.decode()

    if status != 0:
        return None, fetch("nvrtcGetProgramLogSize", "nvrtcGetProgramLog")
    return fetch("nvrtcGetPTXSize", "nvrtcGetPTX"), ""


def gfx(clang, readelf, path, arch, folder):
    """(vector registers, bytes of scratch) of a text's kernel, or what clang says against it."""
    out = os.path.join(folder, "kernel.o")
    done = subprocess.run([clang, *CLANG, f"--offload-arch={arch}", "-c", path, "-o", out], capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr
    notes = subprocess.run([readelf, "--notes", out], capture_output=True, text=True).stdout
    number = lambda key: int(re.search(rf"\.{key}:\s*(\d+)", notes).group(1))
    return (number("vgpr_count"), number("private_segment_fixed_size")), ""


def main(folder, names):
    library, clang, readelf = nvrtc(), shutil.which("clang++-19"), shutil.which("llvm-readelf-19")
    if not shutil.which("ld.lld-19"):
        clang = None
    if library is None:
        print("NVRTC: not there; pip install nvidia-cuda-nvrtc-cu12==12.9.86")
    if not (clang and readelf):
        print("clang 19: not there; apt install clang-19 llvm-19 lld-19")
    failed, compiled = 0, 0
    print(f"{'kernel':<28} {'PTX compute_70':>16} {'gfx90a VGPRs, scratch':>24} {'gfx942 VGPRs, scratch':>24}")
    for path in sorted(glob.glob(os.path.join(folder, "*.cpp"))):
        name = os.path.basename(path)[:-len(".cpp")]
        if names and name not in names:
            continue
        cells, wrong = [], []
        if library:
            text, log = ptx(library, path)
            cells.append(f"{len(text.splitlines())} lines" if text else "refused")
            wrong += [] if text else [log]
        else:
            cells.append("-")
        for arch in ("gfx90a", "gfx942"):
            if not (clang and readelf):
                cells.append("-")
                continue
            with tempfile.TemporaryDirectory() as scratch:
                found, log = gfx(clang, readelf, path, arch, scratch)
            cells.append(f"{found[0]}, {found[1]} B" if found else "refused")
            wrong += [] if found else [log]
        print(f"{name:<28} {cells[0]:>16} {cells[1]:>24} {cells[2]:>24}", flush=True)
        for log in wrong:
            failed += 1
            print("\n".join(log.splitlines()[:10]), file=sys.stderr)
        compiled += any(cell not in ("-", "refused") for cell in cells)
    print(f"{compiled} kernels compiled, {failed} refusals")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
