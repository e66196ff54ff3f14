"""Rows of a benchmark as readable tables, with ratios first and times beside them."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from xnorkit.bench.engines import HOLD
from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.model import OWN, ModelResult
from xnorkit.bench.peaks import PeakResult

if TYPE_CHECKING:
    from xnorkit.bench.products import ProductResult
    from xnorkit.bench.training import TrainingResult

__all__ = [
    "Table",
    "kernel_table",
    "model_tables",
    "peak_table",
    "product_tables",
    "step_tables",
    "training_tables",
]

Table = tuple[str, list[str], list[list[object]], list[str]]
"""A title, columns, cells, and the notes that marks such as [1] in the cells refer to."""
BITS_PEER, NHWC_PEER = "openvino_binary_node", "openvino_binary_model_nhwc"
SHORT = {
    "binary_conv2d": "conv",
    "binary_linear": "linear",
    "float_conv2d": "float conv",
    "float_linear": "float linear",
    BITS_PEER: "openvino bits",
    "openvino_binary_model": "openvino model",
    NHWC_PEER: "openvino model nhwc",
    "torch_f32": "torch f32",
    "onnxruntime_f32": "onnxrt f32",
    "onnxruntime_int8": "onnxrt int8",
    "openvino_f32": "openvino f32",
}


def kernel_table(rows: Sequence[KernelResult]) -> Table:
    """Return the table of layers; a peer's cell is its time and, in brackets, the ratio to ours.

    A peer that cannot be measured has a dash, a mark and a note with the reason; a dash alone stands where there is
    nothing of the kind to measure. Minima, since other programs can only lengthen a time. OpenVINO's binary node is
    compared with bits to bits, its model of channels last with ours, everything else with float32 from (N, C, H, W).
    """
    peers = list(dict.fromkeys(name for row in rows for name in row.peers_us))
    marks = _Marks()
    title = (
        f"Layers, {rows[0].isa}, batch 1, minima in us; in brackets how many times as long as xnorkit: bits with "
        "bits, nhwc with nhwc, others with float"
    )
    columns = ["layer", "shape", "thr", "us", "of peak", "float", "nhwc", *(SHORT.get(peer, peer) for peer in peers)]
    cells: list[list[object]] = []
    for row in rows:
        ours = dict.fromkeys(peers, row.min_us if row.float_min_us is None else row.float_min_us)
        ours |= {BITS_PEER: row.min_us, NHWC_PEER: row.float_nhwc_min_us or row.min_us}
        cells.append(
            [
                *(
                    SHORT[row.op],
                    row.shape,
                    row.threads,
                    f"{row.min_us:.1f}",
                    f"{row.fraction_of_peak * row.us / row.min_us:.0%}",
                ),
                *("-" if us is None else f"{us:.0f}" for us in (row.float_min_us, row.float_nhwc_min_us)),
                *(_with_ratio(row.peers_min_us.get(name), ours[name]) + _mark(row, name, marks) for name in peers),
            ]
        )
    return title, columns, cells, marks.notes


class _Marks:
    """Marks such as " [1]" for notes; equal notes share a mark."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def mark(self, text: str) -> str:
        """Return the mark of a note."""
        if text not in self._texts:
            self._texts.append(text)
        return f" [{self._texts.index(text) + 1}]"

    @property
    def notes(self) -> list[str]:
        """The notes, each after its mark."""
        return [f"[{number}] {text}" for number, text in enumerate(self._texts, 1)]


def _mark(row: KernelResult, peer: str, marks: _Marks) -> str:
    name = SHORT.get(peer, peer)
    if peer in row.peer_faults:
        return marks.mark(f"{name}: not measured: {row.peer_faults[peer]}")
    return marks.mark(f"{name}: {row.peer_remarks[peer]}") if peer in row.peer_remarks else ""


def peak_table(rows: Sequence[PeakResult]) -> Table:
    """Return the table of limits, with the ratio to the first row in brackets."""
    title = (
        f"Limits of this machine, {rows[0].isa}, all threads at once; in brackets how many times those of the first row"
    )
    columns = ["thr", "binary GMAC/s", "float32 GMAC/s", f"GB/s out of {rows[0].read_bytes / 1e6:.0f} MB"]
    cells: list[list[object]] = [
        [
            row.threads,
            f"{row.binary_gmacs:,.0f} ({row.binary_scaling:.2f}x)",
            f"{row.float_gmacs:,.1f} ({row.float_scaling:.2f}x)",
            f"{row.read_gbs:,.1f} ({row.read_scaling:.2f}x)",
        ]
        for row in rows
    ]
    return title, columns, cells, []


