"""Validation of a whole graph: names, order, kinds, shapes, attributes, tensors."""

from typing import Any

import numpy as np

from xnorkit.errors import FormatError
from xnorkit.format.graph import INPUT, Graph, InputSpec, Node, ValueSpec
from xnorkit.format.operations import Operation, find_operation
from xnorkit.format.preparation import check_preparation
from xnorkit.format.rules import MAX_NUMBERS, MAX_SIZE, check_keys, integers, is_number, is_printable, shown
from xnorkit.format.tensors import Plan, check_tensor

__all__ = ["infer_shapes"]

PIXELS = np.array([0, 255], np.float32)
"""The extreme pixel values: the results of all others lie between theirs."""


def infer_shapes(graph: Graph, size: tuple[int, int] | None = None) -> dict[str, ValueSpec]:
    """Return kind and shape of the input (under `"input"`) and of every node's value, in order of execution.

    This is the full validation: a graph that passes can be written, read back and run.

    Args:
        graph: what to check.
        size: (H, W) of other images, for a graph whose input is dynamic.

    Raises:
        FormatError: the graph breaks a rule of docs/format.md; names the node and the field.
    """
    if not is_printable(graph.name):
        raise FormatError(f"'name' is {shown(graph.name)}, but it must be a non-empty printable string.")
    values = {INPUT: _input(graph.input, size)}
    if not graph.nodes:
        raise FormatError("'nodes' is empty, but it must hold at least one node.")
    for node in graph.nodes:
        _check_name(node, values)
        try:
            values[node.name] = _value(node, values)
        except FormatError as error:
            raise FormatError(f"node {shown(node.name)}: {error}") from None
    _check_use(graph, values)
    _check_classes(graph, values)
    return values


def _input(spec: InputSpec, size: tuple[int, int] | None) -> ValueSpec:
    expected = integers(3, 1)(spec.shape)
    if expected is not None:
        raise FormatError(f"input 'shape' is {shown(spec.shape)}, but it must be (C, H, W), {expected}.")
    channels, height, width = spec.shape
    if size is not None and size != (height, width):
        if not spec.dynamic:
            raise FormatError(
                f"images are {size[0]} x {size[1]}, but they must be {height} x {width}: this graph's size is fixed."
            )
        height, width = size
    if spec.kind not in ("f32", "u8"):
        raise FormatError(f'input \'kind\' is {shown(spec.kind)}, but it must be "f32" or "u8".')
    value = ValueSpec(spec.kind, height, width, channels)
    _check_size(value)
    check_preparation(spec)
    normalization = spec.normalization
    if normalization is None:
        return value
    for key, numbers in (("mean", normalization.mean), ("std", normalization.std)):
        if len(numbers) != channels or not all(is_number(v) for v in numbers):
            raise FormatError(
                f"input normalization '{key}' is {shown(numbers)}, but it must hold one float32 number per channel, "
                f"{channels} in all."
            )
    with np.errstate(all="ignore"):
        usable = all(v > 0 for v in normalization.std) and bool(np.isfinite(normalization.of(PIXELS)).all())
    if not usable:
        raise FormatError(
            f"input normalization has mean {shown(normalization.mean)} and std {shown(normalization.std)}, but std "
            "must be above 0, and every pixel value must give a finite float32 result."
        )
    return value


def _check_name(node: Node, values: dict[str, ValueSpec]) -> None:
    if not is_printable(node.name):
        raise FormatError(f"a node's 'name' is {shown(node.name)}, but it must be a non-empty printable string.")
    if node.name in values:
        raise FormatError(
            f"node {shown(node.name)}: the name is taken, but it must be unique, and not '{INPUT}', the image's own."
        )


def _value(node: Node, values: dict[str, ValueSpec]) -> ValueSpec:
    operation = find_operation(node.op)
    check_keys("attributes", node.attributes, operation.attributes)
    for key, rule in operation.attributes.items():
        expected = rule(node.attributes[key])
        if expected is not None:
            raise FormatError(f"attribute '{key}' is {shown(node.attributes[key])}, but it must be {expected}.")
    sources = _sources(node, operation, values)
    plan = operation.plan(node.attributes, sources)
    _check_size(plan.output)
    _check_tensors(node, plan)
    return plan.output


def _sources(node: Node, operation: Operation, values: dict[str, ValueSpec]) -> list[ValueSpec]:
    fewest, most = operation.inputs
    if not fewest <= len(node.inputs) <= most:
        count = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise FormatError(f"'inputs' names {len(node.inputs)} values, but it must name {count}.")
    for name in node.inputs:
        if name not in values:
            raise FormatError(
                f"'inputs' holds {shown(name)}, but it must hold '{INPUT}' or the name of an earlier node."
            )
        if values[name].kind not in operation.reads:
            raise FormatError(
                f"it reads {values[name].kind} from {shown(name)}, but it must read {' or '.join(operation.reads)}."
            )
    return [values[name] for name in node.inputs]


def _check_tensors(node: Node, plan: Plan) -> None:
    absent = [role for role, rule in plan.tensors.items() if rule.optional]
    check_keys("tensors", node.tensors, plan.tensors, absent)
    if plan.tensors and not node.tensors:
        raise FormatError(f"tensors: there are none, but there must be {', '.join(plan.tensors)}, or one of them.")
    for role, array in node.tensors.items():
        check_tensor(role, array, plan.tensors[role])
    if "flip" in plan.tensors and node.tensors["flip"].shape != node.tensors["threshold"].shape:
        raise FormatError(
            f"tensor 'flip' has shape {node.tensors['flip'].shape}, but it must be "
            f"{node.tensors['threshold'].shape}, the shape of 'threshold'."
        )


def _check_size(value: ValueSpec) -> None:
    if max(value.height, value.width, value.channels) > MAX_SIZE:
        raise FormatError(
            f"a value has height {value.height}, width {value.width} and {value.channels} channels, "
            f"but each must be at most {MAX_SIZE}."
        )
    if value.size > MAX_NUMBERS:
        raise FormatError(
            f"a value has height {value.height}, width {value.width} and {value.channels} channels, "
            f"but it must hold at most {MAX_NUMBERS} numbers."
        )


def _check_use(graph: Graph, values: dict[str, ValueSpec]) -> None:
    if graph.output == INPUT or graph.output not in values:
        raise FormatError(f"'output' is {shown(graph.output)}, but it must be the name of a node.")
    read = {name for node in graph.nodes for name in node.inputs} | {graph.output}
    for node in graph.nodes:
        if node.name not in read:
            raise FormatError(
                f"node {shown(node.name)}: nothing reads it, but a node must read it or it must be the output."
            )


def _check_classes(graph: Graph, values: dict[str, ValueSpec]) -> None:
    classes: Any = graph.metadata.get("classes", None)
    if classes is None:
        return
    outputs = values[graph.output].channels
    fits = isinstance(classes, list | tuple) and all(isinstance(c, str) for c in classes) and len(classes) == outputs
    if not fits:
        raise FormatError(
            f"metadata 'classes' is {shown(classes)}, but it must hold {outputs} strings, one per output."
        )
