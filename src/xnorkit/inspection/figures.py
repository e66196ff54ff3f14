"""The figures of a model: one record per layer, totals, JSON and a table."""

import io
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["LayerFigures", "ModelSummary", "TotalFigures"]

WIDTH = 200  # of the table as text: nothing is wrapped
NOTES_WIDTH = 80
NODE_BYTES = 360
"""A node takes 270 to 360 bytes in the JSON graph of a file; nodes without numbers do not count as layers here."""


@dataclass(frozen=True)
class LayerFigures:
    """One module with parameters or buffers of its own; a convolution or linear layer includes the modules inside it.

    Attributes:
        name: dotted path, the first one of a shared module; "" for the model itself.
        kind: class name.
        binary: True if the layer sums products of bits, whatever it does with the sums in float.
        reason: why the layer is not binary, "" if it is.
        bits: bits per weight, 1, 8 or 32. Binary weights on float activations are 1-bit in a layer that is not binary.
        input_shape, output_shape: of the first call, without the batch; None if never called, or without a tensor.
        calls: how often forward calls it.
        params: parameters, the sum of params_1bit, params_8bit (weights) and params_32bit (all others). A parameter
            that another layer has already counted is left out.
        macs_1bit, macs_8bit, macs_32bit: multiply-adds for one input, by the wider of the two factors, summed over the
            calls; taps in the padding are left out.
        float_bytes: bytes of parameters and floating buffers in memory.
        bytes: the same once packed: 1 bit per binary weight, each filter padded to a byte, and 8 bits per 8-bit weight,
            both with a 4-byte scale (or threshold) per filter; the rest is unchanged.
        warning: why a binary layer cannot learn, "" if it can.
        simulated: why a binary layer trains in float32, "" if it can train on bits (docs/training-speed.md).
    """

    name: str
    kind: str
    binary: bool
    reason: str
    bits: int
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None
    calls: int
    params: int
    params_1bit: int
    params_8bit: int
    params_32bit: int
    macs_1bit: int
    macs_8bit: int
    macs_32bit: int
    float_bytes: int
    bytes: int
    warning: str = ""
    simulated: str = ""


@dataclass(frozen=True)
class TotalFigures:
    """Sums over the layers; packed_bytes is the size of the exported file if it is known, else an estimate.

    The estimate is the sum of `bytes` and of each layer's entry in the file's graph (`NODE_BYTES`), which is a fifth of
    the file or more where layers are small. It tends to be above the actual size, because the exporter also replaces
    the batch norm before a sign with thresholds. `xnorkit inspect` packs the model if it can, and prints the size of
    the file itself.
    """

    params: int
    params_1bit: int
    params_8bit: int
    params_32bit: int
    macs_1bit: int
    macs_8bit: int
    macs_32bit: int
    float_bytes: int
    packed_bytes: int


