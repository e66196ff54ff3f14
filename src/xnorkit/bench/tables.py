"""Rows of a benchmark as tables for people: ratios first, times beside them."""

from collections.abc import Sequence
from itertools import groupby

from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.model import OWN, ModelResult

__all__ = ["Table", "kernel_table", "model_tables"]

Table = tuple[str, list[str], list[list[object]]]
BITS_PEER = "openvino_binary_node"


def kernel_table(rows: Sequence[KernelResult]) -> Table:
    """Return title, columns and cells; a peer's cell is its time and, in brackets, how many times ours that is.

    OpenVINO's binary node is compared with bits to bits, everything else with float32 to float32.
    """
    peers = list(dict.fromkeys(name for row in rows for name in row.peers_us))
    title = (
        f"Layers, {rows[0].isa}, batch 1, medians in us; (times longer than xnorkit: {BITS_PEER} than bits to bits, "
        "others than float to float)"
    )
    columns = ["op", "shape", "threads", "us", "min", "GMAC/s", "of peak", "float in/out us", *peers]
    cells: list[list[object]] = []
    for row in rows:
        own_float = row.us if row.float_us is None else row.float_us
        ours = {name: row.us if name == BITS_PEER else own_float for name in peers}
        cells.append(
            [
                *(row.op, row.shape, row.threads, f"{row.us:.1f}", f"{row.min_us:.1f}", f"{row.gmacs:.0f}"),
                f"{row.fraction_of_peak:.0%}",
                "-" if row.float_us is None else f"{row.float_us:.0f}",
                *(_with_ratio(row.peers_us.get(name), ours[name]) for name in peers),
            ]
        )
    return title, columns, cells


def model_tables(rows: Sequence[ModelResult]) -> list[Table]:
    """Return one table per run, that is per number of threads and batch."""
    tables: list[Table] = []
    for (threads, batch), run in groupby(rows, key=lambda row: (row.threads, row.batch)):
        group = list(run)
        own = next(row for row in group if row.engine == OWN)
        columns = ["engine", "times xnorkit", "median us", "min us", "ideal us", "bytes", "cores", "relative error"]
        tables.append(
            (
                f"{own.model}, threads {threads}, batch {batch}, random images; times xnorkit: ratio of the medians "
                "(of the minima)",
                columns,
                [_model_cells(row, own) for row in group],
            )
        )
    return tables


def _model_cells(row: ModelResult, own: ModelResult) -> list[object]:
    return [
        row.engine,
        f"{row.median_us / own.median_us:.2f} ({row.min_us / own.min_us:.2f})",
        f"{row.median_us:,.1f}",
        f"{row.min_us:,.1f}",
        "-" if row.ideal_us is None else f"{row.ideal_us:,.1f}",
        row.file_bytes,
        f"{row.cores:.2f}",
        "-" if row.relative_error is None else f"{row.relative_error:.1g}",
    ]


def _with_ratio(us: float | None, own: float) -> str:
    return "-" if us is None else f"{us:.0f} ({us / own:.1f}x)"
