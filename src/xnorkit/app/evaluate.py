"""Accuracy of a checkpoint or packed file on the evaluation split of a data set."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.app.trained import check_images, prepared_by
from xnorkit.errors import FormatError, InputError, RecipeError
from xnorkit.format import InputSpec, arranged, infer_shapes
from xnorkit.zoo import find

if TYPE_CHECKING:
    from xnorkit.data import DataOptions

__all__ = ["evaluate_file"]

MAX_THREADS = 256
Predict = Callable[[NDArray[Any]], NDArray[np.float32]]


def evaluate_file(
    path: Path,
    *,
    data_root: Path | None = None,
    data_name: str | None = None,
    preprocessing: str | None = None,
    download: bool = False,
    isa: str | None = None,
    threads: int | None = None,
    test_flip: bool | None = None,
) -> dict[str, Any]:
    """Return `model, data, split, test_flip, images, top1, top5, per_class` of a checkpoint, `.xnor` or trained model.

    The images of the evaluation split are prepared as in the model's training, whatever the data set: pixels in its
    order of channels, minus its mean image, normalised. A model of prepared floats needs data prepared in the same way.

    Args:
        path: the file, or the name of a trained model.
        data_root: folder of the data set's files.
        data_name: a name from `xnorkit.data.list_data`; by default the data set that the model was trained on.
        preprocessing: of photographs; by default the one of the model's training, if the file says it.
        download: fetch the data set if the folder lacks it.
        isa: instruction set for a `.xnor` file.
        threads: of the engine or of PyTorch.
        test_flip: average the logits of each image and its mirror image, which `split` then says; by default as the
            recipe of a checkpoint says, and off for a `.xnor` file.

    Raises:
        InputError: `isa` is given for a checkpoint, or threads are not from 1 to 256.
        FormatError: the file's metadata have another type than those that `xnorkit export` writes.
        InputError: the file does not say which data set it was trained on, and `data_name` is not given.
        RecipeError: the data set has another number of classes than the model, or images of another shape; or they are
            pixels although the model takes prepared floats, or the other way round.
    """
    from xnorkit.data import create_data
    from xnorkit.data.accuracy import check_flip, evaluate_model, split_words

    shown, path = path, find(path)
    if isa is not None and path.suffix != ".xnor":
        raise InputError(
            f"isa={isa} was given for {path}, but this must be a .xnor file: a checkpoint runs in PyTorch."
        )
    if threads is not None and not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads={threads}, but it must be from 1 to {MAX_THREADS}.")
    if path.suffix == ".xnor":
        predict, trained_on, spec, options, default_flip, classes = _packed(path, isa, threads)
    else:
        predict, trained_on, spec, options, default_flip, classes = _checkpoint(path, data_root, threads)
    name = data_name or trained_on
    if name is None:
        raise InputError(f"{path} does not say which data set it belongs to. Give the name of its data set.")
    options = replace(options, download=download or options.download)
    data = create_data(name, data_root, options, **({"preprocessing": preprocessing} if preprocessing else {}))
    if data.input_shape != spec.shape:
        raise RecipeError(
            f"data '{name}' has images {data.input_shape}, but they must be {spec.shape} (C, H, W), which {path} was "
            "made for. Choose another data set."
        )
    if data.num_classes != classes:
        raise RecipeError(
            f"{shown} tells {classes:,} classes apart, and data '{name}' has {data.num_classes:,}, but they must be "
            "the classes that it was trained on, in the same order. Choose the data set with all of them, or a model "
            "made for these."
        )
    check_images(spec, data, str(shown))
    flip = default_flip if test_flip is None else test_flip
    if flip:
        check_flip(spec.preparation)
    result = evaluate_model(predict, data, test_flip=flip)
    split = split_words(data.split_name, flip)
    return {"model": str(shown), "data": name, "split": split, "test_flip": flip, **result}


Loaded = tuple[Predict, str | None, InputSpec, "DataOptions", bool, int]


def _packed(path: Path, isa: str | None, threads: int | None) -> Loaded:
    from xnorkit import runtime
    from xnorkit.data import DataOptions

    model = runtime.load(path, isa=isa, threads=threads)
    metadata = model.graph.metadata
    data, preprocessing = metadata.get("data"), metadata.get("preprocessing", "modern")
    if not isinstance(data, str | None) or preprocessing not in ("modern", "seed"):
        raise FormatError(
            f"{path} says data={data!r:.80} and preprocessing={preprocessing!r:.80}, but they must be the name of a "
            "data set, and modern or seed. Export the model again."
        )
    options = DataOptions(image_size=model.input_shape[1], preprocessing=preprocessing)
    classes = infer_shapes(model.graph)[model.graph.output].channels
    return model, data, model.graph.input, options, False, classes


def _checkpoint(path: Path, data_root: Path | None, threads: int | None) -> Loaded:
    import torch

    from xnorkit.data import create_data, normalize
    from xnorkit.models import input_shape
    from xnorkit.train import load_checkpoint, read_checkpoint

    model, recipe = load_checkpoint(path)
    shape = input_shape(recipe.model.name)
    size = recipe.data.image_size or shape[1]
    options = replace(recipe.data.options(), image_size=size)
    stored = read_checkpoint(path)
    by, preparation = prepared_by(stored)
    if preparation is None:  # older checkpoints do not hold it
        by, preparation = prepared_by(stored, create_data(recipe.data.name, data_root, options))
    assert preparation is not None
    spec = InputSpec((shape[0], size, size), by, preparation=preparation)
    torch.set_num_threads(threads or torch.get_num_threads())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        x = arranged(images, preparation) if images.dtype == np.uint8 else images
        batch = torch.from_numpy(np.ascontiguousarray(x)).to(device)
        with torch.inference_mode():
            return model(batch if by is None else normalize(batch, by.mean, by.std)).cpu().numpy()

    return predict, recipe.data.name, spec, options, recipe.test_flip, stored.num_classes
