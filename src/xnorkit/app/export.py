"""Checkpoint -> packed file with its proof."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.app.trained import Trained, check_images, load_trained
from xnorkit.errors import InputError
from xnorkit.export import LayerProof, Proof, verify
from xnorkit.format import InputSpec, as_floats, in_words, write

__all__ = ["ExportResult", "export_checkpoint"]

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
        end = (
            f"{proof.predictions_equal} of {proof.images} predictions equal, "
            f"largest logit difference {proof.max_logit_difference:.2g}"
        )
        if not proof.layers:
            return f"no layer reads or returns bits; {end}"
        integers = _count(proof.layers, "integers")
        outputs = _count(proof.layers, "outputs")
        return (
            f"layer by layer {integers} integers and {outputs} outputs of {len(proof.layers)} steps equal; "
            f"end to end {proof.total_flips} of {proof.end_to_end_bits:,} signs flipped, {end}"
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
        raise InputError(f"images={images}, but it must be at least 1, because a proof needs an image.")
    trained = load_trained(checkpoint, data_root, data_needed=data_needed and calibration is None)
    if trained.preparation is None:
        lacks = "its mean image" if trained.recipe.data.name == "imagenet-lmdb" else "mean and std of its pixels"
        raise InputError(f"{checkpoint} does not hold {lacks}. Give the folder of its data set.")
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
    expected = "a .npy file of images (N, C, H, W), uint8 pixels (RGB) or float32 prepared as in training."
    try:
        images = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}), but it must be {expected}") from error
    except (ValueError, EOFError) as error:  # NumPy's own message advises loading the file unsafely
        raise InputError(f"{path} is not a complete array of numbers, but it must be {expected}") from error
    if not isinstance(images, np.ndarray) or images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        shown = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise InputError(f"{path} holds {shown}, but it must be {expected}")
    return images


def _as_trained(images: NDArray[Any], source: str, spec: InputSpec) -> NDArray[np.float32]:
    """Return uint8 pixels in the form that the model was trained on; float32 images unchanged."""
    if images.dtype == np.uint8 and not spec.takes_pixels:
        raise InputError(
            f"{source} holds uint8 pixels, but they must be float32 images prepared like those of the training: the "
            f"model takes {in_words(spec)}."
        )
    return as_floats(images, spec)


def _check_target(output: Path) -> None:
    """Create the folder of `output`; InputError unless a `.xnor` file can be written there."""
    if output.suffix != ".xnor":
        raise InputError(f"output {output} must end in .xnor, which other commands rely on, but it does not.")
    if output.is_dir():
        raise InputError(
            f"output {output} is a folder, but it must be the name of a file, such as {output}/model.xnor."
        )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent):
            pass
    except OSError as error:
        raise InputError(
            f"output {output} cannot be written ({error.strerror}), but its folder must be writable."
        ) from error


def _count(layers: list[LayerProof], what: str) -> str:
    """Return 'all 1,010' or '1,008 of 1,010'."""
    total = sum(getattr(layer, what) for layer in layers)
    equal = sum(getattr(layer, f"{what}_equal") for layer in layers)
    return f"all {total:,}" if equal == total else f"{equal:,} of {total:,}"