def model_tables(rows: Sequence[ModelResult]) -> list[Table]:
    """Return one table per number of threads and batch; a fault or remark is a note below the table."""
    tables: list[Table] = []
    for (threads, batch), run in groupby(rows, key=lambda row: (row.threads, row.batch)):
        group = list(run)
        own, marks = next(row for row in group if row.engine == OWN), _Marks()
        free = own.isa in HOLD and any(row.isa is None for row in group)
        columns = ["engine", "times xnorkit", "median us", "min us", "ideal us", "bytes", "cores", "relative error"]
        tables.append(
            (
                f"{own.model}, threads {threads}, batch {batch}, random images; times xnorkit: ratio of the medians "
                "(of the minima)" + ("; any: this engine cannot be held to an instruction set" if free else ""),
                columns,
                [_model_cells(row, own, marks) for row in group],
                marks.notes,
            )
        )
    return tables


def _model_cells(row: ModelResult, own: ModelResult, marks: _Marks) -> list[object]:
    free = "any" if own.isa in HOLD else None
    isa = row.isa or free
    note = f"not measured: {row.fault}" if row.fault else row.remark
    return [
        (row.engine if isa is None else f"{row.engine} ({isa})") + (marks.mark(note) if note else ""),
        "-" if row.fault else f"{_over(row.median_us, own.median_us)} ({_over(row.min_us, own.min_us)})",
        *("-" if us is None else f"{us:,.1f}" for us in (row.median_us, row.min_us, row.ideal_us)),
        "-" if row.file_bytes is None else row.file_bytes,
        "-" if row.cores is None else f"{row.cores:.2f}",
        "-" if row.relative_error is None else f"{row.relative_error:.1g}",
    ]


def _over(us: float | None, own: float | None) -> str:
    return "-" if us is None or own is None else f"{us / own:.2f}"


def step_tables(rows: Sequence[ModelResult]) -> list[Table]:
    """Return one table per row with steps, which breaks xnorkit's time down by step."""
    tables: list[Table] = []
    for row in rows:
        if row.steps is None:
            continue
        total = sum(step.us for step in row.steps)
        cells: list[list[object]] = [
            [
                ", ".join(step.layers) or "input",
                " + ".join(step.operations),
                "x".join(map(str, step.shape)),
                *(f"{step.us:.1f}", f"{step.us / total:.0%}", f"{step.ideal_us:.1f}"),
                f"{step.macs / step.us / 1e3:,.0f}" if step.macs else "-",
            ]
            for step in row.steps
        ]
        title = f"{row.model}, threads {row.threads}, batch {row.batch}: {len(cells)} steps, {total:,.1f} us, medians"
        tables.append((title, ["layers", "operations", "value", "us", "share", "ideal us", "GMAC/s"], cells, []))
    return tables


def _with_ratio(us: float | None, own: float) -> str:
    return "-" if us is None else f"{us:.0f} ({us / own:.1f}x)"


def training_tables(rows: "Sequence[TrainingResult]") -> list[Table]:
    """Return one table per number of threads; each fits 80 columns."""
    columns = ["path", "ms", "middle half", "/ float", "saved MiB", "peak MiB", "state MiB"]
    tables: list[Table] = []
    for threads, group in groupby(rows, key=lambda row: row.threads):
        run = list(group)
        first = run[0]
        isa = next((row.isa for row in run if row.isa), first.device)
        title = (
            f"Training step of {first.model} ({first.binarization}), {isa}, threads {threads}, batch {first.batch},\n"
            "medians; saved: what autograd keeps; state: weights, gradients, optimizer"
        )
        cells: list[list[object]] = [
            [
                row.path,
                f"{row.step_ms:,.1f}",
                f"{row.quartiles_ms[0]:,.1f} to {row.quartiles_ms[1]:,.1f}",
                _number(row.over_float, 2),
                *(f"{mib:,.1f}" for mib in (row.saved_mib, row.peak_mib, row.state_mib)),
            ]
            for row in run
        ]
        tables.append((title, columns, cells, []))
    return tables


def product_tables(rows: "Sequence[ProductResult]") -> list[Table]:
    """Return one table per number of threads; each fits 80 columns."""
    columns = ["shape", "product", "bits ms", "GMAC/s", "float ms", "GMAC/s", "float / bits"]
    tables: list[Table] = []
    for threads, group in groupby(rows, key=lambda row: row.threads):
        run = list(group)
        held = f"PyTorch held to {run[0].float_isa}" if run[0].float_isa else "PyTorch free to choose"
        cells: list[list[object]] = [
            [
                row.shape,
                row.product,
                f"{row.ms:,.2f}",
                _number(row.gmacs, 0),
                _number(row.float_ms, 2),
                _number(row.float_gmacs, 0),
                _number(row.float_over_bits, 2),
            ]
            for row in run
        ]
        title = f"Products, {run[0].isa}, {held}, threads {threads}, batch {run[0].batch}, medians"
        tables.append((title, columns, cells, []))
    return tables


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
