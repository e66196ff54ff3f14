"""Training's loops run on the threads of PyTorch's OpenMP library where the process has one, else on the engine's."""

import subprocess
import sys

import pytest

THREADS = """
import ctypes, os, sys
if sys.argv[1] == "torch":
    import torch
    if not hasattr(ctypes.CDLL(None), "GOMP_parallel"):
        sys.exit(3)
import numpy as np
from xnorkit import _engine

def threads():
    return len(os.listdir("/proc/self/task"))

x = np.random.default_rng(0).normal(size=(1 << 16, 64)).astype(np.float32)
signs = np.empty((1 << 16, 2), np.uint32)
if sys.argv[1] == "torch":
    torch.set_num_threads(3)
    torch.ones(1 << 22).add_(1)  # PyTorch's team is there now
before = threads()
_engine.pack_signs(x, 1.0, signs, None, 3)
print(threads() - before, signs.sum(dtype=np.uint64))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_the_engine_makes_no_threads_beside_those_of_pytorch() -> None:
    def run(mode: str) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-c", THREADS, mode], capture_output=True, text=True, check=False)
        if done.returncode == 3:
            pytest.skip("a PyTorch without libgomp")
        made, result = done.stdout.split()
        return int(made), result

    alone, beside = run("alone"), run("torch")
    assert alone[0] == 2
    assert beside[0] == 0
    assert alone[1] == beside[1]
