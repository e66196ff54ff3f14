"""A loaded `.xnor` model: a callable on images."""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xnorkit import _engine
from xnorkit.errors import EngineError, FormatError, InputError
from xnorkit.format import Graph, Limits, ValueSpec, read, shown, shown_path
from xnorkit.runtime.bits import check_words
from xnorkit.runtime.build import build_layer
from xnorkit.runtime.images import as_images
from xnorkit.runtime.sizes import Sizes
from xnorkit.zoo import find

__all__ = ["MAX_THREADS", "LayerResult", "Model", "load"]

DEFAULT = Limits()

MAX_THREADS = 256
"""Most threads that the engine runs."""


class LayerResult(NamedTuple):
    """The results of one node for a given value.

    dots: (N, OH, OW, O) int32, the integer sums of a binary or 8-bit layer; (N, OH, OW, 0) for other nodes.
    output: the node's output, bits as (N, OH, OW, words) uint32, or (N, OH, OW, O) float32 or uint8.
    """

    dots: NDArray[np.int32]
    output: NDArray[Any]


def load(
    path: str | os.PathLike[str],
    *,
    isa: str | None = None,
    threads: int | None = None,
    limits: Limits | None = DEFAULT,
) -> "Model":
    """Return the model in a `.xnor` file, or the trained model of that name, ready to run.

    Args:
        path: file written by `xnorkit export` or `xnorkit.format.write`; or a name from `xnorkit.zoo.list_pretrained`.
        isa: instruction set of the kernels; None uses XNORKIT_ISA, or else the fastest that the CPU has.
        threads: threads per call; None uses XNORKIT_THREADS, or else the physical cores that the process may use.
        limits: what the file may cost to read, plan and run, such as `Limits(work=2**36)`; None for a trusted file.

    Raises:
        FormatError: the file is missing, damaged, of another version, asks for more than `limits` allow, or returns
            bits instead of numbers.
        EngineError: `isa` is not available, or the engine has no kernel for a node.
        InputError: `threads` is not an integer from 1 to 256, or a plain name is neither a file nor a trained model.

    Examples:
        >>> model = xnorkit.runtime.load("lenet5.xnor")
        >>> model(images).argmax(axis=1)
    """
    graph = read(find(path), limits=limits)
    try:
        return Model(graph, isa=isa, threads=threads, limits=limits)
    except FormatError as error:
        raise FormatError(f"{shown_path(path)}: {error}") from None


