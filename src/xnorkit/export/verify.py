"""The proof that a packed program is the trained model: layer by layer on its own bits, then end to end."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from xnorkit.errors import ExportError, InputError
from xnorkit.format import Node, ValueSpec, infer_shapes
from xnorkit.nn import BinaryConv2d, BinaryLinear
from xnorkit.runtime import Model, pack_bits, unpack_bits
from xnorkit.runtime.images import as_images

__all__ = ["LayerProof", "Proof", "verify"]

BINARY = (BinaryConv2d, BinaryLinear)
INPUT = "input"
MAX_LOCATED_FLIPS = 20


@dataclass
class LayerProof:
    """How often one layer, fed with the trained model's own input, gave the trained model's numbers.

    integers are the dots of a binary layer; outputs are what reaches the next layer: bits behind thresholds and pools,
    or floats behind scale, bias and ReLU, compared bit for bit.
    """

    name: str
    integers: int = 0
    integers_equal: int = 0
    outputs: int = 0
    outputs_equal: int = 0

    @property
    def equal(self) -> bool:
        """True if every integer and every output was equal."""
        return self.integers == self.integers_equal and self.outputs == self.outputs_equal


@dataclass
class Proof:
    """Layer-by-layer equality and end-to-end differences over `images` images."""

    images: int = 0
    layers: list[LayerProof] = field(default_factory=list)
    end_to_end_bits: int = 0
    flips: dict[str, int] = field(default_factory=dict)  # per binary layer: input bits that differ end to end
    flip_locations: list[dict[str, Any]] = field(
        default_factory=list
    )  # the first few: layer, image, row, column, channel
    predictions_equal: int = 0
    max_logit_difference: float = 0.0

    @property
    def binary_outputs_equal(self) -> bool:
        """True if every layer, fed with the trained model's bits, gave equal numbers; False without images."""
        return self.images > 0 and all(layer.equal for layer in self.layers)

    @property
    def total_flips(self) -> int:
        """Sign flips of all layers' input bits, end to end."""
        return sum(self.flips.values())

    def __str__(self) -> str:
        lines = [
            f"{self.images:,} images, layer by layer: {'equal' if self.binary_outputs_equal else 'NOT proved equal'}"
        ]
        lines += [
            f"  {layer.name}: {layer.integers_equal:,} of {layer.integers:,} integers and "
            f"{layer.outputs_equal:,} of {layer.outputs:,} outputs equal"
            for layer in self.layers
        ]
        lines.append(
            f"end to end: {self.total_flips:,} of {self.end_to_end_bits:,} signs flipped, {self.predictions_equal:,} "
            f"of {self.images:,} predictions equal, largest logit difference {self.max_logit_difference:.2g}"
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the fields and totals as JSON values."""
        return {
            **asdict(self),
            "binary_outputs_equal": self.binary_outputs_equal,
            "total_flips": self.total_flips,
        }


def verify(
    model: nn.Module, packed: Model, images: NDArray[np.float32] | Tensor, batch_size: int = 256, *, strict: bool = True
) -> Proof:
    """Return the comparison of a trained model with its packed program on real images.

    (a) Layer by layer: every binary layer of `packed` is fed with the signs that the trained model itself feeds to it;
    its integers must equal `conv(sign(x), sign(W))` and its output the trained model's next input, bit for bit. The
    thresholds behind a float layer are fed with the trained model's floats. (b) End to end: bits that differ (a float
    sum taken in another order may flip a sign that sat on zero) are counted and located, predictions and logits
    compared.

    Args:
        model: the trained module; evaluated in eval mode, its mode is restored.
        packed: the loaded program made from it.
        images: (N, C, H, W) float32, normalised as for training, at least one; NumPy array or torch tensor.
        batch_size: images per step; bounds the memory.
        strict: raise at the first layer that differs, else return the counts.

    Raises:
        ExportError: `strict` and part (a) does not hold; names the first differing layer.
        InputError: no images, or of another type, dtype or shape.
    """
    images = as_images(images, packed.graph.input)
    if images.dtype != np.float32:
        raise InputError(f"images have dtype {images.dtype}; required: float32, normalised as for training.")
    recorder = _Recorder(model)
    shapes = infer_shapes(packed.graph)
    proof = Proof(layers=[LayerProof(node.name) for node in packed.graph.nodes if _is_proved(node)])
    training = model.training
    model.eval()
    try:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            with torch.no_grad(), recorder:
                logits = model(torch.from_numpy(batch)).numpy()
            trained = _Trained(packed, shapes, recorder, batch, logits)
            for layer in proof.layers:
                trained.prove(layer)
                if strict and not layer.equal:
                    raise ExportError(
                        f"layer '{layer.name}' differs from the trained model on images {start} to "
                        f"{start + len(batch) - 1}: {layer.integers - layer.integers_equal} of {layer.integers} "
                        f"integers, {layer.outputs - layer.outputs_equal} of {layer.outputs} outputs. Required: none. "
                        "Do not use the file; please report this model."
                    )
            _compare_end_to_end(proof, trained, packed, batch, start)
    finally:
        model.train(training)
    return proof


class _Recorder:
    """Forward hooks that keep the inputs and outputs of all layers with weights, in the order of their calls."""

    def __init__(self, model: nn.Module) -> None:
        layers = (*BINARY, nn.Conv2d, nn.Linear)
        self.modules: dict[str, nn.Module] = {n: m for n, m in model.named_modules() if isinstance(m, layers)}
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        calls: Counter[str] = Counter()
        self.inputs.clear()
        self.outputs.clear()
        for name, module in self.modules.items():

            def keep(_: nn.Module, args: tuple[Tensor, ...], output: Tensor, name: str = name) -> None:
                calls[name] += 1
                key = name if calls[name] == 1 else f"{name}.{calls[name]}"
                self.inputs[key], self.outputs[key] = args[0].clone(), output.clone()

            self._handles.append(module.register_forward_hook(keep))

    def __exit__(self, *_: object) -> None:
        while self._handles:
            self._handles.pop().remove()


class _Trained:
    """What the trained model computed on one batch, in the layouts of the packed program."""

    def __init__(
        self,
        packed: Model,
        shapes: dict[str, ValueSpec],
        recorder: _Recorder,
        images: NDArray[np.float32],
        logits: NDArray[np.float32],
    ) -> None:
        self.images = images
        self.packed = packed
        self.shapes = shapes
        self.recorder = recorder
        self.logits = logits
        self.nodes = {node.name: node for node in packed.graph.nodes}
        self.next = {node.source: node for node in packed.graph.nodes}

    def value(self, node: Node) -> NDArray[Any]:
        """Return the trained model's input of a layer as (N, H, W, C) float32."""
        return self._image(node, self.recorder.inputs[node.name])

    def _image(self, node: Node, value: Tensor) -> NDArray[Any]:
        spec = self.shapes[node.source]
        image = value.reshape(-1, spec.channels, spec.height, spec.width)
        return image.permute(0, 2, 3, 1).contiguous().numpy()

    def bits(self, node: Node) -> NDArray[np.uint32]:
        """Return the trained model's signs at a binary layer's input as packed words."""
        return pack_bits(self._image(node, self.signs(node)))

    def signs(self, node: Node) -> Tensor:
        """Return what the layer's own activation binarizer makes of its input: +1 and -1, of the input's shape."""
        layer: Any = self.layer(node)
        with torch.no_grad():
            return layer.activation_pre_process(self.recorder.inputs[node.name])

    def layer(self, node: Node) -> nn.Module:
        """Return the module of a node; a second call of a module is named 'module.2'."""
        modules = self.recorder.modules
        return modules[node.name if node.name in modules else node.name.rpartition(".")[0]]

    def prove(self, layer: LayerProof) -> None:
        """Add this batch's counts to `layer`."""
        node = self.nodes[layer.name]
        if node.op == "pack":
            output = self._threshold(node)
        else:
            result = self.packed.run_layer(node.name, self.bits(node))
            expected = self._dots(node)
            layer.integers += expected.size
            layer.integers_equal += int((result.dots == expected).sum())
            output = result.output
        consumer = self.next.get(node.name)
        while consumer is not None and consumer.op == "max_pool_bits":
            output = self.packed.run_layer(consumer.name, output).output
            consumer = self.next.get(consumer.name)
        if consumer is not None and consumer.op == "clip":
            output = np.maximum(output, np.float32(0))
            consumer = self.next.get(consumer.name)
        if output.dtype == np.float32:
            wanted = self.logits.reshape(output.shape) if consumer is None else self.value(consumer)
            layer.outputs += wanted.size
            layer.outputs_equal += int((output.view(np.uint32) == wanted.view(np.uint32)).sum())
        else:
            assert consumer is not None
            channels = self.shapes[consumer.source].channels
            wanted_bits = self.bits(consumer)
            differ = unpack_bits(output ^ wanted_bits, channels) < 0
            layer.outputs += differ.size
            layer.outputs_equal += int((~differ).sum())

    def _dots(self, node: Node) -> NDArray[np.int32]:
        """Return conv(sign(x), sign(W)) as (N, OH, OW, O), in PyTorch: exact in float32 below 2^24."""
        module = self.layer(node)
        x = self.signs(node)
        if isinstance(module, BinaryLinear):
            dots = F.linear(x, module.binary_weight())[:, :, None, None]
        else:
            assert isinstance(module, BinaryConv2d)
            padded = F.pad(x, module._reversed_padding_repeated_twice)
            dots = F.conv2d(padded, module.binary_weight(), None, module.stride, 0, module.dilation, module.groups)
        return dots.permute(0, 2, 3, 1).to(torch.int32).contiguous().numpy()

    def _threshold(self, node: Node) -> NDArray[np.uint32]:
        """Return the bits that a pack node's thresholds make of the trained model's floats."""
        spec = self.shapes[node.source]
        source = self.images if node.source == INPUT else self.recorder.outputs[node.source].numpy()
        value = source.reshape(-1, spec.channels, spec.height, spec.width).transpose(0, 2, 3, 1)
        minus = (value < node.tensors["threshold"]) ^ (node.tensors["flip"] != 0)
        return pack_bits(np.where(minus, -1, 1).astype(np.int8))


