"""Turn a checkpoint into a packed .xnor file and prove that it is the trained model."""

from pathlib import Path
from typing import Literal

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs, print_table


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Pack a trained checkpoint into bits, and check it against the trained model.")
    parser.add_argument("checkpoint", type=str, help="checkpoint of `xnorkit train`")
    parser.add_argument("-o", "--output", type=str, required=True, help="file to write, MODEL.xnor")
    parser.add_argument("--to", type=Literal["xnor"], default="xnor", help="format of the file")
    parser.add_argument(
        "--data", type=Path | None, default=None, help="folder of the data set whose evaluation images are checked"
    )
    parser.add_argument("--images", type=int | None, default=1000, help="check at most this many images")
    parser.add_argument(
        "--calibration", type=Path | None, default=None, help="check these images instead: .npy, (N, C, H, W)"
    )
    parser.add_argument("--half", action="store_true", help="store the weights of float layers as float16")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(options: Namespace) -> None:
    """Export, verify, and print the evidence."""
    from xnorkit.report.deploy import export_checkpoint

    result = export_checkpoint(
        Path(options.checkpoint),
        Path(options.output),
        data_root=options.data,
        images=options.images,
        calibration=options.calibration,
        half=options.half,
    )
    if options.json:
        print_json(result.to_json())
        return
    proof = result.proof
    print_table(
        f"Fed with the trained model's own bits ({proof.images:,} images, {result.split})",
        ["layer", "integers equal", "of", "outputs equal", "of"],
        [[p.name, p.integers_equal, p.integers, p.outputs_equal, p.outputs] for p in proof.layers],
    )
    print_pairs(
        {
            "file": f"{options.output} ({result.file_bytes:,} bytes; the weights in float32: {result.float_bytes:,})",
            "deployed = trained": result.sentence,
        }
    )
