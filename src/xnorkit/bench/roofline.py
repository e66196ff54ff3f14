"""Plot kernels, and the steps of a network, against the limits of the machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.model import ModelResult
from xnorkit.bench.peaks import PeakMeter
from xnorkit.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["check_path", "draw_kernels", "draw_steps"]

ENDINGS = (".svg", ".png", ".pdf")
MEMORY_BYTES = 64_000_000
ROUNDS = 10
COLOURS = {"binary": "#0b6e4f", "float": "#b3541e", "int8": "#7a4fa3", "": "#9a9a9a"}
BAR_INCHES = 0.22
SAME_ARITHMETIC = {"binary": "openvino_binary_node", "float": "_f32"}
"""Peers that compute the same multiply-adds; only they belong under the same roof."""


def check_path(path: Path) -> None:
    """Check the suffix of the file before anything is measured; a wrong one is an InputError."""
    if path.suffix not in ENDINGS:
        raise InputError(f"roofline {path}, but the file must end in {', '.join(ENDINGS)}. Rename it.")


def draw_kernels(rows: Sequence[KernelResult], path: Path) -> None:
    """Draw one figure: multiply-adds per byte that must move across, 1e9 multiply-adds per second up, logarithmic.

    A roof is min(peak of the arithmetic, bandwidth of memory * intensity), both measured. Points are numbered and
    listed with their fraction of the peak; a hollow point is the fastest peer with the same arithmetic.

    Raises:
        InputError: matplotlib does not write the format of this suffix, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    check_path(path)
    meter = PeakMeter(rows[0].isa, rows[0].threads, MEMORY_BYTES)
    for _ in range(ROUNDS):
        meter()
    bandwidth = meter.limits().read_gbs
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.subplots()
    intensities = [_intensity(row) for row in rows]
    # From where memory binds to beyond the last point, so that both parts of every roof are seen.
    ridges = [row.peak_gmacs / bandwidth for row in rows]
    across = np.geomspace(min([*intensities, *ridges]) / 5, max([*intensities, *ridges]) * 3, 200)
    for kind in SAME_ARITHMETIC:
        peaks = [row.peak_gmacs for row in rows if row.op.startswith(kind)]
        if peaks:
            _roof(axes, across, max(peaks), bandwidth, kind)
    for number, row in enumerate(rows, 1):
        _point(axes, number, row)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="multiply-adds per byte that must move (inputs, weights, outputs once)",
        ylabel="1e9 multiply-adds per second",
        ylim=(min(row.gmacs for row in rows) / 5, max(row.peak_gmacs for row in rows) * 1.5),
    )
    axes.set_title(
        f"{rows[0].isa}, batch 1; memory {bandwidth:.0f} GB/s; full: xnorkit, hollow: fastest peer of equal arithmetic",
        fontsize=10,
    )
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False, handlelength=1)
    _save(figure, path)


def _intensity(row: KernelResult) -> float:
    return row.gmacs * row.us * 1e3 / row.bytes


def _roof(axes: "Axes", across: Any, peak: float, bandwidth: float, kind: str) -> None:
    label = f"{kind} peak {peak:,.0f} GMAC/s"
    axes.plot(across, np.minimum(peak, bandwidth * across), color=COLOURS[kind], linewidth=1.5)
    axes.annotate(label, (across[-1], peak), ha="right", va="bottom", color=COLOURS[kind], fontsize=9)


def _point(axes: "Axes", number: int, row: KernelResult) -> None:
    kind = next(kind for kind in SAME_ARITHMETIC if row.op.startswith(kind))
    x, colour = _intensity(row), COLOURS[kind]
    threads = f", {row.threads} threads" if row.threads > 1 else ""
    label = f"{number}  {kind} {row.shape}{threads}: {row.fraction_of_peak:.0%}"
    axes.scatter([x], [row.gmacs], color=colour, s=70, zorder=3, label=label)
    axes.annotate(str(number), (x, row.gmacs), ha="center", va="center", fontsize=6, color="white", zorder=4)
    peers = [us for name, us in row.peers_us.items() if name.endswith(SAME_ARITHMETIC[kind]) and us is not None]
    if peers:
        axes.scatter([x], [row.gmacs * row.us / min(peers)], s=40, facecolors="none", edgecolors=colour, zorder=3)


def draw_steps(row: ModelResult, path: Path) -> None:
    """Draw the steps of xnorkit's row from top to bottom: pale bars are measured, full bars the ideal of the step.

    Raises:
        InputError: the row has no steps, the file's ending is none that matplotlib writes, or it cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    check_path(path)
    if row.steps is None:
        raise InputError(f"the row of '{row.model}' has no steps, but the plot needs them: pass steps=True.")
    figure = Figure(figsize=(10, 1.5 + BAR_INCHES * len(row.steps)), layout="constrained")
    axes = figure.subplots()
    for index, step in enumerate(row.steps):
        kind = next((kind for kind in COLOURS if any(name.startswith(kind) for name in step.operations)), "")
        axes.barh(index, step.us, color=COLOURS[kind], alpha=0.35)
        axes.barh(index, step.ideal_us, color=COLOURS[kind])
    axes.set_yticks(range(len(row.steps)), [" + ".join(step.operations) for step in row.steps], fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    total, ideal = sum(step.us for step in row.steps), sum(step.ideal_us for step in row.steps)
    axes.set_xlabel("microseconds: full bar ideal, pale bar measured")
    axes.set_title(
        f"{row.model}, threads {row.threads}, batch {row.batch}: {total:,.0f} us in steps, ideal {ideal:,.0f} us",
        fontsize=10,
    )
    names = {"binary": "1 bit", "float": "32 bits", "int8": "8 bits", "": "no multiply-adds"}
    axes.legend(handles=[Patch(color=COLOURS[kind], label=name) for kind, name in names.items()], fontsize=8)
    _save(figure, path)


def _save(figure: "Figure", path: Path) -> None:
    import matplotlib as mpl

    try:
        with mpl.rc_context({"svg.fonttype": "none"}):  # text stays text
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"roofline {path} cannot be written ({error.strerror}). Choose a writable folder.") from error
