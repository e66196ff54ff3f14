"""Paint the charts: bars of memory, lines of speed-up and of trainings, dots of variants."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xnorkit.report.page.names import family, short_model, variant
from xnorkit.report.page.numbers import cite, written
from xnorkit.report.page.svg import SENTINELS
from xnorkit.report.page.tables import Sweep, Trained
from xnorkit.report.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LINES", "PANELS", "WIDTH", "paint_curves", "paint_memory", "paint_sweep", "paint_variants", "panels_of"]

WIDTH = 4.6
ROW = 0.25
BARS = {"64-bit float": ("double_bytes", "c2"), "32-bit float": ("float_bytes", "c1"), "packed": ("packed_bytes", "c0")}
LINES = {  # label: value, colour, dash, mark
    "paper's formula": ("formula_speedup", "c2", ":", "^"),
    "machine's limit": ("limit_speedup", "c3", "--", "s"),
    "measured": ("speedup", "c0", "-", "o"),
    "with signs and packing": ("from_float_speedup", "c4", "-", "D"),
}
PANELS = {  # title: value of training images, of held-out images, factor
    "loss": ("train_loss", "eval_loss", 1.0),
    "accuracy, %": ("train_accuracy", "eval_accuracy", 100.0),
    "binary weights whose sign changed per epoch, %": ("", "flip_ratio", 100.0),
}
SERIES = ("c0", "c1", "c3", "c4", "c5", "c2")


def paint_memory(figure: "Figure", records: Sequence[Record]) -> None:
    """Paint the bytes of each network as groups of bars."""
    figure.set_size_inches(WIDTH, 0.8 + ROW * 4 * len(records))
    axes = figure.subplots()
    axes.set_title("memory of the weights", fontweight="normal", pad=28)
    names = [short_model(str(record.subject["model"])) for record in records]
    for row, (label, (value, colour)) in enumerate(BARS.items()):
        sizes = [cite(record, value) or 0.0 for record in records]
        places = [4 * group + row for group in range(len(records))]
        bars = axes.barh(places, sizes, height=0.8, color=SENTINELS[colour], label=label)
        axes.bar_label(bars, [" ".join(written("bytes", size)) if size else "" for size in sizes], padding=4)
    axes.set_yticks([4 * group + 1 for group in range(len(records))], names)
    axes.margins(x=0.25)
    axes.invert_yaxis()
    _legend(axes, columns=3)
    _bare(axes)


def paint_sweep(figure: "Figure", sweep: Sweep, across: str) -> None:
    """Paint the speed-up of a convolution over float32 on two logarithmic axes."""
    figure.set_size_inches(WIDTH, 3.6)
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel=across)
    axes.set_title("times as fast as float32", fontweight="normal", pad=46)
    axes.axhline(1, color=SENTINELS["soft"], linewidth=0.9)
    axes.grid(visible=True)
    for label, (value, colour, dash, mark) in LINES.items():
        points = sweep.points(value)
        if points:
            axes.plot(*zip(*points, strict=True), color=SENTINELS[colour], linestyle=dash, marker=mark, label=label)
    sizes = [size for size, _ in sweep.points("speedup")]
    kept = sizes[:1]
    for size in sizes[1:]:  # far enough apart to be written side by side
        if size >= kept[-1] * (sizes[-1] / sizes[0]) ** (1 / 9):
            kept.append(size)
    kept[-1] = sizes[-1]
    axes.set_xticks(kept, [f"{size:g}" for size in kept])
    axes.set_xticks([], minor=True)
    _plain_ticks(axes)
    _legend(axes, columns=2)


def paint_variants(figure: "Figure", variants: dict[str, Trained]) -> None:
    """Paint the mean accuracy of each variant as a dot and the extremes of its seeds as a line, the base first."""
    figure.set_size_inches(WIDTH, 0.7 + 0.32 * len(variants))
    axes = figure.subplots()
    axes.set_title("top-1 accuracy", fontweight="normal")
    for at, trained in enumerate(variants.values()):
        colour, mark = (SENTINELS["c0"], "o") if at == 0 else (SENTINELS["c1"], "D")
        axes.axhline(at, color=SENTINELS["line"], linewidth=0.8)
        axes.plot((min(trained.top1), max(trained.top1)), (at, at), color=colour, linewidth=2)
        axes.plot([trained.mean], [at], marker=mark, color=colour, markersize=7)
        box = {"facecolor": SENTINELS["paper"], "edgecolor": "none", "pad": 1}
        text, where = " ".join(written("percent", trained.mean)), (max(trained.top1), at)
        axes.annotate(text, where, xytext=(9, 0), textcoords="offset points", va="center", bbox=box)
    low, high = axes.get_xlim()
    axes.set(ylim=(len(variants) - 0.4, -0.6), xlim=(low, high + 0.35 * (high - low)))
    axes.set_yticks(range(len(variants)), [variant(name) for name in variants])
    _bare(axes)


def paint_curves(figure: "Figure", records: Sequence[Record]) -> None:
    """Paint loss, accuracy and changed signs over the epochs, with a colour per family or recipe."""
    panels = panels_of(records)
    figure.set_size_inches(WIDTH, 1.9 * len(panels) + 0.6)
    boxes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    labels = list(dict.fromkeys(_label(record, records) for record in records))
    for axes, title in zip(boxes, panels, strict=True):
        axes.set_title(title, fontweight="normal", pad=24 if axes is boxes[0] else None)
        axes.grid(visible=True)
        training, held_out, factor = PANELS[title]
        for record in records:
            label = _label(record, records)
            colour = SENTINELS[SERIES[labels.index(label) % len(SERIES)]]
            for name, dash, width in ((training, "--", 1.2), (held_out, "-", 1.8)):
                points = [(epoch, value * factor) for epoch, value in curve(record, name)]
                mark = "o" if len(points) < 3 else None
                if points:
                    axes.plot(*zip(*points, strict=True), color=colour, linestyle=dash, linewidth=width, marker=mark)
        if title == "loss" and 0 < axes.dataLim.ymin < axes.dataLim.ymax / 10:
            axes.set_yscale("log")
            _plain_ticks(axes)
    for index, label in enumerate(labels):
        boxes[0].plot([], [], color=SENTINELS[SERIES[index % len(SERIES)]], label=label)
    boxes[-1].set_xlabel("epoch")
    boxes[-1].xaxis.get_major_locator().set_params(integer=True)
    _legend(boxes[0], columns=3)


def panels_of(records: Sequence[Record]) -> list[str]:
    """Return the titles of `PANELS` for which a record has a curve."""
    return [title for title, (*names, _) in PANELS.items() if any(curve(r, n) for r in records for n in names)]


def curve(record: Record, name: str) -> list[tuple[float, float]]:
    """Return the epochs that have a value, with the value."""
    epochs: Any = record.values.get("epoch") or []
    values: Any = record.values.get(name) or []
    return [(x, y) for x, y in zip(epochs, values, strict=False) if x is not None and y is not None]


def _label(record: Record, records: Sequence[Record]) -> str:
    """Return the family, or the recipe if several recipes train that family."""
    recipes = {r.subject.get("recipe") for r in records if r.subject["family"] == record.subject["family"]}
    return family(str(record.subject["family"])) if len(recipes) == 1 else str(record.subject.get("recipe"))


def _legend(axes: "Axes", columns: int) -> None:
    axes.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1.02), columnspacing=1.2, handlelength=1.6)


def _plain_ticks(axes: "Axes") -> None:
    """Write the ticks of the upright logarithmic axis as plain numbers: 0.5, 1, 2."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 500 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _bare(axes: "Axes") -> None:
    """Remove the axes that the numbers beside the bars or dots make redundant."""
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
