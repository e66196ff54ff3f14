"""A stage as one call of the operations in sources/xk.h."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xnorkit.format import Node, ValueSpec, family_of, filter_shape, operation_of, window_of
from xnorkit.targets.c.arrays import Constants, filter_words, floats_of
from xnorkit.targets.c.stages import Stage

__all__ = ["Calls"]

KINDS = {"add": "XK_ADD", "multiply": "XK_MULTIPLY"}


class Calls:
    """Writes calls; `where` gives the C expression of a value's address by its name."""

    def __init__(
        self, specs: Mapping[str, ValueSpec], constants: Constants, where: Callable[[str], str], row: str
    ) -> None:
        self.specs, self.constants, self.where, self.row = specs, constants, where, row

    def write(self, stage: Stage) -> list[str]:
        """Return the statements of a stage."""
        node = stage.node
        sources = [self.specs[name] for name in node.inputs]
        values = [self.where(name) for name in node.inputs]
        writer = _WRITERS[family_of(node)]
        return ["{", *(f"  {line}" for line in writer(self, stage, node, values, sources)), "}"]

    def sink(self, stage: Stage, own: Sequence[Node] = ()) -> list[str]:
        """Return the declarations of a stage's steps and sink; `own` are the node's own steps, which come first."""
        spec = self.specs[stage.value]
        steps = [text for step in (*own, *stage.steps) for text in self._steps(stage, step)]
        lines = [f"const xk_step steps[] = {{{', '.join(steps)}}};"] if steps else []
        bits = ["0", "0", "0", "0"]
        if self.specs[stage.node.name].kind == "bits":
            bits[0] = self.where(stage.node.name)
        if stage.pack is not None:
            threshold, flip = stage.pack.tensors["threshold"], stage.pack.tensors["flip"]
            per_pixel = str(spec.channels if threshold.ndim == 3 else 0)
            bits = [self.where(stage.pack.name), self.constants.add(threshold), self.constants.add(flip), per_pixel]
        floats = self.where(stage.value) if stage.stores and spec.kind == "f32" else "0"
        fields = [_shape(spec), "steps" if steps else "0", str(len(steps)), self.row, floats, *bits]
        return [*lines, f"const xk_sink sink = {{{', '.join(fields)}}};"]

    def _steps(self, stage: Stage, step: Node) -> list[str]:
        channels = self.specs[stage.value].channels
        if step.op == "clip":
            return [f"{{XK_CLIP, 0, 0, 0, {_bound(step, 'min', -math.inf)}, {_bound(step, 'max', math.inf)}}}"]
        if step.op == "prelu":
            return [f"{{XK_PRELU, {self.constants.add(floats_of(step.tensors['slope']))}, 0, 1, 0, 0}}"]
        if step.op == "affine":
            texts = []
            for role, kind in (("scale", "XK_SCALE"), ("bias", "XK_SHIFT")):
                if role in step.tensors:
                    array = floats_of(step.tensors[role])
                    stride = channels if array.ndim == 3 else 0
                    texts.append(f"{{{kind}, {self.constants.add(array)}, {stride}, 1, 0, 0}}")
            return texts
        inside = {stage.node.name, *(s.name for s in stage.steps)}
        other = step.inputs[1] if step is stage.node or step.inputs[0] in inside else step.inputs[0]
        spec = self.specs[other]
        per_pixel = 0 if spec.height == spec.width == 1 and self.specs[step.name].size != spec.size else spec.channels
        per_channel = 0 if spec.channels == 1 and channels != 1 else 1
        return [f"{{{KINDS[step.op]}, {self.where(other)}, {per_pixel}, {per_channel}, 0, 0}}"]

    def window(self, node: Node, source: ValueSpec) -> str:
        """Return the declaration of a node's window; a linear layer's kernel is its whole source."""
        w = window_of(node.attributes, source)
        pairs = ", ".join(f"{{{pair[0]}, {pair[1]}}}" for pair in (w.kernel, w.stride, w.padding[:2], w.dilation))
        return f"const xk_window window = {{{pairs}, {w.groups}}};"

    def arrays(self, node: Node, *roles: str) -> list[str]:
        """Return the names of a node's float tensors."""
        return [self.constants.add(floats_of(node.tensors[role])) for role in roles]

    def epilogue(self, node: Node) -> str:
        """Return the declaration of the epilogue, which says how to use an integer."""
        if node.attributes["epilogue"] == "float":
            bias = self.arrays(node, "bias")[0] if operation_of(node).binary else "0"
            return f"const xk_epilogue epilogue = {{{self.arrays(node, 'scale')[0]}, {bias}, 0, 0, 0}};"
        threshold, flip = node.tensors["threshold"], node.tensors["flip"]
        stride = threshold.shape[2] if threshold.ndim == 3 else 0
        names = f"{self.constants.add(threshold)}, {self.constants.add(flip)}"
        return f"const xk_epilogue epilogue = {{0, 0, {names}, {stride}}};"


