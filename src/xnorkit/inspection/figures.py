"""The figures of a model: one record per layer, totals, JSON and a table."""

import io
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["LayerFigures", "ModelSummary", "TotalFigures"]

WIDTH = 200  # of the table as text: nothing is wrapped


@dataclass(frozen=True)
class LayerFigures:
    """One module with parameters or buffers of its own; a convolution or linear layer includes the modules inside it.

    Attributes:
        name: dotted path, the first one of a shared module; "" for the model itself.
        kind: class name.
        binary: True if the layer is exactly an integer dot product of bits; reason: why not, "" if it is.
        bits: per weight, 1, 8 or 32.
        input_shape, output_shape: of the first call, without the batch; None if never called, or no tensor.
        calls: how often forward called it.
        params: parameters, the sum of params_1bit, params_8bit (weights) and params_32bit (all others). One that
            another layer has counted already is left out.
        macs_1bit, macs_8bit, macs_32bit: multiply-adds for one input, summed over the calls; taps in the padding are
            left out.
        float_bytes: parameters and floating buffers as they are in memory.
        bytes: the same once packed: 1 bit per binary weight, each filter padded to a byte, and 8 bits per 8-bit weight,
            each with a 4-byte scale (or threshold) per filter; the rest as it is.
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


@dataclass(frozen=True)
class TotalFigures:
    """Sums over the layers; packed_bytes is the sum of `bytes`.

    An estimate of the file from above: the exporter also replaces the batch norm in front of a sign by thresholds.
    `xnorkit inspect MODEL.xnor` tells the size of the file itself.
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
    """Figures of a model; `print(summary)` shows the table."""

    name: str
    input_shape: tuple[int, ...]
    layers: tuple[LayerFigures, ...]

    @property
    def total(self) -> TotalFigures:
        """Sums over the layers."""
        fields = [field for field in TotalFigures.__dataclass_fields__ if field != "packed_bytes"]
        sums = {field: sum(getattr(layer, field) for layer in self.layers) for field in fields}
        return TotalFigures(**sums, packed_bytes=sum(layer.bytes for layer in self.layers))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "layers": [_plain(asdict(layer)) for layer in self.layers],
            "total": asdict(self.total),
        }

    def table(self) -> Any:
        """Return a `rich.table.Table`: one row per layer, totals below."""
        from rich import box  # noqa: PLC0415 - only the table needs it
        from rich.table import Table  # noqa: PLC0415

        total = self.total
        ratio = f"{total.float_bytes / total.packed_bytes:.1f} times smaller" if total.packed_bytes else ""
        table = Table(
            title=f"{self.name}: input {_shape(self.input_shape)}",
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE,
            show_footer=True,
        )
        numbers = [
            ("params", "params"),
            ("1-bit MACs", "macs_1bit"),
            ("8-bit MACs", "macs_8bit"),
            ("32-bit MACs", "macs_32bit"),
            ("bytes", "float_bytes"),
            ("packed", "bytes"),
        ]
        table.add_column("layer", footer="total", overflow="fold")
        for title in ("kind", "input", "output"):
            table.add_column(title)
        table.add_column("bits", justify="right")
        for title, field in numbers:
            total_field = "packed_bytes" if field == "bytes" else field
            table.add_column(title, footer=f"{getattr(total, total_field):,}", justify="right")
        table.add_column("why not binary", footer=ratio, overflow="fold")
        for layer in self.layers:
            called = f" ({layer.calls} calls)" if layer.calls > 1 else ""
            shapes = (_shape(layer.input_shape), _shape(layer.output_shape))
            cells = [f"{getattr(layer, field):,}" for _, field in numbers]
            table.add_row(
                (layer.name or "(model)") + called, layer.kind, *shapes, str(layer.bits), *cells, layer.reason
            )
        return table

    def __rich__(self) -> Any:
        return self.table()

    def __str__(self) -> str:
        from rich.console import Console  # noqa: PLC0415

        text = io.StringIO()
        Console(file=text, width=WIDTH).print(self.table())
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines()).rstrip("\n")


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}


def _shape(shape: tuple[int, ...] | None) -> str:
    return "-" if shape is None else " x ".join(map(str, shape))
