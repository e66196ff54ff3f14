"""Turn a checkpoint into a packed .xnor file and prove that it is the trained model; or write ONNX, C or a web page."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from xnorkit.cli.arguments import ArgumentParser, Namespace, name
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_pairs, print_table
from xnorkit.errors import InputError

if TYPE_CHECKING:
    from xnorkit.app.export import ExportResult
    from xnorkit.app.targets import Conversion


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Pack a trained checkpoint into bits, and check it against the trained model.")
    parser.add_argument(
        "checkpoint", help="checkpoint of `xnorkit train`; with --to also MODEL.xnor, or a trained model by name"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=name,
        required=True,
        help="file to write: MODEL.xnor, MODEL.onnx; with --to c a folder; with --to web a page, NAME.html, or a "
        "folder; folders that are missing are made",
    )
    parser.add_argument(
        "--to",
        choices=["xnor", "onnx", "c", "web"],
        default="xnor",
        help="onnx: standard operators, for any runtime; c: a C99 program without allocation; web: one page that runs "
        "the model in a browser, or the folder of an npm package",
    )
    parser.add_argument("--float", action="store_true", help="with --to onnx: binary weights as float32, not as bits")
    parser.add_argument(
        "--prefix", type=name, help="with --to c: of its names, as digits for digits_run; default model"
    )
    for memory, what in (("ram", "values"), ("flash", "constants")):
        parser.add_argument(f"--{memory}", type=int, help=f"with --to c: the most bytes that its {what} may take")
    parser.add_argument("--data", type=Path, help="folder of the data set whose evaluation images are checked")
    parser.add_argument("--images", type=int, default=1000, help="check at most this many images")
    parser.add_argument("--calibration", type=Path, help="check these images instead: .npy, (N, C, H, W)")
    parser.add_argument("--half", action="store_true", help="store the weights of float layers as float16")
    parser.add_argument(
        "--dynamic", action="store_true", help="let the file take images of any size, where the model does"
    )
    parser.add_argument("--license", help="of the data, for the file's metadata")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Export, verify, and print the evidence."""
    _check(options)
    if options.to == "onnx":
        require("onnx")
    source = _source(options.checkpoint)
    if source.suffix == ".xnor":
        for option in ("dynamic", "half", "license"):
            if getattr(options, option):
                raise InputError(
                    f"--{option} is given for {source}, which is packed already, but this must be a checkpoint."
                )
        if options.to == "xnor":
            raise InputError(
                f"{source} is packed already, but it must be a checkpoint. Give one, or --to onnx, c or web."
            )
        _show_conversion(_convert(source, options), options)
        return
    if options.to == "xnor":
        _show(_export(options, Path(options.output)), options)
        return
    with TemporaryDirectory() as folder:
        packed = Path(folder) / "model.xnor"
        result = _export(options, packed)
        conversion = _convert(packed, options)
    if not options.json:
        _show_proof(result)
    _show_conversion(conversion, options)


def _check(options: Namespace) -> None:
    """Refuse options that do not belong to the form."""
    if options.float and options.to != "onnx":
        raise InputError(
            f"--float is given with --to {options.to}, but it must be --to onnx, the only form with float weights."
        )
    if options.to == "xnor" and Path(options.output).suffix == ".onnx":
        raise InputError(
            f"the output is {options.output}, but for --to xnor it must be MODEL.xnor. Rename it, or add --to onnx."
        )
    if options.to == "xnor" and Path(options.output).suffix in (".html", ".htm"):
        raise InputError(
            f"the output is {options.output}, but for --to xnor it must be MODEL.xnor. Rename it, or add --to web."
        )
    if options.prefix is not None and options.to != "c":
        raise InputError(f"--prefix is given with --to {options.to}, but it must be --to c, whose functions it names.")
    for memory, budget in (("ram", options.ram), ("flash", options.flash)):
        if budget is not None and options.to != "c":
            raise InputError(f"--{memory} is given with --to {options.to}, but it must be --to c. Remove it.")
        if budget is not None and budget < 1:
            raise InputError(f"--{memory} is {budget}, but it must be a number of bytes above 0.")


def _source(what: str) -> Path:
    """Return the file that is named: a trained model of that name, unless there is such a file."""
    from xnorkit.zoo import list_pretrained, path

    return path(what) if what in list_pretrained() and not Path(what).exists() else Path(what)


def _export(options: Namespace, output: Path) -> "ExportResult":
    from xnorkit.app.export import export_checkpoint

    return export_checkpoint(
        Path(options.checkpoint),
        output,
        data_root=options.data,
        images=options.images,
        calibration=options.calibration,
        half=options.half,
        dynamic=options.dynamic,
        terms=options.license,
        data_needed=options.to == "xnor",
    )


def _convert(packed: Path, options: Namespace) -> "Conversion":
    from xnorkit.app.targets import convert_file

    return convert_file(
        packed,
        Path(options.output),
        options.to,
        packed=not options.float,
        prefix=options.prefix or "model",
        ram=options.ram,
        flash=options.flash,
    )


def _show(result: "ExportResult", options: Namespace) -> None:
    if options.json:
        print_json(result.to_json())
        return
    if result.proof.layers:
        _show_proof(result)
    file = f"{options.output} ({result.file_bytes:,} bytes; the weights in float32: {result.float_bytes:,})"
    print_pairs({"file": file, "deployed = trained": result.sentence})


def _show_proof(result: "ExportResult") -> None:
    proof = result.proof
    print_table(
        f"Fed with the trained model's own bits ({proof.images:,} images, {result.split})",
        ["layer", "integers equal", "of", "outputs equal", "of"],
        [
            [p.name, *((p.integers_equal, p.integers) if p.integers else ("", "")), p.outputs_equal, p.outputs]
            for p in proof.layers
        ],
    )


def _show_conversion(conversion: "Conversion", options: Namespace) -> None:
    if options.json:
        print_json(conversion.to_json())
    elif conversion.to == "onnx" or Path(conversion.path).is_file():
        print_pairs({"file": f"{conversion.path} ({conversion.bytes:,} bytes)", "checked": conversion.sentence})
    elif conversion.to == "web":
        print_pairs({"folder": f"{conversion.path} ({conversion.bytes:,} bytes)", "checked": conversion.sentence})
    else:
        memory = f"{conversion.bytes:,} bytes of constants, {conversion.ram_bytes:,} bytes of RAM for values"
        print_pairs({"folder": conversion.path, "memory": memory, "checked": conversion.sentence})
