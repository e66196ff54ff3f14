"""Classify image files with a packed model."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        description="Classify images with MODEL.xnor; any size and mode, resized to the model's input."
    )
    parser.add_argument("model", type=str, help="MODEL.xnor")
    parser.add_argument("images", type=str, nargs="+", help="image files")
    parser.add_argument("--top", type=int, default=3, help="how many classes to print")
    parser.add_argument("--threads", type=int | None, default=None, help="threads; default the physical cores")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print the top classes and the time of each image."""
    from xnorkit import runtime
    from xnorkit.report.predict import predict_file

    if Path(options.model).suffix == ".ckpt":
        raise InputError(f"{options.model} is a checkpoint; required: MODEL.xnor, as `xnorkit export` makes of it.")
    model = runtime.load(options.model, threads=options.threads)
    results = [predict_file(model, Path(path), options.top) for path in options.images]
    if options.json:
        print_json({"model": str(options.model), "predictions": results})
        return
    for result in results:
        classes = ", ".join(f"{c['class']}: {c['probability']:.1%}" for c in result["classes"])
        print_pairs({str(result["image"]): f"{classes}  ({result['microseconds']:.0f} us)"})
