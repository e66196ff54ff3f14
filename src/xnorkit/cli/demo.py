"""Train, export, prove and measure LeNet-5 on the handwritten digits inside scikit-learn."""

from pathlib import Path

from xnorkit.cli.arguments import ArgumentParser, Namespace, name
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_pairs, print_table


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="The whole path in about a minute: train float and XNOR, pack, prove, compare.")
    parser.add_argument("--output", type=name, default="demo", help="folder of all that it writes; default demo")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Run the demo, print its table, and name the files it wrote."""
    require("torch", "lightning", "sklearn")
    from xnorkit.app.demo import run_demo

    result = run_demo(Path(options.output), progress=not options.json)
    if options.json:
        print_json(result.to_json())
        return
    print()
    print_table(result.title, ["", *result.columns], result.rows)
    print_pairs({**result.notes, "report": result.report})
