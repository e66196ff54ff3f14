"""Measure kernels, whole models or training steps side by side with what you would run instead."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_table
from xnorkit.errors import InputError

if TYPE_CHECKING:
    from xnorkit.bench.load import OtherLoad

PRODUCT_SECONDS = 5.0  # at most, of each layer of `bench training --kernels`


# Name -> what it measures.
COMMANDS = {
    "kernels": "single layers against the machine's limit and peers",
    "model": "a whole network against its float32 and int8 twins",
    "training": "a training step, binary against float32",
    "peaks": "what this machine can do at most, by number of threads",
}


def parser() -> ArgumentParser:
    """Return the command's options, without those of its commands."""
    return ArgumentParser(description="Measure speed: ratios of medians, all candidates interleaved in one run.")


def command(name: str) -> ArgumentParser:
    """Return the options of one of COMMANDS."""
    parsers = {"kernels": _kernels_parser, "model": _model_parser, "training": _training_parser, "peaks": _peaks_parser}
    return parsers[name]()


def run(options: Namespace) -> None:
    """Run the chosen benchmark."""
    from xnorkit.bench.load import OtherLoad

    others = OtherLoad()
    runs = {"kernels": _run_kernels, "model": _run_model, "training": _run_training, "peaks": _run_peaks}
    runs[options.command](options, others)
    line = others.line()
    if line:
        print(f"the machine is busy ({line}): trust minima and ratios, not medians", file=sys.stderr)


def _kernels_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure single layers, batch 1: bits to bits, float32 to float32, and peers.")
    parser.add_argument(
        "--shapes", nargs="*", default=["resnet18"], help="networks, JSON files, or shapes as '3x3 256@14x14'"
    )
    parser.add_argument("--op", default="conv,linear", help="of networks: conv, linear, float_conv, float_linear")
    parser.add_argument("--isa", default="", help="instruction set, as avx2 or portable; default the fastest")
    parser.add_argument("--roofline", type=Path, help="draw achieved against peak; .svg or .png")
    _add_peers(parser, "torch, onnxruntime, openvino")
    _add_common(parser, "1")
    return parser


def _model_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure a network from array to logits, packing included.")
    parser.add_argument("name", help="a name from `xnorkit models`, a .xnor file, or a checkpoint")
    parser.add_argument("--pretrained", action="store_true", help="the trained model of that name, not random weights")
    parser.add_argument("--batch", default="1", help="images per call, as 1 or 1,32")
    parser.add_argument(
        "--isa",
        help="instruction set, as avx2 or portable; default the fastest; avx2 holds PyTorch and OpenVINO to it, too",
    )
    parser.add_argument("--binarization", help="of a model by name; default its first")
    parser.add_argument("--int8-ends", action="store_true", help="8-bit first and last layers, of a model by name")
    parser.add_argument("--profile", action="store_true", help="show where the time goes, step by step")
    parser.add_argument("--roofline", type=Path, help="draw each step against its ideal time")
    _add_peers(parser, "torch, torch-compile, onnxruntime, openvino")
    _add_common(parser, "1", seconds=2.0)
    return parser


def _training_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure forward, backward and Adam step on random images, path by path.")
    parser.add_argument("name", help="a name from `xnorkit models`")
    parser.add_argument(
        "--paths",
        help="any of float, simulated, packed, binop, bnn-style, with commas; default all; none: with --kernels",
    )
    parser.add_argument("--batch", type=int, default=32, help="images per step, and of --kernels")
    parser.add_argument("--binarization", help="of the model; default its first")
    parser.add_argument("--device", default="cpu", help="device of PyTorch")
    parser.add_argument(
        "--isa", help="instruction set, as avx2 or portable; default the fastest; avx2 holds PyTorch to it, too"
    )
    parser.add_argument("--kernels", action="store_true", help="also the three products of four 3x3 layers, on a CPU")
    _add_common(parser, "1", seconds=20.0)
    return parser


def _peaks_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure multiply-adds out of registers and reading, on all threads at once.")
    parser.add_argument("--isa", default="", help="instruction set, as avx2 or portable; default the fastest")
    parser.add_argument("--megabytes", type=float, default=64.0, help="size of what is read")
    _add_common(parser, "1,2")
    return parser


