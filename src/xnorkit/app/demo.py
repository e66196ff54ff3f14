"""The demo: trains LeNet-5 on the embedded digits, float and XNOR, packs and proves it, and measures both."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xnorkit import runtime
from xnorkit.app.export import ExportResult, export_checkpoint
from xnorkit.app.predict import softmax
from xnorkit.owned import OwnedFolder, whole_file, write_whole

__all__ = ["DemoResult", "run_demo"]

FLOAT_RECIPE, XNOR_RECIPE = "lenet5-digits-float", "lenet5-digits"
PICTURED = 16
FILE, WRITTEN = "lenet5-digits.xnor", ("demo.md", "digits.png")


@dataclass(frozen=True)
class DemoResult:
    """The demo's table and notes, as text; `figures` holds the numbers in that text."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: dict[str, str]
    figures: dict[str, Any]
    report: Path

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return {**asdict(self), "report": str(self.report)}


def run_demo(output: Path, *, progress: bool = True) -> DemoResult:
    """Train both recipes into `output`, export the XNOR one, compare, and write `demo.md` and `digits.png` there.

    Raises:
        InputError: `output` is not a folder, holds somebody else's files under these names, or is in use.
    """
    own = OwnedFolder(output)
    with own.held():
        own.claim([FILE, *WRITTEN])
        return _run_demo(output, progress)


def _run_demo(output: Path, progress: bool) -> DemoResult:
    from xnorkit.bench.model import float_bytes, time_models
    from xnorkit.data import create_data
    from xnorkit.train import evaluate_model, fit, load_checkpoint, load_recipe

    trained = {}
    for name in (FLOAT_RECIPE, XNOR_RECIPE):
        folder = output / name
        if progress:
            print(_beginning(name, folder), flush=True)
        trained[name] = fit(load_recipe(name), output=folder, overwrite=True, progress=progress)
    exported = export_checkpoint(trained[XNOR_RECIPE].checkpoint, output / FILE)
    packed = runtime.load(exported.path, threads=1)
    twin, recipe = load_checkpoint(trained[FLOAT_RECIPE].checkpoint)
    data = create_data(recipe.data.name)
    deployed = evaluate_model(packed, data)
    times = time_models(packed, twin, threads=1, batch=1, seconds=2.0)
    float_file = float_bytes(twin)
    figures = {
        "split": data.split_name,
        "images": deployed["images"],
        "float": {
            "top1": trained[FLOAT_RECIPE].accuracy,
            "bytes": float_file,
            "seconds": round(trained[FLOAT_RECIPE].seconds, 3),
        },
        "xnor": {
            "top1": deployed["top1"],
            "top1_in_training": trained[XNOR_RECIPE].accuracy,
            "bytes": exported.file_bytes,
            "seconds": round(trained[XNOR_RECIPE].seconds, 3),
        },
        "median_us": {name: timing.median_us for name, timing in times.items()},
        "isa": packed.isa,
        "proof": exported.proof.to_json(),
    }
    result = _result(figures, exported, output / "demo.md")
    _picture(packed, data, output / "digits.png")
    _write_report(result, output / "demo.md")
    return result


def _beginning(name: str, folder: Path) -> str:
    again = f" again: the run in {folder} is replaced" if (folder / "last.ckpt").exists() else ""
    return f"training {name}{again}"


def _result(figures: dict[str, Any], exported: ExportResult, report: Path) -> DemoResult:
    full, xnor, times = figures["float"], figures["xnor"], figures["median_us"]
    rows = [
        [
            f"accuracy ({figures['split']}, {figures['images']} images)",
            f"{full['top1']:.2%}",
            f"{xnor['top1']:.2%}",
            "",
        ],
        [
            "weights / model file",
            _bytes(full["bytes"]),
            _bytes(xnor["bytes"]),
            f"{full['bytes'] / xnor['bytes']:.1f}x smaller",
        ],
        ["training time", f"{full['seconds']:.1f} s", f"{xnor['seconds']:.1f} s", ""],
        [
            "latency, batch 1, 1 thread, median",
            f"{times['torch_f32']:.0f} us",
            f"{times['xnorkit']:.0f} us",
            f"{times['torch_f32'] / times['xnorkit']:.1f}x faster",
        ],
    ]
    notes = {
        "deployed = trained": exported.sentence,
        "conditions": f"latency: both engines interleaved, from array to logits; xnorkit kernels: {figures['isa']}",
    }
    title = "LeNet-5 on handwritten digits (scikit-learn)"
    return DemoResult(title, ["float32, PyTorch eager", "XNOR, xnorkit", "ratio"], rows, notes, figures, report)


def _write_report(result: DemoResult, path: Path) -> None:
    lines = [f"# {result.title}", "", f"| | {' | '.join(result.columns)} |", "|---|" + "---:|" * len(result.columns)]
    lines += [f"| {' | '.join(row)} |" for row in result.rows]
    lines += ["", *(f"**{name}:** {text}.\n" for name, text in result.notes.items())]
    lines += ["![digits of the held-out split with the packed model's predictions](digits.png)", ""]
    write_whole(path, "\n".join(lines).encode())


def _picture(packed: runtime.Model, data: Any, path: Path) -> None:
    """Draw the first held-out digits, mistakes first, each with label and prediction."""
    from matplotlib.figure import Figure

    images, labels = data.test_arrays()
    logits = packed(images)
    predicted = logits.argmax(1)
    order = np.argsort(predicted == labels, kind="stable")[:PICTURED]
    figure = Figure(figsize=(8, 2.7), layout="constrained")
    figure.suptitle(
        f"Packed model on held-out digits: {(predicted != labels).sum()} of {len(labels)} wrong, shown first"
    )
    for axes, index in zip(figure.subplots(2, PICTURED // 2).flat, order, strict=True):
        right = predicted[index] == labels[index]
        axes.imshow(images[index, 0], cmap="gray_r", vmin=0, vmax=255)
        axes.set_axis_off()
        caption = f"{predicted[index]}  {softmax(logits[index]).max():.0%}" + ("" if right else f"\nis {labels[index]}")
        axes.set_title(caption, fontsize=9, color="black" if right else "tab:red")
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=120, format="png")


def _bytes(count: int) -> str:
    return f"{count / 1000:,.1f} KB"
