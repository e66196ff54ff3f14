"""Freed memory stays in the process."""

import os
import subprocess
import sys

import pytest

from xnorkit.errors import InputError
from xnorkit.train.memory import reuse_memory

FAULTS = """
import resource, sys
import torch
from xnorkit.errors import InputError
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
        environment = {**os.environ, "XNORKIT_MEMORY": "reuse"}
        command = [sys.executable, "-c", FAULTS, mode]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 3:
            pytest.skip("another C library")
        return int(done.stdout)

    # A system that takes back what looks unused may add the faults of a step.
    assert faults("reuse") < faults("as is") / 2


def test_it_may_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORKIT_MEMORY", "return")
    assert not reuse_memory()
    monkeypatch.setenv("XNORKIT_MEMORY", "keep")
    with pytest.raises(InputError, match="XNORKIT_MEMORY='keep', but it must be 'reuse' or 'return'"):
        reuse_memory()
