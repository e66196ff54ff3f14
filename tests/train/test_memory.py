"""Freed memory stays in the process."""

import subprocess
import sys

import pytest

from xnorkit.train.memory import reuse_memory

FAULTS = """
import resource, sys
import torch
from xnorkit.train.memory import reuse_memory

if sys.argv[1] == "reuse" and not reuse_memory():
    sys.exit(3)

def step():
    torch.ones(2**24)  # 64 MiB

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

step(), step()
before = faults()
for _ in range(4):
    step()
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the GNU C library's allocator is Linux's")
def test_a_step_finds_its_memory_again() -> None:
    def faults(mode: str) -> int:
        done = subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=False)
        if done.returncode == 3:
            pytest.skip("another C library")
        return int(done.stdout)

    assert faults("reuse") < faults("as is") / 10


def test_it_may_be_called_twice() -> None:
    assert reuse_memory() == reuse_memory()
