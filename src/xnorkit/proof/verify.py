"""The proof that a packed program is the trained model: node by node on its own numbers, then end to end."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.compile.dynamic import check_same_steps, equal_tensors
from xnorkit.compile.lower import Export, lower, rounded_to_half
from xnorkit.compile.operations import Flatten
from xnorkit.compile.pointwise import Pointwise
from xnorkit.compile.thresholds import FLOAT_REACH
from xnorkit.errors import ExportError, InputError
from xnorkit.format import INPUT, Graph, Node, infer_shapes, operation_of
from xnorkit.proof.bounds import bound
from xnorkit.proof.machines import EngineMachine, InterpreterMachine, Machine
from xnorkit.proof.proof import FloatProof, LayerProof, Proof
from xnorkit.proof.trained import TrainedValues
from xnorkit.proof.witness import Witness, not_finite
from xnorkit.runtime import Model
from xnorkit.runtime.images import as_images

__all__ = ["prove", "verify"]

MAX_LOCATED_FLIPS = 20


def verify(
    model: nn.Module,
    packed: Model | Graph,
    images: NDArray[np.float32] | Tensor,
    batch_size: int = 64,
    *,
    strict: bool = True,
    export: Export | None = None,
) -> Proof:
    """Return the comparison of a trained model with its packed program on real images.

    The untouched model runs on the images, and must return the same numbers as its capture, bit for bit; the proof uses
    those numbers. (a) Node by node: each node is fed with the trained model's own numbers. The integers of a binary
    layer must equal `conv(sign(x), sign(W))`, and every bit must equal the trained model's; floats must lie within
    their rounding bound (`FloatProof`). (b) End to end: bits that differ (a float sum in another order may flip a
    sign that sat on zero) are counted and located, and predictions and logits are compared.

    Args:
        model: the trained module; evaluated as in eval mode and not changed. If the file holds float16 weights, it is
            compared with `rounded_to_half(model)`.
        packed: the loaded program made from it; or its graph, for the interpreter to run.
        images: (N, C, H, W) float32, normalised as in training, at least one; NumPy array or torch tensor. A file that
            was packed with `dynamic=True` is proved for the size of these.
        batch_size: images per step; bounds the memory.
        strict: raise at the first node that differs, instead of returning the counts.
        export: result of `export_model` for this model, to avoid exporting it again.

    Raises:
        ExportError: `strict` is set and part (a) does not hold (names the first node that differs), the file was not
            made from this model, or the model does not depend on the image alone.
        InputError: no images, images of another type, dtype or shape, no program, or a batch size below 1.
    """
    if not isinstance(packed, Model | Graph):
        raise InputError(
            f"the file is {type(packed).__name__}, but it must be a Model or a Graph. Use xnorkit.load(path)."
        )
    if not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"batch_size={batch_size!r}, but it must be an integer of at least 1.")
    if export is not None and not isinstance(export, Export):
        raise InputError(
            f"export is {type(export).__name__}, but it must be the result of export_model for this model."
        )
    graph = packed if isinstance(packed, Graph) else packed.graph
    images = as_images(images, graph.input)
    if images.dtype != np.float32:
        raise InputError(f"images have dtype {images.dtype}, but they must be float32, normalised as in training.")
    half = any(array.dtype == np.float16 for node in graph.nodes for array in node.tensors.values())
    shape = (images.shape[1], images.shape[2], images.shape[3])
    if export is None or export.graph.input.shape != shape:
        export = lower(model, shape, half=half)
    _check_same(graph, export)
    machine = _machine(packed, shape)
    witness = Witness(rounded_to_half(model) if half else model)
    prover = _Prover(machine, export, Proof(half=half))
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        trained = TrainedValues(export, batch)
        witness.check(trained.captured)
        prover.add(batch, trained, start, strict)
    return prover.proof


def _machine(packed: Model | Graph, shape: tuple[int, int, int]) -> Machine:
    """Return what runs the program on images of `shape`, which a dynamic one was perhaps not made for."""
    graph = packed if isinstance(packed, Graph) else packed.graph
    if graph.input.shape != shape:
        graph = replace(graph, input=replace(graph.input, shape=shape))
        packed = graph if isinstance(packed, Graph) else Model(graph, isa=packed.isa, threads=packed.threads)
    return InterpreterMachine(graph) if isinstance(packed, Graph) else EngineMachine(packed)


def prove(export: Export, packed: Model, images: NDArray[np.float32], trained: TrainedValues) -> Proof:
    """Return the proof for one batch whose trained values are known; ExportError at the first node that differs."""
    prover = _Prover(EngineMachine(packed), export, Proof())
    prover.add(images, trained, 0, strict=True)
    return prover.proof


def _check_same(graph: Graph, export: Export) -> None:
    """Refuse a graph whose nodes differ from the model's own: its proof would compare the wrong values."""
    if export.graph.input.shape != graph.input.shape:
        check_same_steps(graph, export.graph)
    for ours, theirs in zip(export.graph.nodes, graph.nodes, strict=False):
        if (ours.name, ours.op, ours.inputs) != (theirs.name, theirs.op, theirs.inputs):
            raise ExportError(
                f"the file has {theirs!r} where the model gives {ours!r}, but it must be a file that this version "
                "exported from this model. Export it again."
            )
    if len(export.graph.nodes) != len(graph.nodes):
        raise ExportError(
            f"the file has {len(graph.nodes)} nodes and the model gives {len(export.graph.nodes)}, but it must be a "
            "file that this version exported from this model. Export it again."
        )