class Model:
    """A packed network on the engine; may be called from several threads at once.

    It can be pickled and copied. The copy includes the graph and plans it again; if `isa` and `threads` were not given,
    it plans for the machine that it is then on. `limits` bound what images of other sizes may cost; None sets no bound.

    Attributes:
        graph: the graph that was loaded.
        isa: instruction set of the kernels.
        threads: threads per call.
    """

    def __init__(
        self, graph: Graph, *, isa: str | None = None, threads: int | None = None, limits: Limits | None = None
    ) -> None:
        self.graph = graph
        self.isa = _isa(isa)
        self.threads = _threads(threads)
        self._arguments = (graph, isa, threads, limits)
        self._nodes = {node.name: node for node in graph.nodes}
        self._sizes = Sizes(graph, self.isa, limits)
        self._plan = self._sizes.plan(graph.input.shape[1:])
        self._values = self._plan.values
        if self._values[graph.output].kind != "f32":
            kind = self._values[graph.output].kind
            raise FormatError(
                f"output {shown(graph.output)} is {kind}, but it must be a node that returns float32 numbers."
            )
        self._layers: dict[str, _engine.Program] = {}

    def __call__(self, images: Any) -> NDArray[np.float32]:
        """Return the outputs, (N, O) float32; (N, O, OH, OW) if the last value has more than one position.

        Args:
            images: (N, C, H, W), NumPy array or torch tensor (detached from its gradient), float32 prepared as in
                training, or uint8 pixels, channels red, green, blue. The file's input (`graph.input`) says how to turn
                one into the other if the model needs it. H and W are those of `input_shape`, or others if the graph's
                input is dynamic.

        Raises:
            InputError: another type, dtype or shape, a float that is NaN or infinite, or pixels for a model of prepared
                floats.
            EngineError: there is not enough memory for the images.
        """
        array = self._images(images)
        plan = self._sizes.plan(array.shape[2:])
        value = self._run(plan.program, array)[0]
        spec = plan.values[self.graph.output]
        if spec.height == spec.width == 1:
            return value.reshape(len(value), spec.channels)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, self._arguments

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.input_shape))
        return (
            f"<xnorkit Model '{self.graph.name}': input {shape}, {len(self.graph.nodes)} nodes, {self.isa}, "
            f"threads {self.threads}>"
        )

    def trace(self, images: Any) -> dict[str, NDArray[Any]]:
        """Return the value of every node: (N, H, W, C) float32 or uint8, or bits as (N, H, W, words) uint32.

        It takes the same images as a call and raises the same errors.
        """
        array = self._images(images)
        values = self._run(self._sizes.plan(array.shape[2:]).tracer, array)
        return dict(zip([node.name for node in self.graph.nodes], values, strict=True))

    def run_layer(self, name: str, value: NDArray[Any]) -> LayerResult:
        """Return the results of node `name` for a given value, on the kernels of this model.

        Args:
            name: a node that reads one value.
            value: input of the node, of its size for images of `input_shape`: bits (N, H, W, words) uint32 from
                `pack_bits`, or (N, H, W, C) float32 or uint8.

        Raises:
            InputError: there is no such node, or `value` does not fit it.
        """
        node = self._nodes.get(name)
        if node is None or len(node.inputs) != 1:
            choices = [n.name for n in self.graph.nodes if len(n.inputs) == 1]
            raise InputError(f"layer={name!r}, but it must be a node that reads one value: {', '.join(choices)}.")
        source = self._values[node.source]
        _check_value(name, value, source)
        if name not in self._layers:
            self._layers[name] = build_layer(node, source, self.isa)
        # The engine takes 8-bit values in the layout of pixels, with the channels first.
        fed = value.transpose(0, 3, 1, 2) if source.kind == "u8" else value
        *dots, output = self._run(self._layers[name], np.ascontiguousarray(fed))
        return LayerResult(dots[0] if dots else np.empty((*output.shape[:3], 0), np.int32), output)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        return self.graph.input.shape

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs; empty if the file has none."""
        return tuple(self.graph.metadata.get("classes") or ())

    @property
    def arena_bytes(self) -> int:
        """Bytes of activation buffers for one image."""
        return self._plan.program.arena_bytes

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights and thresholds in the kernels' own arrangement."""
        return self._plan.program.weight_bytes

    def _images(self, images: Any) -> NDArray[Any]:
        try:
            return as_images(images, self.graph.input)
        except MemoryError as error:
            raise EngineError(f"there is no memory to copy the images ({error}). Pass fewer at a time.") from error

    def _run(self, program: _engine.Program, source: NDArray[Any]) -> list[NDArray[Any]]:
        try:
            return program.run(source, self.threads)
        except ValueError as error:
            raise InputError(f"the engine refuses the images: {error}") from error
        except MemoryError as error:
            raise EngineError(
                f"there is no memory to run {len(source)} images at once. Pass fewer at a time."
            ) from error


def _restored(graph: Graph, isa: str | None, threads: int | None, limits: Limits | None) -> Model:
    """Return a model that was pickled or copied."""
    return Model(graph, isa=isa, threads=threads, limits=limits)


def _check_value(name: str, value: NDArray[Any], spec: ValueSpec) -> None:
    """Check the value that a caller feeds into a node."""
    if spec.kind == "bits":
        check_words(value, spec.channels)
    dtype, last = {
        "bits": (np.uint32, spec.words),
        "f32": (np.float32, spec.channels),
        "u8": (np.uint8, spec.channels),
    }[spec.kind]
    shape = (spec.height, spec.width, last)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.shape[1:] != shape or len(value) == 0:
        received = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise InputError(
            f"the value for layer '{name}' is {received}, but it must be {np.dtype(dtype)} "
            f"(N, {', '.join(map(str, shape))}) with N of at least 1."
        )


def _isa(isa: str | None) -> str:
    if isa is None:
        try:
            return _engine.default_isa()
        except ValueError as error:
            raise EngineError(str(error)) from error
    if isa not in _engine.isas():
        raise EngineError(f"isa={isa!r}, but it must be one that this CPU and build have: {', '.join(_engine.isas())}.")
    return isa


def _threads(threads: int | None) -> int:
    if threads is None:
        try:
            return _engine.default_threads()
        except ValueError as error:
            raise EngineError(str(error)) from error
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads={threads!r}, but it must be an integer from 1 to {MAX_THREADS}.")
    return threads