def _add_peers(parser: ArgumentParser, families: str) -> None:
    parser.add_argument(
        "--against", default="all", help=f"any of {families}, with commas; all: what is installed; or none"
    )


def _add_common(parser: ArgumentParser, threads: str, seconds: float = 1.0) -> None:
    parser.add_argument("--threads", default=threads, help="threads of every candidate, as 1 or 1,2")
    parser.add_argument("--seconds", type=float, default=seconds, help="seconds of each measurement")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")


def _words(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name and name != "none")


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} is {text}, but it must be whole numbers with commas between them, such as 1,2."
        ) from None


def _note(line: str) -> None:
    print(f"left out: {line}", file=sys.stderr)


def _heading(isa: str | None, options: Namespace, others: "OtherLoad") -> None:
    """Print under which conditions all that follows was measured."""
    print(f"instruction set {isa or 'as PyTorch chooses'}; threads {options.threads}; {others.words()}\n")


def _run_kernels(options: Namespace, others: "OtherLoad") -> None:
    from xnorkit.bench.kernels import bench_kernels

    if options.roofline is not None:
        require("matplotlib")
    from xnorkit.bench.roofline import check_path, draw_kernels
    from xnorkit.bench.shapes import select_shapes
    from xnorkit.bench.tables import kernel_table

    if options.roofline is not None:
        check_path(options.roofline)
    rows = bench_kernels(
        select_shapes(options.shapes, _words(options.op)),
        isa=options.isa,
        threads=_numbers("--threads", options.threads),
        seconds=options.seconds,
        against=_words(options.against),
        note=_note,
    )
    if options.roofline is not None:
        draw_kernels(rows, options.roofline)
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    _heading(rows[0].isa, options, others)
    print_table(*kernel_table(rows))


def _run_model(options: Namespace, others: "OtherLoad") -> None:
    from xnorkit.bench.held import bench_model_held

    if options.roofline is not None:
        require("matplotlib")
    from xnorkit.bench.roofline import check_path, draw_steps
    from xnorkit.bench.tables import model_tables, step_tables

    if options.roofline is not None:
        check_path(options.roofline)
    rows = bench_model_held(
        options.name,
        against=_words(options.against),
        threads=_numbers("--threads", options.threads),
        batch=_numbers("--batch", options.batch),
        seconds=options.seconds,
        isa=options.isa,
        binarization=options.binarization,
        int8_ends=options.int8_ends,
        pretrained=options.pretrained,
        steps=options.profile or options.roofline is not None,
        note=_note,
    )
    if options.roofline is not None:
        draw_steps(rows[0], options.roofline)
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    _heading(rows[0].isa, options, others)
    for table in [*model_tables(rows), *(step_tables(rows) if options.profile else [])]:
        print_table(*table)


def _run_training(options: Namespace, others: "OtherLoad") -> None:
    require("torch")
    from xnorkit.bench.held import bench_products_held, bench_training_held
    from xnorkit.bench.tables import product_tables, training_tables

    paths = None if options.paths is None else _words(options.paths)
    if not options.kernels and paths == ():
        raise InputError(
            f"--paths is {options.paths}, but it must name at least one path. Name one, or give --kernels."
        )
    common = {"batch": options.batch, "threads": _numbers("--threads", options.threads), "isa": options.isa}
    steps = []
    if paths != ():
        steps = bench_training_held(
            options.name,
            paths=paths or (),
            binarization=options.binarization,
            device=options.device,
            seconds=options.seconds,
            note=_note,
            **common,
        )
    products = []
    if options.kernels:
        products = bench_products_held(seconds=min(options.seconds, PRODUCT_SECONDS), **common)
    if options.json:
        print_json([*(row.to_json() for row in steps), *(row.to_json() for row in products)])
        return
    _heading(
        next((isa for isa in [row.isa for row in steps] + [row.isa for row in products] if isa), None), options, others
    )
    for table in [*training_tables(steps), *product_tables(products)]:
        print_table(*table)


def _run_peaks(options: Namespace, others: "OtherLoad") -> None:
    from xnorkit.bench.peaks import bench_peaks
    from xnorkit.bench.tables import peak_table

    rows = bench_peaks(
        isa=options.isa,
        threads=_numbers("--threads", options.threads),
        seconds=options.seconds,
        read_bytes=int(options.megabytes * 1e6),
    )
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    _heading(rows[0].isa, options, others)
    print_table(*peak_table(rows))
