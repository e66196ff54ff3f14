"""Turn a checkpoint of XNOR-Net-PyTorch or of the bnn package into one of this library."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace, name
from xnorkit.cli.output import print_json, print_pairs
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        description="Rewrite an old checkpoint, so that it can be evaluated, exported, inspected and trained on."
    )
    parser.add_argument("checkpoint", help="file of the older code, as nin.best.pth.tar")
    parser.add_argument(
        "overrides", nargs="*", default=[], help="fields of its recipe to change, as data.name=imagenet-lmdb"
    )
    parser.add_argument("-o", "--output", type=name, required=True, help="checkpoint to write, NEW.ckpt")
    parser.add_argument("--recipe", type=name, help="recipe that it shall carry; default the one of its layout")
    parser.add_argument(
        "--input",
        choices=["whitened", "plain", "transposed"],
        help="what NIN on CIFAR-10 was fed with: whitened floats (assumed otherwise), plain pixels, or transposed ones",
    )
    parser.add_argument("--mean", help="of plain or transposed pixels, as 0.5,0.5,0.5; default ImageNet's")
    parser.add_argument("--std", help="as --mean")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Convert, and print what the file was and what became of it."""
    from xnorkit.compat import convert_checkpoint

    report = convert_checkpoint(
        Path(options.checkpoint),
        Path(options.output),
        recipe=options.recipe,
        overrides=options.overrides,
        images=options.input,
        mean=_numbers("--mean", options.mean),
        std=_numbers("--std", options.std),
    )
    if options.json:
        print_json({"checkpoint": options.output, **report.to_json()})
        return
    pairs: dict[str, object] = {"layout": report.layout, "model": report.model}
    pairs["tensors"] = f"all {len(report.matched)} matched"
    if report.absent_counters:
        pairs["counters"] = f"{len(report.absent_counters)} of batch normalizations absent, set to 0"
    if report.zero_weights:
        pairs["weights of 0"] = f"{report.zero_weights}, which count as +1 here"
    if report.zero_one:
        layers = (
            "1 layer, whose inputs" if len(report.zero_one) == 1 else f"{len(report.zero_one)} layers, whose inputs"
        )
        pairs["activations 0 and 1"] = f"{layers} are never negative"
    if report.top1 is not None:
        pairs["top-1 it reports"] = f"{report.top1:.2%}"
    if report.epochs is not None:
        pairs["epochs"] = report.epochs
    for number, sentence in enumerate(report.assumed, 1):
        pairs["assumed" if len(report.assumed) == 1 else f"assumed {number}"] = sentence
    print_pairs({**pairs, "checkpoint": options.output})


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} is {text}, but it must be numbers with commas between them, such as 0.5,0.5,0.5."
        ) from None
