"""The roofline figure: what each layer achieves, against what registers and memory of this machine allow."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xnorkit.bench.kernels import KernelResult
from xnorkit.bench.peaks import PeakMeter
from xnorkit.errors import InputError

__all__ = ["draw_kernels"]

ENDINGS = (".svg", ".png", ".pdf")
MEMORY_BYTES = 64_000_000
ROUNDS = 10
COLOURS = {"binary": "#0b6e4f", "float": "#b3541e"}


def draw_kernels(rows: Sequence[KernelResult], path: Path) -> None:
    """Draw one figure per file: multiply-adds per byte moved across, 1e9 multiply-adds per second up, both logarithmic.

    A roof is min(peak of the arithmetic, bandwidth of memory * intensity), both measured; a hollow point is a peer.

    Raises:
        InputError: the file's ending is none that matplotlib writes, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    if path.suffix not in ENDINGS:
        raise InputError(f"--roofline {path}; required: a file that ends in {', '.join(ENDINGS)}.")
    threads = rows[0].threads
    meter = PeakMeter(rows[0].isa, threads, MEMORY_BYTES)
    for _ in range(ROUNDS):
        meter()
    bandwidth = meter.limits().read_gbs
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    intensities = [row.gmacs * row.us * 1e3 / row.bytes for row in rows]
    across = np.geomspace(min(intensities) / 3, max(intensities) * 3, 200)
    for kind, colour in COLOURS.items():
        own = [(row, x) for row, x in zip(rows, intensities, strict=True) if row.op.startswith(kind)]
        if not own:
            continue
        peak = max(row.peak_gmacs for row, _ in own)
        axes.plot(across, np.minimum(peak, bandwidth * across), color=colour, linewidth=1.5)
        axes.annotate(
            f"{kind} peak {peak:,.0f} GMAC/s", (across[-1], peak), ha="right", va="bottom", color=colour, fontsize=9
        )
        axes.scatter([x for _, x in own], [row.gmacs for row, _ in own], color=colour, s=36, zorder=3)
        for row, x in own:
            axes.annotate(
                f"{row.shape} ({row.fraction_of_peak:.0%})",
                (x, row.gmacs),
                xytext=(5, -9),
                textcoords="offset points",
                fontsize=7,
            )
        for row, x in own:
            best = min(row.peers_us.values(), default=None)
            if best is not None:
                axes.scatter([x], [row.gmacs * row.us / best], s=30, facecolors="none", edgecolors=colour, zorder=3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("multiply-adds per byte that must move (inputs, weights, outputs once)")
    axes.set_ylabel("1e9 multiply-adds per second")
    axes.set_title(
        f"{rows[0].isa}, threads {threads}, batch 1; memory {bandwidth:.0f} GB/s; full: xnorkit, hollow: fastest peer",
        fontsize=10,
    )
    axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"--roofline {path} cannot be written ({error.strerror}); required: a folder.") from error
