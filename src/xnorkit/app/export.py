"""Checkpoint -> packed file with its proof; and what any model consists of once packed."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.app.trained import Trained, check_images, load_trained
from xnorkit.bench.subjects import packed_file
from xnorkit.errors import ExportError, InputError
from xnorkit.export import Export, LayerProof, Proof, explain, export_model, verify
from xnorkit.format import InputSpec, Summary, as_floats, in_words, read, summarize, write

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.inspection import ModelSummary

__all__ = ["ExportResult", "explain_model", "export_checkpoint", "summarize_model"]

GENERATED = 16
"""Images of random pixels that a model is checked on where its data set is not at hand."""


@dataclass(frozen=True)
class ExportResult:
    """A written file, the size of the weights that it replaces, and the proof on `split` that the model is the same."""

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
    checkpoint: Path,
    output: Path,
    *,
    data_root: Path | None = None,
    images: int | None = None,
    calibration: Path | None = None,
    half: bool = False,
    dynamic: bool = False,
    terms: str | None = None,
    data_needed: bool = True,
) -> ExportResult:
    """Write `output` from a checkpoint and verify it on the evaluation images of its data set, or on given ones.

    A file made without the data set does not name the classes.

    If the proof fails, nothing is left at `output`: the file is written next to it and moved there at the end.

    Args:
        checkpoint: file of `xnorkit train`.
        output: file to write.
        data_root: folder of the data set, if it is not embedded.
        images: check at most this many images, at least one.
        calibration: a `.npy` file of images (N, C, H, W), uint8 pixels (RGB) or float32 prepared as in training, to
            check instead of those of the data set, which is then not needed.
        half: store the weights of float layers as float16; the proof is then against the model with those weights.
        dynamic: let the file take images of any size; the proof uses images of the model's own size.
        terms: the licence of the data, for the file's metadata, which also say what the checkpoint reached.
        data_needed: if False and the data set is not available, check a few generated images.

    Raises:
        InputError: `images` is below 1, `calibration` is not such a file, or `output` is not a `.xnor` file that can be
            written; an old checkpoint whose preparation only its data set knows; pixels for a model of prepared floats.
        DataError: the data set is needed, or `data_root` is given, and it is not there.
        RecipeError: the data set's images are of another kind than those of training.
        ExportError: a module has no counterpart on bits, a layer differs from the trained model, or a layer works for
            one image size only although `dynamic` is set.
    """
    from xnorkit import runtime
    from xnorkit.bench.model import float_bytes

    if images is not None and images < 1:
        raise InputError(f"images={images}; required: at least 1, because a proof needs an image.")
    trained = load_trained(checkpoint, data_root, data_needed=data_needed and calibration is None)
    if trained.preparation is None:
        lacks = "its mean image" if trained.recipe.data.name == "imagenet-lmdb" else "mean and std of its pixels"
        raise InputError(f"{checkpoint} does not hold {lacks}; required: the folder of its data set.")
    model = trained.model
    _check_target(output)
    export = trained.pack({"license": terms} if terms else None, half=half, dynamic=dynamic)
    pixels, split = _images(trained, calibration, images)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        draft = Path(folder) / "draft.xnor"
        write(draft, export.graph)
        proof = verify(model, runtime.load(draft), _as_trained(pixels, split, trained.input), export=export)
        draft.replace(output)
    return ExportResult(output, output.stat().st_size, float_bytes(model), proof, split)


def summarize_model(model: str, *, pretrained: bool = False) -> "Summary | ModelSummary":
    """Return layers and totals: of the nodes of a `.xnor` file, or of the modules of a checkpoint or named model.

    If an architecture and a trained model share a name, it means the latter only with `pretrained`.

    The packed size of a checkpoint or named model is that of the file that `export` would write, or, if the model
    cannot be packed, an estimate that says why. If the data set of a checkpoint is not available, class names are left
    out.
    """
    path = packed_file(model, pretrained)
    if path is not None:
        return summarize(read(path), packed_bytes=path.stat().st_size)
    from xnorkit.inspection import summary
    from xnorkit.models import input_shape

    name, network, training = _network(model)
    figures = summary(network, input_shape(name), name=name)
    try:
        export = _pack_network(name, network, training)
    except ExportError as error:
        return replace(figures, not_packable=str(error))
    return replace(figures, file_bytes=summarize(export.graph).total.packed_bytes)


def explain_model(model: str, *, pretrained: bool = False) -> str:
    """Return in words what each pass of the exporter does with a model, and why layers are not on bits.

    A `.xnor` file does not say how it was made, so for it only the latter is returned.

    Raises:
        ExportError: the model cannot be exported; says why.
    """
    path = packed_file(model, pretrained)
    if path is not None:
        layers = [layer for layer in summarize(read(path)).layers if layer.bits > 1 or (layer.reason and layer.bits)]
        return "\n".join(["not on bits:", *(f"  '{layer.name}' ({layer.kind}): {layer.reason}" for layer in layers)])
    return explain(_pack_network(*_network(model)))


def _network(model: str) -> "tuple[str, nn.Module, Trained | None]":
    """Return name and module of a checkpoint or named model; for a checkpoint also what belongs to its training."""
    from xnorkit.models import create_model

    path = Path(model)
    if path.is_file():
        trained = load_trained(path)
        return trained.recipe.model.name, trained.model, trained
    if path.suffix == ".ckpt" or len(path.parts) > 1:
        raise InputError(f"{model}: no such file; required: MODEL.xnor, a checkpoint, or a name from `xnorkit models`.")
    return model, create_model(model), None


def _pack_network(name: str, network: "nn.Module", trained: Trained | None) -> Export:
    from xnorkit.models import input_shape

    return export_model(network, input_shape(name), name=name) if trained is None else trained.pack()


def _images(trained: Trained, calibration: Path | None, most: int | None) -> tuple[NDArray[Any], str]:
    """Return the images to check, at most `most`, and what they are."""
    if calibration is not None:
        return _read_images(calibration)[:most], calibration.name
    if trained.data is not None:
        check_images(trained.input, trained.data, "the model")
        return trained.data.test_arrays(most)[0], trained.data.split_name
    count = GENERATED if most is None else min(most, GENERATED)
    if not trained.input.takes_pixels:
        floats = np.random.default_rng(0).standard_normal((count, *trained.input_shape), dtype=np.float32)
        return floats, f"{count} generated images"
    pixels = np.random.default_rng(0).integers(0, 256, (count, *trained.input_shape), dtype=np.uint8)
    return pixels, f"{count} generated images"


def _read_images(path: Path) -> NDArray[Any]:
    """Return the images in a `.npy` file; nothing in it is executed."""
    required = "required: a .npy file of images (N, C, H, W), uint8 pixels (RGB) or float32 prepared as in training."
    try:
        images = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); {required}") from error
    except (ValueError, EOFError) as error:  # NumPy's own message advises loading the file unsafely
        raise InputError(f"{path} is not a complete array of numbers; {required}") from error
    if not isinstance(images, np.ndarray) or images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        shown = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise InputError(f"{path} holds {shown}; {required}")
    return images


def _as_trained(images: NDArray[Any], source: str, spec: InputSpec) -> NDArray[np.float32]:
    """Return uint8 pixels in the form that the model was trained on; float32 images unchanged."""
    if images.dtype == np.uint8 and not spec.takes_pixels:
        raise InputError(
            f"{source} holds uint8 pixels, and the model takes {in_words(spec)}; required: float32 images, prepared "
            "like those of its training."
        )
    return as_floats(images, spec)


def _check_target(output: Path) -> None:
    """Create the folder of `output`; InputError unless a `.xnor` file can be written there."""
    if output.suffix != ".xnor":
        raise InputError(f"output {output}; required: a file name that ends in .xnor, which other commands rely on.")
    if output.is_dir():
        raise InputError(f"output {output} is a folder; required: the name of a file, such as {output}/model.xnor.")
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