def _is_proved(node: Node) -> bool:
    return node.op in ("pack", "binary_conv2d", "binary_linear")


def _compare_end_to_end(proof: Proof, trained: _Trained, packed: Model, batch: NDArray[np.float32], start: int) -> None:
    values = packed.trace(batch)
    for node in packed.graph.nodes:
        if node.op not in ("binary_conv2d", "binary_linear"):
            continue
        channels = trained.shapes[node.source].channels
        differ = unpack_bits(values[node.source] ^ trained.bits(node), channels) < 0
        proof.end_to_end_bits += differ.size
        proof.flips[node.name] = proof.flips.get(node.name, 0) + int(differ.sum())
        for where in _located(differ, MAX_LOCATED_FLIPS - len(proof.flip_locations)):
            image, row, column, channel = where
            proof.flip_locations.append(
                {"layer": node.name, "image": start + image, "row": row, "column": column, "channel": channel}
            )
    logits = values[packed.graph.output].reshape(trained.logits.shape)
    proof.images += len(batch)
    proof.predictions_equal += int((logits.argmax(1) == trained.logits.argmax(1)).sum())
    proof.max_logit_difference = max(proof.max_logit_difference, float(np.abs(logits - trained.logits).max()))


def _located(differ: NDArray[np.bool_], most: int) -> Iterator[tuple[int, ...]]:
    for where in np.argwhere(differ)[: max(most, 0)]:
        yield tuple(int(i) for i in where)
