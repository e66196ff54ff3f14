"""The C library of this checkout's own build, through ctypes."""

import ctypes
import fcntl
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

__all__ = ["BUILD", "CModel", "RefusedError", "cmake", "load_memory", "native_build", "shared_library"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "native"
FILE_ERROR, ARGUMENT_ERROR = 1, 2
TYPES = {np.dtype(np.float32): 0, np.dtype(np.uint8): 1}
LIMITS = ("header", "nodes", "padding", "values", "plan", "work")


class RefusedError(Exception):
    """A function returned another status than XNORKIT_OK."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Options(ctypes.Structure):
    _fields_ = [
        ("isa", ctypes.c_char_p),
        ("threads", ctypes.c_int),
        ("height", ctypes.c_int64),
        ("width", ctypes.c_int64),
        *((f"max_{name}", ctypes.c_int64) for name in LIMITS),
    ]


class InputInfo(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("channels", "height", "width")),
        *((name, ctypes.c_int) for name in ("takes_floats", "takes_pixels", "dynamic")),
    ]


class OutputInfo(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("channels", "height", "width")),
        ("classes", ctypes.POINTER(ctypes.c_char_p)),
    ]


def cmake() -> str:
    """Return CMake's path, or skip the test."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("cmake", path=folders)
    if found is None:
        pytest.skip("cmake is not installed")
    return found


@contextmanager
def native_build() -> Iterator[Path]:
    """Give the folder where `make install` built the engine, to one process at a time; without it, skip the test."""
    if sys.platform != "linux" or not (BUILD / "CMakeCache.txt").is_file():
        pytest.skip("there is no build/native, which `make install` makes on Linux")
    with (BUILD / "library.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [cmake(), "--build", str(BUILD), "--target", "xnorkit_shared"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield BUILD


@functools.cache
def shared_library() -> ctypes.CDLL:
    """Return the shared library, built from this checkout's sources."""
    with native_build() as build:
        library = ctypes.CDLL(str(build / "engine" / "libxnorkit.so"))
    library.xnorkit_error.restype = ctypes.c_char_p
    library.xnorkit_version.restype = ctypes.c_char_p
    library.xnorkit_load.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p]
    library.xnorkit_load_memory.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
    library.xnorkit_run.argtypes = [
        *(ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p),
    ]
    for name in ("input", "output"):
        getattr(library, f"xnorkit_{name}").argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.xnorkit_free.argtypes = [ctypes.c_void_p]
    library.xnorkit_free.restype = None
    return library


def check(status: int) -> None:
    if status != 0:
        raise RefusedError(status, shared_library().xnorkit_error().decode())


class CModel:
    """A loaded model."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        self.handle = handle

    def __del__(self) -> None:
        shared_library().xnorkit_free(self.handle)

    @property
    def input(self) -> InputInfo:
        info = InputInfo()
        check(shared_library().xnorkit_input(self.handle, ctypes.byref(info)))
        return info

    @property
    def output(self) -> OutputInfo:
        info = OutputInfo()
        check(shared_library().xnorkit_output(self.handle, ctypes.byref(info)))
        return info

    def classes(self) -> tuple[str, ...]:
        info = self.output
        return tuple(info.classes[i].decode() for i in range(info.channels)) if info.classes else ()

    def __call__(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return (N, C) or (N, C, H, W), as `xnorkit.runtime.Model` does."""
        images, out = np.ascontiguousarray(images), self.output
        result = np.empty((len(images), out.channels, out.height, out.width), np.float32)
        arguments = (TYPES[images.dtype], images.ctypes.data, len(images), result.ctypes.data)
        check(shared_library().xnorkit_run(self.handle, *arguments))
        return result.reshape(result.shape[:2]) if out.height == out.width == 1 else result


def load_memory(content: bytes, **options: Any) -> CModel:
    """Return the model in a file's bytes; RefusedError if there is none."""
    handle = ctypes.c_void_p()
    given = ctypes.byref(Options(**options)) if options else None
    check(shared_library().xnorkit_load_memory(content, len(content), given, ctypes.byref(handle)))
    return CModel(handle)


def load_path(path: bytes, **options: Any) -> CModel:
    """The same for a path."""
    handle = ctypes.c_void_p()
    given = ctypes.byref(Options(**options)) if options else None
    check(shared_library().xnorkit_load(path, given, ctypes.byref(handle)))
    return CModel(handle)