class _Prover:
    """Adds batch after batch to `proof`."""

    def __init__(self, machine: Machine, export: Export, proof: Proof) -> None:
        self.machine, self.export, self.proof = machine, export, proof
        self.shapes = infer_shapes(machine.graph)
        self.layers: dict[str, LayerProof] = {}
        self.floats: dict[str, FloatProof] = {}

    def add(self, batch: NDArray[np.float32], trained: TrainedValues, start: int, strict: bool) -> None:
        for node in self.machine.graph.nodes:
            self._prove(node, trained, batch)
            found = (self.layers.get(node.name), self.floats.get(node.name))
            if strict and any(entry is not None and not entry.equal for entry in found):
                self._refuse_reach(node, trained, batch)
                differs = _differs(node, found[0], found[1], start, len(batch))
                raise ExportError(f"{differs} {self._remedy(node)}")
        self.proof.layers, self.proof.floats = list(self.layers.values()), list(self.floats.values())
        names = (node.name for node in self.machine.graph.nodes)
        self.proof.order = [name for name in names if name in self.layers or name in self.floats]
        self._compare_end_to_end(trained, batch, start)

    def _value(self, name: str, trained: TrainedValues, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Return the trained model's value of a node or the input, in the graph's layout."""
        if name == INPUT:
            if self.machine.graph.input.kind == "f32":
                return np.ascontiguousarray(batch.transpose(0, 2, 3, 1))
            pixels = next(v for v in self.export.network.values if v.kind == "u8")
            return trained.image(pixels)
        value = trained.image(self.export.origins[name])
        if not np.isfinite(value).all():
            raise not_finite(name)
        return value

    def _prove(self, node: Node, trained: TrainedValues, batch: NDArray[np.float32]) -> None:
        inputs = [self._value(name, trained, batch) for name in node.inputs]
        wanted = self._value(node.name, trained, batch)
        sums, output = self.machine.alone(node, inputs)
        bits = self.shapes[node.name].kind != "f32"
        right = output == wanted
        if not bits:
            error = np.abs(output.astype(np.float64) - wanted)
            allowed = bound(node, inputs, wanted, self._inner(node, trained))
            right = error <= allowed
            entry = self.floats.setdefault(node.name, FloatProof(node.name))
            entry.numbers += right.size
            entry.within += int(right.sum())
            entry.largest = max(entry.largest, float((error / np.maximum(allowed, 1e-300)).max()))
        if bits or operation_of(node).integer:
            layer = self.layers.setdefault(node.name, LayerProof(node.name))
            layer.outputs += right.size
            layer.outputs_equal += int(right.sum())
            expected = trained.sums(self.export.origins[node.name])
            if sums is not None and expected is not None:
                layer.integers += expected.size
                layer.integers_equal += int((sums == expected).sum())

    def _remedy(self, node: Node) -> str:
        """Return what to do about a node that differs: its file may be of another checkpoint."""
        own = next(ours for ours in self.export.graph.nodes if ours.name == node.name)
        if not equal_tensors(own, node):
            return "The numbers in the file are not the model's. Pass the model of the file, or export it again."
        return "Do not use the file; please report this model."

    def _refuse_reach(self, node: Node, trained: TrainedValues, batch: NDArray[np.float32]) -> None:
        """Refuse numbers beyond those for which the thresholds of a sign were found."""
        if node.op != "pack":
            return
        largest = float(np.abs(self._value(node.inputs[0], trained, batch)).max())
        if largest > FLOAT_REACH:
            raise ExportError(
                f"the sign '{node.name}' reads numbers up to {largest:.2g}, but they must stay within {FLOAT_REACH:g}. "
                "Scale down what it reads."
            )

    def _inner(self, node: Node, trained: TrainedValues) -> NDArray[np.float64] | float:
        """Return the largest magnitudes of the trained values that a layer folds, each scaled as in the output.

        A batch norm folded into a layer is (x + c) s + b with one bias c s + b. The trained model rounds x + c, which
        may be much larger than x if c s and b cancel.
        """
        value, factor, inner = self.export.origins[node.name], np.float64(1), np.float64(0)
        if operation_of(node).layer is None:
            return inner
        while isinstance(value.operation, Pointwise | Flatten) and value.inputs[0].kind == "f32":
            if isinstance(value.operation, Pointwise):
                op, _, tensors = value.operation.step or ("", {}, {})
                if op != "affine":
                    break
                factor = factor * (np.abs(value.spread(tensors["scale"])) if "scale" in tensors else 1)
            value = value.inputs[0]
            inner = np.maximum(inner, np.abs(trained.image(value)) * factor)
        return inner

    def _compare_end_to_end(self, trained: TrainedValues, batch: NDArray[np.float32], start: int) -> None:
        proof = self.proof
        values = self.machine.trace(batch)
        for node in self.machine.graph.nodes:
            if not operation_of(node).binary:
                continue
            differ = values[node.inputs[0]] != self._value(node.inputs[0], trained, batch)
            proof.end_to_end_bits += differ.size
            proof.flips[node.name] = proof.flips.get(node.name, 0) + int(differ.sum())
            for image, row, column, channel in _located(differ, MAX_LOCATED_FLIPS - len(proof.flip_locations)):
                where = {"image": start + image, "row": row, "column": column, "channel": channel}
                proof.flip_locations.append({"layer": node.name, **where})
        logits = values[self.machine.graph.output].reshape(len(batch), -1)
        output = trained.image(self.export.network.output).reshape(len(batch), -1)
        proof.images += len(batch)
        proof.predictions_equal += int((logits.argmax(1) == output.argmax(1)).sum())
        proof.max_logit_difference = max(proof.max_logit_difference, float(np.abs(logits - output).max()))


def _differs(node: Node, layer: LayerProof | None, floats: FloatProof | None, start: int, count: int) -> str:
    what = []
    if layer is not None:
        what.append(f"{layer.integers - layer.integers_equal} of {layer.integers} integers")
        what.append(f"{layer.outputs - layer.outputs_equal} of {layer.outputs} outputs")
    elif floats is not None:
        what.append(f"{floats.numbers - floats.within} of {floats.numbers} floats beyond their bound")
    return (
        f"layer '{node.name}' differs from the trained model on images {start} to {start + count - 1}, but it must "
        f"not: {', '.join(what)}."
    )


def _located(differ: NDArray[np.bool_], most: int) -> Iterator[tuple[int, ...]]:
    for where in np.argwhere(differ)[: max(most, 0)]:
        yield tuple(int(i) for i in where)
