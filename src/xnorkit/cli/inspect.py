"""Show the layers of a model: bits, multiply-adds, bytes, and what stayed float and why."""

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs, print_table, print_text
from xnorkit.format import Summary

COLUMNS = {
    "name": "layer",
    "kind": "kind",
    "bits": "bits",
    "params": "params",
    "macs_1bit": "1-bit MACs",
    "macs_32bit": "32-bit MACs",
    "bytes": "bytes",
}

SHOWN, FIRST = 12, 5  # entries of a list that are all shown; of a longer one


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Show what a model is made of once packed.")
    parser.add_argument("model", help="MODEL.xnor, a checkpoint, or a name from `xnorkit models`")
    parser.add_argument("--pretrained", action="store_true", help="the trained model of that name, if any")
    parser.add_argument(
        "--explain", action="store_true", help="say what each pass of the exporter does, and why layers are not on bits"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Print one row per layer, totals, and the file's metadata."""
    from xnorkit.app.inspect import explain_model, summarize_model

    if options.explain:
        text = explain_model(options.model, pretrained=options.pretrained)
        print_json({"explanation": text.splitlines()}) if options.json else print_text(text)
        return
    summary = summarize_model(options.model, pretrained=options.pretrained)
    if options.json:
        print_json(summary.to_json())
    elif isinstance(summary, Summary):
        _print_file(summary)
    else:
        print(summary)


def _print_file(summary: Summary) -> None:
    print_table(
        f"{summary.name}: input {' x '.join(map(str, summary.input_shape))}",
        list(COLUMNS.values()),
        [[getattr(layer, field) for field in COLUMNS] for layer in summary.layers],
    )
    total = summary.total
    others = [layer for layer in summary.layers if layer.bits and not layer.binary]
    print_pairs(
        {
            "input": summary.input,
            "packed file": f"{total.packed_bytes:,} bytes",
            "its numbers": f"{total.params:,} weights, biases, scales and thresholds",
            "those as float32": f"{total.float_bytes:,} bytes, {total.float_bytes / total.packed_bytes:.1f} times",
            "multiply-adds": f"{total.macs_1bit:,} 1-bit, {total.macs_32bit:,} 32-bit",
            **{f"not binary: {layer.name}": layer.reason for layer in others},
            **{f"metadata {key}": _short(value) for key, value in summary.metadata.items()},
        }
    )


def _short(value: object) -> object:
    """Return a value of the metadata: a float in four digits, the beginning and the length of a long list."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list) and len(value) > SHOWN:
        return f"{', '.join(map(str, value[:FIRST]))}, ... ({len(value):,} in all; --json lists them)"
    return value
