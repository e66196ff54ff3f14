"""Layer shapes as text: `3x3 256@14x14` is kernel, equal channels, image, with same padding unless 'valid'."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.format import ValueSpec
from xnorkit.format.geometry import Window, valid_taps

__all__ = ["OPS", "LayerShape", "named_shapes", "parse_shape", "select_shapes"]

OPS = {
    "conv": "binary_conv2d",
    "linear": "binary_linear",
    "float_conv": "float_conv2d",
    "float_linear": "float_linear",
}
"""A name of an option `op` -> the operation of the format that is measured."""

FORMS = "'KHxKW C@HxW' or 'KHxKW C_in->C_out@HxW', then ' s2' (stride), ' g4' (groups), ' p1' (padding) or ' valid'; \
or 'linear IN->OUT'; before them 'float ' for 32-bit layers"
CONV = re.compile(r"(float )?(\d+)x(\d+) (\d+)(?:->(\d+))?@(\d+)x(\d+)((?: (?:s\d+|g\d+|p\d+|same|valid))*)")
LINEAR = re.compile(r"(float )?linear (\d+)->(\d+)")


@dataclass(frozen=True)
class LayerShape:
    """One layer. text: without 'float'; op: of the format; padding is (top, left, bottom, right)."""

    text: str
    op: str
    kernel: tuple[int, int]
    in_channels: int
    out_channels: int
    image: tuple[int, int]
    padding: tuple[int, int, int, int]
    stride: int = 1
    groups: int = 1

    @property
    def binary(self) -> bool:
        """Whether weights and inputs are bits."""
        return self.op.startswith("binary")

    @property
    def out_image(self) -> tuple[int, int]:
        """(OH, OW)."""
        (height, width), (top, left, bottom, right) = self.image, self.padding
        rows, columns = height + top + bottom - self.kernel[0], width + left + right - self.kernel[1]
        return rows // self.stride + 1, columns // self.stride + 1

    @property
    def taps(self) -> int:
        """The number of values of one filter."""
        return self.kernel[0] * self.kernel[1] * self.in_channels // self.groups

    @property
    def macs(self) -> int:
        """The multiply-adds of one image, for valid taps only, because a padded tap is not computed."""
        window = Window(self.kernel, (self.stride, self.stride), self.padding)
        image = ValueSpec("bits", *self.image, self.in_channels)
        return valid_taps(window, image) * self.in_channels // self.groups * self.out_channels

    @property
    def bytes(self) -> int:
        """The bytes of inputs, weights and outputs, which must all move once: 1 bit per binary value, else 4 bytes."""
        values = self.image[0] * self.image[1] * self.in_channels
        values += self.out_image[0] * self.out_image[1] * self.out_channels
        values += self.taps * self.out_channels
        return values // 8 if self.binary else values * 4


def parse_shape(text: str) -> LayerShape:
    """Return the shape of a text such as `3x3 256@14x14`, `5x5 20->50@12x12 valid` or `linear 800->500`.

    Raises:
        InputError: `text` is not of that form, the kernel is larger than the image, or groups do not divide channels.
    """
    linear = LINEAR.fullmatch(text)
    if linear is not None:
        prefix = linear[1] or ""
        op = "float_linear" if prefix else "binary_linear"
        shape = LayerShape(text.removeprefix(prefix), op, (1, 1), int(linear[2]), int(linear[3]), (1, 1), (0, 0, 0, 0))
    else:
        shape = _conv(text)
    sizes = (*shape.kernel, shape.in_channels, shape.out_channels, *shape.image, shape.stride, shape.groups)
    if min(sizes) < 1 or min(shape.out_image) < 1 or shape.kernel[0] > shape.image[0] + sum(shape.padding[::2]):
        raise InputError(f"shape '{text}' has no output, but sizes must be at least 1 and the kernel fit the image.")
    if shape.in_channels % shape.groups or shape.out_channels % shape.groups:
        raise InputError(f"shape '{text}' has {shape.groups} groups, but they must divide both numbers of channels.")
    return shape


def _conv(text: str) -> LayerShape:
    match = CONV.fullmatch(text)
    if match is None:
        raise InputError(f"shape '{text}', but it must be {FORMS}.")
    kh, kw, c_in, c_out, height, width = (int(g) if g else 0 for g in match.groups()[1:7])
    words = match[8].split()
    options = {word[0]: int(word[1:]) for word in words if word not in ("same", "valid")}
    kinds = ["p" if word in ("same", "valid") else word[0] for word in words]
    if len(set(kinds)) != len(kinds) or options.get("s") == 0:
        raise InputError(f"shape '{text}' has an option twice or 0, but it must be {FORMS}.")
    padding = ((kh - 1) // 2, (kw - 1) // 2, kh // 2, kw // 2)
    if "valid" in words or "p" in options:
        padding = (options.get("p", 0),) * 4
    return LayerShape(
        text=text.removeprefix(match[1] or ""),
        op="float_conv2d" if match[1] else "binary_conv2d",
        kernel=(kh, kw),
        in_channels=c_in,
        out_channels=c_out or c_in,
        image=(height, width),
        padding=padding,
        stride=options.get("s", 1),
        groups=options.get("g", 1),
    )


def named_shapes() -> dict[str, list[LayerShape]]:
    """Return the shapes that ship with the package, by network."""
    text = files("xnorkit.bench").joinpath("shapes.json").read_text(encoding="utf-8")
    return _parsed(json.loads(text))


def select_shapes(texts: Sequence[str], ops: Sequence[str]) -> list[LayerShape]:
    """Return the shapes that `texts` name: shapes themselves, networks, or JSON files {network: [shape, ...]}.

    Args:
        texts: what the user gave.
        ops: keys of `OPS`; of networks and files only layers of these operations are taken.

    Raises:
        InputError: an op or a text is unknown, a file holds other JSON, or no shape is left.
    """
    for op in ops:
        if op not in OPS:
            raise InputError(f"op '{op}', but it must be any of {', '.join(OPS)}.")
    wanted = {OPS[op] for op in ops}
    known = named_shapes()
    shapes: list[LayerShape] = []
    for text in texts:
        if text in known:
            shapes += [shape for shape in known[text] if shape.op in wanted]
        elif text.endswith(".json"):
            shapes += [shape for layers in _read(Path(text)).values() for shape in layers if shape.op in wanted]
        elif re.match(r"(float )?(\d|linear)", text):
            shapes.append(parse_shape(text))
        else:
            raise InputError(f"shape '{text}', but it must be {FORMS}; a JSON file; or one of {', '.join(known)}.")
    if not shapes:
        given = f"shapes {' '.join(texts)} hold" if texts else "an empty list of shapes holds"
        raise InputError(f"{given} no {' or '.join(ops)}, but at least one shape is needed. Add one.")
    return shapes


def _read(path: Path) -> dict[str, list[LayerShape]]:
    expected = 'a JSON file such as {"network": ["3x3 256@14x14", ...]}'
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"shapes {path} must be {expected}, but reading it failed: {error}.") from error
    lists = content.values() if isinstance(content, dict) else [None]
    if not all(isinstance(items, list) and all(isinstance(item, str) for item in items) for items in lists):
        raise InputError(f"shapes {path} must be {expected}, but it holds something else.")
    return _parsed(content)


def _parsed(content: dict[str, list[str]]) -> dict[str, list[LayerShape]]:
    return {network: [parse_shape(text) for text in texts] for network, texts in content.items()}
