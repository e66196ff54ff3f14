"""Measure the accuracy of a checkpoint, a .xnor file or a trained model on a data set."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs, print_table
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Measure top-1 and top-5 accuracy on the evaluation split of a data set.")
    parser.add_argument("model", help="checkpoint of `xnorkit train`, MODEL.xnor, or a trained model by name")
    parser.add_argument("--data", type=Path, help="folder that holds the data set's official files")
    parser.add_argument("--data-name", help="data set; default the one it was trained on")
    parser.add_argument("--download", type=bool, default=False, help="true: fetch the data set if the folder lacks it")
    parser.add_argument("--isa", help="instruction set for a .xnor file, as avx2 or portable; default the fastest")
    parser.add_argument(
        "--preprocessing",
        choices=["modern", "seed"],
        help="of photographs: modern or seed; default as the model was trained",
    )
    flip = "average the logits of each image and its mirror; default as the recipe of a checkpoint says, else not"
    parser.add_argument("--flip", action="store_true", help=flip)
    parser.add_argument("--no-flip", action="store_true", help="do not, whatever the recipe says")
    parser.add_argument("--per-class", action="store_true", help="figures of each class too")
    parser.add_argument("--threads", type=int, help="threads; default the physical cores")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print model, data, split, images, top-1 and top-5."""
    from xnorkit.app.evaluate import evaluate_file

    if options.flip and options.no_flip:
        raise InputError("--flip and --no-flip are both given, but at most one of them must be.")
    result = evaluate_file(
        Path(options.model),
        data_root=options.data,
        data_name=options.data_name,
        preprocessing=options.preprocessing,
        download=options.download,
        isa=options.isa,
        threads=options.threads,
        test_flip=options.flip if options.flip or options.no_flip else None,
    )
    per_class = result.pop("per_class")
    if options.json:
        print_json({**result, "per_class": per_class} if options.per_class else result)
        return
    flip = " (with test-time flip)" if result.pop("test_flip") else ""
    print_pairs({**result, "top1": f"{result['top1']:.2%}{flip}", "top5": f"{_percent(result['top5'])}{flip}"})
    if options.per_class:
        print()
        print_table(
            f"Per class{flip}",
            ["class", "images", "top-1", "top-5"],
            [[row["class"], row["images"], _percent(row["top1"]), _percent(row["top5"])] for row in per_class],
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
