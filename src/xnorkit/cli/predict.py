"""Classify image files with a packed model."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        description="Classify images of any size and mode with MODEL.xnor or a trained model that ships."
    )
    parser.add_argument("model", help="MODEL.xnor, or a name from `xnorkit models --pretrained`")
    parser.add_argument("images", nargs="*", default=[], help="image files")
    parser.add_argument(
        "--sample", action="store_true", help="classify the images that are stored with a trained model"
    )
    parser.add_argument(
        "--invert", action="store_true", help="dark strokes on white, for a model of light strokes on black (MNIST)"
    )
    parser.add_argument("--top", type=int, default=3, help="how many classes to print; default 3")
    parser.add_argument("--threads", type=int, help="threads; default the physical cores")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print the top classes and the time of each image; then name the files that are not images, if any."""
    from xnorkit import runtime
    from xnorkit.app.predict import predict_file, predict_sample

    if Path(options.model).suffix == ".ckpt":
        raise InputError(
            f"{options.model} is a checkpoint, but it must be MODEL.xnor. Make that with `xnorkit export`."
        )
    if options.sample == bool(options.images):
        received = "--sample and image files are" if options.sample else "no image is"
        raise InputError(
            f"{received} given, but it must be image files, or --sample for those stored with a trained model."
        )
    if options.sample and options.invert:
        raise InputError("--invert is given with --sample, whose images need none. Give one of the two.")
    model = runtime.load(options.model, threads=options.threads)
    failures: list[str] = []
    if options.sample:
        results = predict_sample(options.model, model, options.top)
    else:
        results = []
        for path in options.images:
            try:
                results.append(predict_file(model, Path(path), options.top, invert=options.invert))
            except InputError as error:
                if len(options.images) == 1:
                    raise
                failures.append(str(error))
    if options.json:
        print_json({"model": str(options.model), "predictions": results})
    else:
        _show(results, labels=options.sample)
    light = [result["image"] for result in results if result.get("light_border") and not options.invert]
    if light:
        print(
            f"{', '.join(light)}: the border is light, and the model was trained on light strokes on black. For dark "
            "strokes on white, add --invert.",
            file=sys.stderr,
        )
    if failures:
        raise InputError(" ".join(failures))


def _show(results: Sequence[dict[str, Any]], labels: bool) -> None:
    from xnorkit.app.predict import REPEATS

    pairs = {}
    for result in results:
        classes = ", ".join(f"{c['class']}: {c['probability']:.1%}" for c in result["classes"])
        label = f" ({result['label']})" if labels else ""
        pairs[f"{result['image']}{label}"] = f"{classes}  ({result['microseconds']:.0f} us)"
    if results:
        print_pairs({**pairs, "times": f"medians of {REPEATS} calls with one image, after one to warm up"})
