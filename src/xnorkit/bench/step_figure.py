"""The figure of a network: each step's time, and the part of it that arithmetic and memory alone would take."""

from pathlib import Path

from xnorkit.bench.model import ModelResult
from xnorkit.bench.roofline import check_path
from xnorkit.errors import InputError

__all__ = ["draw_steps"]

COLOURS = {"binary": "#0b6e4f", "float": "#b3541e", "int8": "#7a4fa3", "": "#9a9a9a"}
BAR_INCHES = 0.22


def draw_steps(row: ModelResult, path: Path) -> None:
    """Draw the steps of xnorkit's row from top to bottom: pale bars are measured, full bars the ideal of the step.

    Raises:
        InputError: the row has no steps, the file's ending is none that matplotlib writes, or it cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    check_path(path)
    if row.steps is None:
        raise InputError(f"the row of '{row.model}' has no steps; required: bench_model(..., steps=True).")
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
    try:
        with mpl.rc_context({"svg.fonttype": "none"}):  # text stays text
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"--roofline {path} cannot be written ({error.strerror}); required: a folder.") from error
