"""Accuracy of a checkpoint or packed file on the evaluation split of a data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError

__all__ = ["evaluate_file"]

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def evaluate_file(
    path: Path,
    *,
    data_root: Path | None = None,
    data_name: str | None = None,
    isa: str | None = None,
    threads: int | None = None,
) -> dict[str, Any]:
    """Return `model, data, split, images, top1, top5` of a checkpoint or `.xnor` file, on uint8 images as stored.

    Raises:
        InputError: `isa` is given for a checkpoint.
        InputError: the file does not say which data set it was trained on, and `data_name` is not given.
    """
    from xnorkit.data import create_data
    from xnorkit.train import evaluate_model

    if isa is not None and path.suffix != ".xnor":
        raise InputError(f"--isa {isa} for {path}; required: a .xnor file, a checkpoint runs in PyTorch.")
    predict, trained_on = _packed(path, isa, threads) if path.suffix == ".xnor" else _checkpoint(path, data_root)
    name = data_name or trained_on
    if name is None:
        raise InputError(f"{path} does not say which data set it belongs to; required: --data-name NAME.")
    data = create_data(name, root=data_root)
    result = evaluate_model(predict, data)
    return {"model": str(path), "data": name, "split": data.split_name, **result}


def _packed(path: Path, isa: str | None, threads: int | None) -> tuple[Predict, str | None]:
    from xnorkit import runtime

    model = runtime.load(path, isa=isa, threads=threads)
    return model, model.graph.metadata.get("data")


def _checkpoint(path: Path, data_root: Path | None) -> tuple[Predict, str | None]:
    import torch

    from xnorkit.data import create_data, normalize
    from xnorkit.train import load_checkpoint

    model, recipe = load_checkpoint(path)
    data = create_data(recipe.data.name, root=data_root)

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return model(normalize(torch.from_numpy(images), data.mean, data.std)).numpy()

    return predict, recipe.data.name
