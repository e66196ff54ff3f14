"""Measure kernels, whole models or training steps side by side with what you would run instead."""

from jsonargparse import ArgumentParser, Namespace

from xnorkit.cli.output import print_json, print_table


def parser() -> ArgumentParser:
    """Return the command's options."""
    return ArgumentParser(description="Measure speed: ratios of medians, all candidates interleaved in one run.")


def add_subcommands(parser: ArgumentParser) -> None:
    """Add `kernels`, `model` and `training` to the command."""
    commands = parser.add_subcommands(dest="what")
    commands.add_subcommand("kernels", _kernels_parser(), help="single binary convolutions against the machine's limit")
    commands.add_subcommand("model", _model_parser(), help="a whole network against its float32 twin")
    commands.add_subcommand("training", _training_parser(), help="a training step, binary against float32")


def run(options: Namespace) -> None:
    """Run the chosen benchmark."""
    runs = {"kernels": _run_kernels, "model": _run_model, "training": _run_training}
    runs[options.what](options[options.what])


def _kernels_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure binary convolutions, bits in and thresholded bits out, batch 1.")
    parser.add_argument(
        "--shapes", type=str, nargs="*", default=["resnet18"], help="networks or shapes as '3x3 256@14x14'"
    )
    parser.add_argument("--isa", type=str, default="", help="instruction set; default the fastest")
    _add_peers(parser)
    _add_common(parser)
    return parser


def _model_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure a network with random weights from array to logits, packing included.")
    parser.add_argument("name", type=str, help="a name from `xnorkit models`")
    parser.add_argument("--batch", type=int, default=1, help="images per call")
    parser.add_argument("--isa", type=str | None, default=None, help="instruction set; default the fastest")
    _add_peers(parser)
    _add_common(parser)
    return parser


def _training_parser() -> ArgumentParser:
    parser = ArgumentParser(description="Measure forward, backward and Adam step on random images.")
    parser.add_argument("name", type=str, help="a name from `xnorkit models`")
    parser.add_argument("--batch", type=int, default=32, help="images per step")
    parser.add_argument("--device", type=str, default="cpu", help="device of PyTorch")
    _add_common(parser, seconds=20.0)
    return parser


def _add_peers(parser: ArgumentParser) -> None:
    parser.add_argument("--against", type=str, default="torch", help="peers, separated by commas; 'none' for none")


def _add_common(parser: ArgumentParser, seconds: float = 1.0) -> None:
    parser.add_argument("--threads", type=int, default=1, help="threads of every candidate")
    parser.add_argument("--seconds", type=float, default=seconds, help="seconds of measurement")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")


def _peers(options: Namespace) -> tuple[str, ...]:
    return tuple(name for name in options.against.split(",") if name and name != "none")


def _run_kernels(options: Namespace) -> None:
    from xnorkit.bench.kernels import bench_kernels
    from xnorkit.bench.shapes import named_shapes, parse_shape

    known = named_shapes()
    shapes = [shape for text in options.shapes for shape in (known[text] if text in known else [parse_shape(text)])]
    rows = bench_kernels(
        shapes, isa=options.isa, threads=options.threads, seconds=options.seconds, against=_peers(options)
    )
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    peers = list(rows[0].peers_us) if rows else []
    print_table(
        f"Binary convolutions, {rows[0].isa if rows else ''}, threads {options.threads}, batch 1, medians",
        [
            "shape",
            "us",
            "GMAC/s",
            "of peak",
            *(f"{peer} us" for peer in peers),
            *(f"{peer} / xnorkit" for peer in peers),
        ],
        [
            [
                *(row.shape, f"{row.us:.1f}", f"{row.gmacs:.0f}", f"{row.fraction_of_peak:.0%}"),
                *(f"{row.peers_us[peer]:.0f}" for peer in peers),
                *(f"{row.peers_us[peer] / row.us:.1f}" for peer in peers),
            ]
            for row in rows
        ],
    )


def _run_model(options: Namespace) -> None:
    from xnorkit.bench.model import bench_model

    rows = bench_model(
        options.name,
        against=_peers(options),
        threads=options.threads,
        batch=options.batch,
        seconds=options.seconds,
        isa=options.isa,
    )
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    own = rows[0].median_us
    print_table(
        f"{options.name}, threads {options.threads}, batch {options.batch}, random weights",
        ["engine", "median us", "min us", "ideal us", "bytes", "time / xnorkit"],
        [
            [
                *(row.engine, f"{row.median_us:.1f}", f"{row.min_us:.1f}"),
                *("-" if row.ideal_us is None else f"{row.ideal_us:.1f}", row.file_bytes, f"{row.median_us / own:.2f}"),
            ]
            for row in rows
        ],
    )


def _run_training(options: Namespace) -> None:
    from xnorkit.bench.training import bench_training

    rows = bench_training(
        options.name, batch=options.batch, threads=options.threads, device=options.device, seconds=options.seconds
    )
    if options.json:
        print_json([row.to_json() for row in rows])
        return
    print_table(
        f"Training step of {options.name}, {options.device}, threads {options.threads}, batch {options.batch}, medians",
        ["path", "ms", "memory MiB", "time / float"],
        [[r.path, f"{r.step_ms:.1f}", f"{r.peak_mib:.0f}", f"{r.step_ms / rows[0].step_ms:.2f}"] for r in rows],
    )