def _shape(spec: ValueSpec) -> str:
    return f"{{{spec.height}, {spec.width}, {spec.channels}}}"


def _bound(node: Node, key: str, absent: float) -> str:
    value = node.attributes[key]
    value = absent if value is None else value
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return f"{float(np.float32(value)).hex()}f"


Lines = list[str]
Values = list[str]
Specs = list[ValueSpec]


def _call(c: Calls, stage: Stage, node: Node, source: ValueSpec, call: str) -> Lines:
    """Return the declarations of sink, shape and window, and then a call."""
    return [*c.sink(stage), f"const xk_shape shape = {_shape(source)};", c.window(node, source), call]


def _float(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    weight, bias = c.arrays(node, "weight", "bias")
    call = f"xk_float_conv2d({values[0]}, shape, &window, {weight}, {bias}, &sink);"
    return _call(c, stage, node, sources[0], call)


def _binary_weight(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    scale, bias = c.arrays(node, "scale", "bias")
    weight = c.constants.add(node.tensors["weight"])
    call = f"xk_binary_weight_conv2d({values[0]}, shape, &window, {weight}, {scale}, {bias}, &sink);"
    return _call(c, stage, node, sources[0], call)


def _binary(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    weight = c.constants.add(filter_words(node.tensors["weight"], filter_shape(node.attributes, sources[0])))
    call = f"xk_binary_conv2d({values[0]}, shape, &window, {weight}, &epilogue, &sink);"
    return [c.epilogue(node), *_call(c, stage, node, sources[0], call)]


def _int8(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    weight, zero_point, bias = (c.constants.add(node.tensors[role]) for role in ("weight", "zero_point", "bias"))
    call = f"xk_int8_conv2d({values[0]}, shape, &window, {weight}, {zero_point}, {bias}, &epilogue, &sink);"
    return [c.epilogue(node), *_call(c, stage, node, sources[0], call)]


def _quantize(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    scale = f"{float(np.float32(node.attributes['scale'])).hex()}f"
    return [
        f"const xk_shape shape = {_shape(sources[0])};",
        f"xk_quantize_u8({values[0]}, shape, {scale}, {node.attributes['zero_point']}, {c.where(node.name)});",
    ]


def _pointwise(c: Calls, stage: Stage, node: Node, values: Values, _: Specs) -> Lines:
    own = [] if node.op == "pack" else [node]
    return [*c.sink(stage, own), f"xk_pointwise({values[0]}, &sink);"]


def _pack(c: Calls, _: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    threshold, flip = node.tensors["threshold"], node.tensors["flip"]
    per_pixel = sources[0].channels if threshold.ndim == 3 else 0
    names = [c.where(node.name), c.constants.add(threshold), c.constants.add(flip), str(per_pixel)]
    return [
        f"const xk_sink sink = {{{_shape(sources[0])}, 0, 0, {c.row}, 0, {', '.join(names)}}};",
        f"xk_pointwise({values[0]}, &sink);",
    ]


def _max_pool_bits(c: Calls, _: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    falling = c.constants.add(node.tensors["falling"])
    output = f"(xk_shape){_shape(c.specs[node.name])}"
    return [
        f"const xk_shape shape = {_shape(sources[0])};",
        c.window(node, sources[0]),
        f"xk_max_pool_bits({values[0]}, shape, &window, {falling}, {output}, {c.where(node.name)});",
    ]


def _max_pool(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    return _call(c, stage, node, sources[0], f"xk_max_pool({values[0]}, shape, &window, &sink);")


def _avg_pool(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    _, _, bottom, right = node.attributes.get("padding", (0, 0, 0, 0))
    include = int(node.attributes.get("count_include_pad", False))
    call = f"xk_avg_pool({values[0]}, shape, &window, after, {include}, &sink);"
    return [f"const int32_t after[2] = {{{bottom}, {right}}};", *_call(c, stage, node, sources[0], call)]


def _k_map(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    return _call(c, stage, node, sources[0], f"xk_k_map({values[0]}, shape, &window, &sink);")


def _activation(c: Calls, stage: Stage, node: Node, values: Values, _: Specs) -> Lines:
    function = node.attributes["function"]
    if function == "softmax":
        return [*c.sink(stage), f"xk_softmax({values[0]}, &sink);"]
    # Declared here: the library's header need not know every function.
    return [*c.sink(stage), f"float xk_{function}(float x);", f"xk_activation({values[0]}, xk_{function}, &sink);"]


def _pad(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    top, left = node.attributes["padding"][:2]
    return [
        *c.sink(stage),
        f"const xk_shape shape = {_shape(sources[0])};",
        f"const int32_t before[3] = {{{top}, {left}, {node.attributes['channels'][0]}}};",
        f"xk_pad({values[0]}, shape, before, &sink);",
    ]


def _pad_bits(c: Calls, _: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    top, left = node.attributes["padding"][:2]
    output = f"(xk_shape){_shape(c.specs[node.name])}"
    return [
        f"const int32_t before[2] = {{{top}, {left}}};",
        f"xk_pad_bits({values[0]}, (xk_shape){_shape(sources[0])}, before, {output}, {c.where(node.name)});",
    ]


def _concat(c: Calls, _: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    spec = c.specs[node.name]
    lines, first = [f"const xk_shape output = {_shape(spec)};"], 0
    for value, source in zip(values, sources, strict=True):
        call = f"xk_concat_{spec.kind}({value}, (xk_shape){_shape(source)}, {first}, output, {c.where(node.name)});"
        lines.append(call)
        first += source.channels
    return lines


def _gather(c: Calls, stage: Stage, node: Node, values: Values, sources: Specs) -> Lines:
    index = c.constants.add(node.tensors["index"])
    shape = f"(xk_shape){_shape(sources[0])}"
    if sources[0].kind == "f32":
        return [*c.sink(stage), f"xk_gather_f32({values[0]}, {shape}, {index}, &sink);"]
    output = f"(xk_shape){_shape(c.specs[node.name])}"
    return [f"xk_gather_bits({values[0]}, {shape}, {index}, {output}, {c.where(node.name)});"]


_WRITERS: Mapping[str, Callable[[Calls, Stage, Node, Values, Specs], Lines]] = {
    "float": _float,
    "binary_weight": _binary_weight,
    "int8": _int8,
    "binary": _binary,
    "pack": _pack,
    "quantize_u8": _quantize,
    "max_pool_bits": _max_pool_bits,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _avg_pool,
    "add": _pointwise,
    "multiply": _pointwise,
    "affine": _pointwise,
    "clip": _pointwise,
    "prelu": _pointwise,
    "concat": _concat,
    "activation": _activation,
    "pad": _pad,
    "pad_bits": _pad_bits,
    "gather_channels": _gather,
    "k_map": _k_map,
}
