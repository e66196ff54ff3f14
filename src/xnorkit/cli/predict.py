"""Classify image files with a packed model."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        description="Classify images of any size and mode with MODEL.xnor or a trained model that ships."
    )
    parser.add_argument("model", type=str, help="MODEL.xnor, or a name from `xnorkit models --pretrained`")
    parser.add_argument("images", type=str, nargs="*", default=[], help="image files")
    parser.add_argument(
        "--sample", action="store_true", help="classify the images that are stored with a trained model"
    )
    parser.add_argument(
        "--invert", action="store_true", help="dark strokes on white, for a model of light strokes on black (MNIST)"
    )
    parser.add_argument("--top", type=int, default=3, help="how many classes to print")
    parser.add_argument("--threads", type=int | None, default=None, help="threads; default the physical cores")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print the top classes and the time of each image."""
    from xnorkit import runtime
    from xnorkit.report.predict import predict_file, predict_sample

    if Path(options.model).suffix == ".ckpt":
        raise InputError(f"{options.model} is a checkpoint; required: MODEL.xnor, as `xnorkit export` makes of it.")
    if options.sample == bool(options.images):
        received = "--sample and image files" if options.sample else "no image"
        raise InputError(f"{received}; required: image files, or --sample for those stored with a trained model.")
    model = runtime.load(options.model, threads=options.threads)
    if options.sample:
        results = predict_sample(options.model, model, options.top)
    else:
        results = [predict_file(model, Path(p), options.top, invert=options.invert) for p in options.images]
    if options.json:
        print_json({"model": str(options.model), "predictions": results})
        return
    pairs = {}
    for result in results:
        classes = ", ".join(f"{c['class']}: {c['probability']:.1%}" for c in result["classes"])
        label = f" ({result['label']})" if options.sample else ""
        pairs[f"{result['image']}{label}"] = f"{classes}  ({result['microseconds']:.0f} us)"
    print_pairs(pairs)
