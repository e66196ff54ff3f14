"""A packed graph as ONNX, C or a page, and how well the result agrees with the engine."""

import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import ExportError, InputError
from xnorkit.format import Graph, read
from xnorkit.owned import OwnedFolder, write_whole, writing
from xnorkit.runtime import Model

__all__ = ["Conversion", "Form", "convert", "convert_file"]

Form = Literal["onnx", "c", "web"]
TRIED = 8
"""Number of generated images on which a packed file, which brings none, is tried."""
RUNNERS = {"onnx": "onnxruntime", "c": "make and a C compiler", "web": "Node.js"}
"""What runs each form."""
PAGES = (".html", ".htm")
"""Names of a page; any other name is that of a folder."""


@dataclass(frozen=True)
class Conversion:
    """What was written, and what ran it; an empty `engine` means that nothing on this machine could.

    bytes: of what was written, or of the constants of a C program, whose values take `ram_bytes`.
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
            return f"not run: install {RUNNERS[self.to]}"
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
    to: Form,
    images: NDArray[np.float32],
    *,
    packed: bool = True,
    prefix: str = "model",
    ram: int | None = None,
    flash: int | None = None,
) -> Conversion:
    """Write `graph` in another form, run that on `images`, and compare it with the packed network.

    Args:
        graph: a valid graph.
        output: file or folder to write.
        to: the form: an ONNX file, a folder of C, or for a browser a page (.html) or the folder of a package.
        images: (N, C, H, W) float32, at least one.
        packed: only for ONNX: keep the binary weights as bits.
        prefix: only for C: of the names of files, functions and macros.
        ram: only for C: the most bytes that its values may take.
        flash: only for C: the most bytes that its constants may take.

    Raises:
        ExportError: the graph cannot be expressed in that form, needs more memory than `ram` or `flash`, or what was
            made gives other answers.
        InputError: `output` cannot be written.
    """
    if to == "onnx":
        return _onnx(graph, output, images, packed)
    if to == "web":
        return _web(graph, output, images)
    return _c(graph, output, images, prefix=prefix, ram=ram, flash=flash)


def convert_file(path: Path, output: Path, to: Form, **options: Any) -> Conversion:
    """Convert a `.xnor` file, tried on random images; options and errors are those of `convert` and `read`."""
    graph = read(path)
    images = np.random.default_rng(0).standard_normal((TRIED, *graph.input.shape), dtype=np.float32)
    return convert(graph, output, to, images, **options)


def _onnx(graph: Graph, output: Path, images: NDArray[np.float32], packed: bool) -> Conversion:
    try:
        from xnorkit.targets.onnx import write_onnx
    except ImportError as error:
        raise InputError("the target onnx needs the package onnx. Run pip install 'xnorkit[onnx]'.") from error
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}), but its folder must be writable.") from error
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


def _c(graph: Graph, output: Path, images: NDArray[np.float32], *, prefix: str, **budget: int | None) -> Conversion:
    from xnorkit.targets.c import write_c

    few = images[:TRIED]
    own = OwnedFolder(output)
    with own.held(), tempfile.TemporaryDirectory() as scratch:
        program = write_c(scratch, graph, images=few, prefix=prefix, **budget)
        files = {path.name: path.read_bytes() for path in program.folder.iterdir()}
        own.claim(list(files))
        tried = shutil.which("make") is not None and shutil.which("cc") is not None
        if tried:
            _make(program.folder)
        own.write_all(files)
    checked = len(few) if tried else 0
    engine = "cc, every bit of the outputs" if tried else ""
    return Conversion(str(output), "c", program.constant_bytes, program.ram_bytes, engine, checked, checked, 0.0)


def _make(folder: Path) -> None:
    """Compile and run the test of a C program."""
    done = subprocess.run(["make", "-s", "-C", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr)[-400:].split())
        raise ExportError(
            f"the C program does not pass its own test, but it must before it is written: {said}. Check that the C "
            "compiler `cc` works; otherwise please report this model."
        )


def _web(graph: Graph, output: Path, images: NDArray[np.float32]) -> Conversion:
    from xnorkit.targets.web import node_version, outputs_in_node, package_files, page

    as_page = output.suffix in PAGES
    files = package_files(graph)
    content = page(graph).encode() if as_page else b""
    few: NDArray[Any] = images[:TRIED]
    if not graph.input.takes_floats:
        few = np.random.default_rng(0).integers(0, 256, few.shape, dtype=np.uint8)
    version = node_version()
    if version:
        wanted = Model(graph, isa="reference")(few).reshape(len(few), -1)
        if outputs_in_node(files, few).tobytes() != wanted.tobytes():
            raise ExportError(f"'{graph.name}' gives other outputs in Node.js {version} than in the scalar reference.")
    if as_page:
        _write_page(output, content)
    else:
        own = OwnedFolder(output)
        with own.held():
            own.write_all(files)
    checked = len(few) if version else 0
    size = len(content) or sum(map(len, files.values()))
    engine = f"Node.js {version}, every bit of the outputs" if version else ""
    return Conversion(str(output), "web", size, 0, engine, checked, checked, 0.0)


def _write_page(output: Path, content: bytes) -> None:
    if output.is_dir():
        raise InputError(f"output {output} is a folder, but it must be the name of a file, such as {output}/page.html.")
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, content)