@dataclass(frozen=True)
class ModelSummary:
    """Figures of a model; `print(summary)` shows the table.

    macs_functions: multiply-adds outside all layers, in float32: attention, products and convolutions called as
    functions, with the taps in their padding. file_bytes: size of the exported file, None if not known; not_packable:
    why the exporter refuses the model.
    """

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[LayerFigures, ...]
    file_bytes: int | None = None
    not_packable: str = ""
    macs_functions: int = 0

    @property
    def total(self) -> TotalFigures:
        """Sums over the layers."""
        fields = [field for field in TotalFigures.__dataclass_fields__ if field != "packed_bytes"]
        sums = {field: sum(getattr(layer, field) for layer in self.layers) for field in fields}
        sums["macs_32bit"] += self.macs_functions
        estimate = sum(layer.bytes + NODE_BYTES for layer in self.layers)
        return TotalFigures(**sums, packed_bytes=estimate if self.file_bytes is None else self.file_bytes)

    @property
    def packed_note(self) -> str:
        """Whether `total.packed_bytes` is the file's size or an estimate, and why."""
        if self.file_bytes is not None:
            return "size of the exported file, header included"
        refused = f"; the model cannot be packed yet: {self.not_packable}" if self.not_packable else ""
        return f"an estimate, the sum over the layers and {NODE_BYTES} bytes of graph for each{refused}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "layers": [_plain(asdict(layer)) for layer in self.layers],
            "macs_functions": self.macs_functions,
            "total": asdict(self.total),
            "packed_bytes_is": self.packed_note,
        }

    def table(self) -> Any:
        """Return a `rich.table.Table`: one row per layer, totals below; `notes` says what does not fit on a line."""
        from rich import box  # noqa: PLC0415 - only the table needs it
        from rich.table import Table  # noqa: PLC0415

        total = self.total
        table = Table(
            title=f"{self.name}: input {_shape(self.input_shape)}",
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE,
            padding=0,
            show_edge=False,
            show_footer=True,
        )
        table.add_column("layer", footer="total", overflow="fold")
        table.add_column("output", no_wrap=True)
        table.add_column("bits", justify="right", no_wrap=True)
        work = total.macs_1bit + total.macs_8bit + total.macs_32bit
        for title, number in (("params", total.params), ("MACs", work), ("packed", total.packed_bytes)):
            table.add_column(title, footer=f"{number:,}", justify="right", no_wrap=True)
        for layer in self.layers:
            called = f" ({layer.calls} calls)" if layer.calls > 1 else ""
            numbers = (layer.params, layer.macs_1bit + layer.macs_8bit + layer.macs_32bit, layer.bytes)
            cells = [f"{number:,}" for number in numbers]
            table.add_row((layer.name or "(model)") + called, _shape(layer.output_shape), str(layer.bits), *cells)
        if self.macs_functions:
            table.add_row("(functions)", "-", "32", "0", f"{self.macs_functions:,}", "0")
        return table

    def to_markdown(self) -> str:
        """Return the same table in Markdown, with the notes as a block of text below."""
        total = self.total
        lines = ["| layer | output | bits | params | MACs | packed |", "|---|---|---:|---:|---:|---:|"]
        for layer in self.layers:
            work = layer.macs_1bit + layer.macs_8bit + layer.macs_32bit
            numbers = f"{layer.bits} | {layer.params:,} | {work:,} | {layer.bytes:,}"
            lines.append(f"| {layer.name or '(model)'} | {_shape(layer.output_shape)} | {numbers} |")
        if self.macs_functions:
            lines.append(f"| (functions) | - | 32 | 0 | {self.macs_functions:,} | 0 |")
        work = total.macs_1bit + total.macs_8bit + total.macs_32bit
        lines.append(f"| **total** | | | {total.params:,} | {work:,} | {total.packed_bytes:,} |")
        return "\n".join([*lines, "", "```", self.notes(), "```", ""])

    def notes(self) -> str:
        """Return the lines below the table, of 80 columns: sizes, why layers are not binary, and which cannot learn."""
        total = self.total
        ratio = f", {total.float_bytes / total.packed_bytes:.1f} times as much" if total.packed_bytes else ""
        macs = {1: total.macs_1bit, 8: total.macs_8bit, 32: total.macs_32bit}
        lines = [
            f"MACs      {', '.join(f'{number:,} {bits}-bit' for bits, number in macs.items() if number) or 'none'}",
            f"packed    {total.packed_bytes:,} bytes ({self.packed_note})",
            f"as float  {total.float_bytes:,} bytes{ratio}",
        ]
        groups = (("reason", "not binary:"), ("simulated", "trains in float32:"), ("warning", "warnings:"))
        lines += [line for field, title in groups for line in self._grouped(field, title)]
        return "\n".join(_wrapped(line) for line in lines)

    def _grouped(self, field: str, title: str) -> list[str]:
        """Return a title and a line for each text of `field`, with the layers that have it."""
        texts: dict[str, list[str]] = {}
        for layer in self.layers:
            if getattr(layer, field):
                texts.setdefault(getattr(layer, field), []).append(layer.name or "(model)")
        return [title, *(f"  {_named(names)}: {text}" for text, names in texts.items())] if texts else []

    def __rich__(self) -> Any:
        from rich.console import Group  # noqa: PLC0415

        return Group(self.table(), self.notes())

    def __str__(self) -> str:
        from rich.console import Console  # noqa: PLC0415

        text = io.StringIO()
        Console(file=text, width=WIDTH).print(self.table())
        table = "\n".join(line.rstrip() for line in text.getvalue().splitlines()).rstrip("\n")
        return f"{table}\n{self.notes()}"


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}


def _wrapped(line: str) -> str:
    """Return a line as several of whole words; those after the first stand two columns farther right."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, NOTES_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "-" if shape is None else " x ".join(map(str, shape))


def _named(names: list[str]) -> str:
    """Return 'a, b, c and 17 more'."""
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
