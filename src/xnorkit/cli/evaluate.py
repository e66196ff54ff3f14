"""Measure the accuracy of a checkpoint or a .xnor file on a data set."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Measure top-1 and top-5 accuracy on the evaluation split of a data set.")
    parser.add_argument("model", type=str, help="checkpoint of `xnorkit train` or MODEL.xnor")
    parser.add_argument(
        "--data", type=Path | None, default=None, help="folder that holds the data set's official files"
    )
    parser.add_argument(
        "--data-name", type=str | None, default=None, help="data set; default the one it was trained on"
    )
    parser.add_argument(
        "--isa", type=str | None, default=None, help="instruction set for a .xnor file; default the fastest"
    )
    parser.add_argument("--threads", type=int | None, default=None, help="threads; default the physical cores")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print model, data, split, images, top-1 and top-5."""
    from xnorkit.report.accuracy import evaluate_file

    result = evaluate_file(
        Path(options.model),
        data_root=options.data,
        data_name=options.data_name,
        isa=options.isa,
        threads=options.threads,
    )
    if options.json:
        print_json(result)
    else:
        print_pairs({**result, "top1": f"{result['top1']:.2%}", "top5": f"{result['top5']:.2%}"})
