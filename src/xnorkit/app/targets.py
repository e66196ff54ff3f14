"""A packed graph as ONNX or C, and how well the result agrees with the engine."""

import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import ExportError, InputError
from xnorkit.format import Graph, read
from xnorkit.owned import OwnedFolder
from xnorkit.runtime import Model

__all__ = ["Conversion", "convert", "convert_file"]

TRIED = 8
"""Number of generated images on which a packed file, which brings none, is tried."""


@dataclass(frozen=True)
class Conversion:
    """What was written, and what ran it; an empty `engine` means that nothing on this machine could.

    bytes: of the ONNX file, or of the constants of the C program, whose values take `ram_bytes`.
    """

    path: str
    to: str
    bytes: int
    ram_bytes: int
    engine: str
    images_checked: int
    predictions_equal: int
    max_logit_difference: float

    @property
    def sentence(self) -> str:
        """The evidence in one line."""
        if not self.engine:
            return "not run: " + ("install onnxruntime" if self.to == "onnx" else "install make and a C compiler")
        return (
            f"{self.engine}: {self.predictions_equal} of {self.images_checked} predictions equal, largest logit "
            f"difference {self.max_logit_difference:.2g}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)


def convert(
    graph: Graph,
    output: Path,
    to: Literal["onnx", "c"],
    images: NDArray[np.float32],
    *,
    packed: bool = True,
    prefix: str = "model",
) -> Conversion:
    """Write `graph` as an ONNX file or a folder of C, run it on `images`, and compare it with the packed network.

    Args:
        graph: a valid graph.
        output: file or folder to write.
        to: the form.
        images: (N, C, H, W) float32, at least one.
        packed: only for ONNX: keep the binary weights as bits.
        prefix: only for C: of the names of files, functions and macros.

    Raises:
        ExportError: the graph cannot be expressed in that form, or the C program fails its own test.
        InputError: `output` cannot be written.
    """
    if to == "onnx":
        return _onnx(graph, output, images, packed)
    return _c(graph, output, images, prefix)


def convert_file(
    path: Path, output: Path, to: Literal["onnx", "c"], *, packed: bool = True, prefix: str = "model"
) -> Conversion:
    """Convert a `.xnor` file, tried on a few random images; raises what `convert` and `read` raise."""
    graph = read(path)
    images = np.random.default_rng(0).standard_normal((TRIED, *graph.input.shape), dtype=np.float32)
    return convert(graph, output, to, images, packed=packed, prefix=prefix)


def _onnx(graph: Graph, output: Path, images: NDArray[np.float32], packed: bool) -> Conversion:
    try:
        from xnorkit.targets.onnx import write_onnx
    except ImportError as error:
        raise InputError("the target onnx needs the package onnx; required: pip install 'xnorkit[onnx]'.") from error
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}); required: a writable folder.") from error
    write_onnx(output, graph, packed=packed)
    try:
        import onnxruntime
    except ImportError:
        return Conversion(str(output), "onnx", output.stat().st_size, 0, "", 0, 0, 0.0)
    # With default options, as people run it: such a session folds and fuses what it can.
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    wanted = Model(graph)(images).reshape(len(images), -1)
    logits = session.run(None, {"images": images})[0].reshape(len(images), -1)
    difference = float(np.abs(logits - wanted).max())
    equal = int((logits.argmax(1) == wanted.argmax(1)).sum())
    engine = f"ONNX Runtime {onnxruntime.__version__}, default session"
    return Conversion(str(output), "onnx", output.stat().st_size, 0, engine, len(images), equal, difference)


def _c(graph: Graph, output: Path, images: NDArray[np.float32], prefix: str) -> Conversion:
    from xnorkit.targets.c import write_c

    few = images[:8]
    own = OwnedFolder(output)
    with own.held():
        own.claim([path.name for path in files("xnorkit.targets.c").joinpath("sources").iterdir()])
        own.claim([f"{prefix}.h", f"{prefix}.c", "test_vector.h"])
        program = write_c(output, graph, images=few, prefix=prefix)
    parts: dict[str, Any] = {
        "path": str(output),
        "to": "c",
        "bytes": program.constant_bytes,
        "ram_bytes": program.ram_bytes,
        "max_logit_difference": 0.0,
    }
    if shutil.which("make") is None or shutil.which("cc") is None:
        return Conversion(**parts, engine="", images_checked=0, predictions_equal=0)
    done = subprocess.run(["make", "-s", "-C", str(output)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ExportError(f"the C program in {output} does not pass its own test: {(done.stdout + done.stderr)[-400:]}")
    engine = "cc, every bit of the outputs"
    return Conversion(**parts, engine=engine, images_checked=len(few), predictions_equal=len(few))
