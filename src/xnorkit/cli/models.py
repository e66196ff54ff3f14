"""List the models that can be created, or the trained ones that ship."""

from importlib.util import find_spec

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_table
from xnorkit.errors import InputError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="List the models that `create_model` knows.")
    parser.add_argument("filter", nargs="?", help="only names that match, as 'resnet*'")
    parser.add_argument("--pretrained", action="store_true", help="list the trained models that ship with the package")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print one model per line: input shape, binarizations (the default first), counts with the default one.

    Counting needs torch; without it, there are no counts.
    """
    if options.pretrained:
        _list_pretrained(options)
        return
    from xnorkit.models import binarizations, input_shape, list_models

    names = list_models(options.filter)
    if not names:
        raise InputError(
            f"no model matches '{options.filter}', but it must be a pattern of {', '.join(list_models())}."
        )
    counts = _counts(names)
    if options.json:
        rows = [
            {
                "model": name,
                "input": list(input_shape(name)),
                "binarizations": list(binarizations(name)),
                **dict(zip(("params", "binary_weights"), counts.get(name, ()), strict=False)),
            }
            for name in names
        ]
        print_json(rows)
        return
    table = [
        [name, " x ".join(map(str, input_shape(name))), *counts.get(name, ()), " ".join(binarizations(name))]
        for name in names
    ]
    columns = ["model", "input", *(("params", "binary") if counts else ()), "binarizations, default first"]
    print_table("Models", columns, table)


def _counts(names: list[str]) -> dict[str, tuple[int, ...]]:
    """Return the parameters and binary weights of models; empty without torch."""
    if find_spec("torch") is None:
        return {}
    from xnorkit.models import count_weights

    return {name: count_weights(name) for name in names}


def _list_pretrained(options: Namespace) -> None:
    """Print one trained model per line: its data, top-1 of the file, seeds, epochs, bytes; below, means over seeds."""
    from xnorkit.zoo import card, list_pretrained

    names = list_pretrained(options.filter)
    if not names:
        known = ", ".join(list_pretrained()) or "(none)"
        raise InputError(f"no trained model matches '{options.filter or '*'}', but it must be a pattern of {known}.")
    cards = [card(name) for name in names]
    if options.json:
        print_json([one.to_json() for one in cards])
        return
    rows = [
        [
            one.name,
            f"{one.data_title}, {one.split}, {one.images:,} images",
            f"{100 * one.top1:.2f} %",
            len(one.series.runs),
            one.series.epochs,
            one.bytes,
        ]
        for one in cards
    ]
    notes = [f"{one.name} over its seeds: {one.series.words}" for one in cards if len(one.series.runs) > 1]
    print_table("Trained models", ["model", "data, split", "top-1", "seeds", "epochs", "bytes"], rows, notes)
