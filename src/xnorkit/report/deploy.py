"""Checkpoint -> packed file with its proof; and what any model is made of once packed."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit.errors import DataError, ExportError, InputError
from xnorkit.export import LayerProof, Proof, pack, verify
from xnorkit.format import Graph, Normalization, Summary, read, summarize, write

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.data import ImageData
    from xnorkit.inspection import ModelSummary
    from xnorkit.train import Recipe

__all__ = ["ExportResult", "export_checkpoint", "summarize_model"]


@dataclass(frozen=True)
class ExportResult:
    """A written file, the size of the weights that it replaces, and the proof on `split` that it is the same model."""

    path: Path
    file_bytes: int
    float_bytes: int
    proof: Proof
    split: str = ""

    @property
    def sentence(self) -> str:
        """The evidence in one line."""
        proof = self.proof
        integers = _count(proof.layers, "integers")
        outputs = _count(proof.layers, "outputs")
        return (
            f"layer by layer {integers} integers and {outputs} outputs of {len(proof.layers)} steps equal; "
            f"end to end {proof.total_flips} of {proof.end_to_end_bits:,} signs flipped, "
            f"{proof.predictions_equal} of {proof.images} predictions equal, "
            f"largest logit difference {proof.max_logit_difference:.2g}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return paths, sizes and the proof as JSON values."""
        proof = self.proof.to_json()
        return {
            "path": str(self.path),
            "file_bytes": self.file_bytes,
            "float_bytes": self.float_bytes,
            "split": self.split,
            "images_checked": proof.pop("images"),
            **proof,
        }


def export_checkpoint(
    checkpoint: Path, output: Path, *, data_root: Path | None = None, images: int | None = None
) -> ExportResult:
    """Write `output` from a checkpoint and verify it on the evaluation images of its data set.

    Nothing is left at `output` if the proof fails: the file is written beside it and moved there at the end.

    Args:
        checkpoint: file of `xnorkit train`.
        output: file to write.
        data_root: folder of the data set, if it is not embedded.
        images: check at most this many images, at least one.

    Raises:
        InputError: `images` is below 1, or `output` is no `.xnor` file that can be written.
        ExportError: a module has no counterpart on bits, or a layer differs from the trained model.
    """
    import torch

    from xnorkit import runtime
    from xnorkit.bench.model import float_bytes
    from xnorkit.data import create_data, normalize
    from xnorkit.train import load_checkpoint

    if images is not None and images < 1:
        raise InputError(f"--images {images}; required: at least 1, a proof needs an image.")
    model, recipe = load_checkpoint(checkpoint)
    _check_target(output)
    data = create_data(recipe.data.name, root=data_root)
    graph = _pack_checkpoint(model, recipe, data)
    pixels, _ = data.test_arrays()
    floats = normalize(torch.from_numpy(pixels[:images]), data.mean, data.std).numpy()
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        draft = Path(folder) / "draft.xnor"
        write(draft, graph)
        proof = verify(model, runtime.load(draft), floats)
        draft.replace(output)
    return ExportResult(output, output.stat().st_size, float_bytes(model), proof, data.split_name)


def summarize_model(model: str) -> "Summary | ModelSummary":
    """Return layers and totals: of the nodes of a `.xnor` file, or of the modules of a checkpoint or named model.

    The packed size of a checkpoint or named model is that of the file which `export` would write, where it can be
    packed, else an estimate that says why. A checkpoint whose data set is not at hand leaves its class names out.
    """
    path = Path(model)
    if path.suffix == ".xnor":
        return summarize(read(path), packed_bytes=path.stat().st_size)
    from xnorkit.inspection import summary
    from xnorkit.models import create_model, input_shape

    if path.is_file():
        from xnorkit.data import create_data
        from xnorkit.train import load_checkpoint

        network, recipe = load_checkpoint(path)
        name = recipe.model.name
        try:
            data = create_data(recipe.data.name)
        except DataError:
            data = None
    elif path.suffix == ".ckpt" or len(path.parts) > 1:
        raise InputError(f"{model}: no such file; required: MODEL.xnor, a checkpoint, or a name from `xnorkit models`.")
    else:
        name, network, data = model, create_model(model), None
    figures = summary(network, input_shape(name), name=name)
    try:
        if data is not None:
            graph = _pack_checkpoint(network, recipe, data)
        else:
            graph = pack(network, input_shape(name), name=name)
    except ExportError as error:
        return replace(figures, not_packable=str(error))
    return replace(figures, file_bytes=summarize(graph).total.packed_bytes)


def _pack_checkpoint(model: "nn.Module", recipe: "Recipe", data: "ImageData") -> Graph:
    """Return the packed program with the normalisation and class names of the data set."""
    return pack(
        model,
        data.input_shape,
        name=recipe.model.name,
        normalization=Normalization(tuple(data.mean), tuple(data.std)),
        metadata={"classes": list(data.classes), "recipe": recipe.name, "data": recipe.data.name},
    )


def _check_target(output: Path) -> None:
    """Create the folder of `output`; InputError unless a `.xnor` file can be written there."""
    if output.suffix != ".xnor":
        raise InputError(f"output {output}; required: a file name that ends in .xnor, by which other commands know it.")
    if output.is_dir():
        raise InputError(f"output {output} is a folder; required: the name of a file, as {output}/model.xnor.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent):
            pass
    except OSError as error:
        raise InputError(
            f"output {output} cannot be written ({error.strerror}); required: a writable folder."
        ) from error


def _count(layers: list[LayerProof], what: str) -> str:
    """Return 'all 1,010' or '1,008 of 1,010'."""
    total = sum(getattr(layer, what) for layer in layers)
    equal = sum(getattr(layer, f"{what}_equal") for layer in layers)
    return f"all {total:,}" if equal == total else f"{equal:,} of {total:,}"
