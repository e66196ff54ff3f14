"""List the models that can be created."""

from jsonargparse import ArgumentParser, Namespace

from xnorkit.cli.output import print_json, print_table
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="List the models that `create_model` knows.")
    parser.add_argument("filter", type=str | None, nargs="?", default=None, help="only names that match, as 'resnet*'")
    parser.add_argument("--json", action="store_true", help="print the names as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print one model per line with its input shape."""
    from xnorkit.models import input_shape, list_models

    names = list_models(options.filter)
    if not names:
        raise InputError(f"no model matches '{options.filter}'; required: a pattern of {', '.join(list_models())}.")
    if options.json:
        print_json([{"model": name, "input": list(input_shape(name))} for name in names])
    else:
        print_table("Models", ["model", "input"], [[name, " x ".join(map(str, input_shape(name)))] for name in names])
