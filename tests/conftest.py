"""What holds for all tests."""

import ctypes
import os
import sys
from collections.abc import Iterator

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores: PyTorch, which reads this once, would start that many threads in each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# A process that runs many tests would grow to the sum of what they need (xnorkit.train.memory).
os.environ.setdefault("XNORKIT_MEMORY", "return")

SS_DISABLE = 2


class _Stack(ctypes.Structure):
    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@pytest.fixture(autouse=True)
def _signals_on_the_usual_stack() -> Iterator[None]:
    """Take back the alternate signal stack that OpenVINO leaves behind.

    A model that runs in OpenVINO registers a stack of its own for the signals of the thread, and frees it later. The
    next signal, as that of a data loader's worker that ends, would be delivered to freed memory and kill the process.
    """
    yield
    if "openvino" in sys.modules and sys.platform == "linux":
        stack = _Stack(None, SS_DISABLE, 0)
        ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None)
