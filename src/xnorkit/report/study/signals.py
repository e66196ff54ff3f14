"""Signals after a model has run in OpenVINO."""

import ctypes
import sys

__all__ = ["usual_signal_stack"]

SS_DISABLE = 2


class _Stack(ctypes.Structure):
    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def usual_signal_stack() -> None:
    """Take back the alternate signal stack that OpenVINO registers for the thread and frees with its model.

    The next signal, as that of the interrupt key, would be delivered to freed memory and kill the process.
    """
    if "openvino" in sys.modules and sys.platform == "linux":
        ctypes.CDLL(None).sigaltstack(ctypes.byref(_Stack(None, SS_DISABLE, 0)), None)
