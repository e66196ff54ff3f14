"""Images -> the top classes of a packed model, and the time that it took."""

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.app.picture import read_image
from xnorkit.errors import InputError
from xnorkit.format import in_words
from xnorkit.runtime import Model
from xnorkit.zoo import sample

__all__ = ["REPEATS", "predict_file", "predict_sample", "softmax"]

REPEATS = 20
DARK, LIGHT = 0.4, 170  # mean pixel of training, of 1; median pixel of a border, of 255


def predict_file(model: Model, path: Path, top: int = 3, *, invert: bool = False) -> dict[str, Any]:
    """Return `image`, `classes` (each `class`, `probability`) best first, `microseconds` and `light_border`.

    The time is the median of `REPEATS` calls, after one to warm up.

    Raises:
        InputError: `top` is below 1, the model does not take pixels, or as in `read_image`.
    """
    _check(model, top)
    pixels = read_image(path, model.input_shape, invert=invert)
    return {"image": str(path), **_predict(model, pixels, top), "light_border": light_border(pixels, model)}


def light_border(pixels: NDArray[np.uint8], model: Model) -> bool:
    """Return whether a grey picture has a light border, and the model knows dark pictures: strokes may be inverted."""
    by = model.graph.input.normalization
    if pixels.shape[1] != 1 or by is None or by.mean[0] >= DARK:
        return False
    grey = pixels[0, 0]
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    return bool(np.median(border) > LIGHT)


def predict_sample(name: str, model: Model, top: int = 3) -> list[dict[str, Any]]:
    """Return the result of `predict_file` and the `label` for each image that is stored with a trained model.

    Args:
        name: name of the trained model.
        model: that model.
        top: number of classes.

    Raises:
        InputError: `top` is below 1, or there is no trained model of that name.
    """
    _check(model, top)
    stored, names = sample(name), _classes(model)
    return [
        {"image": f"sample {number}", "label": names[label], **_predict(model, image[None], top)}
        for number, (image, label) in enumerate(zip(stored.images, stored.labels, strict=True))
    ]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return exp(z) / sum exp(z) along the last axis."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _check(model: Model, top: int) -> None:
    if top < 1:
        raise InputError(f"top={top}, but it must be at least 1.")
    spec = model.graph.input
    if spec.preparation.prepared is not None:
        raise InputError(
            f"model '{model.graph.name}' takes {in_words(spec)}, but it must take pixels, which an image file holds. "
            "Prepare the images like those of its training, and pass them as float32 to "
            "xnorkit.runtime.load(FILE)."
        )
    if not spec.takes_pixels:
        raise InputError(
            f"model '{model.graph.name}' has no normalisation for pixels, but its file must have one. Make it with "
            "pack(..., normalization=Normalization(mean, std)) or `xnorkit export`."
        )


def _predict(model: Model, pixels: NDArray[np.uint8], top: int) -> dict[str, Any]:
    logits = model(pixels)[0]
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        model(pixels)
        times.append(time.perf_counter() - start)
    microseconds = median(times) * 1e6
    probabilities, names = softmax(logits), _classes(model, len(logits))
    best = np.argsort(-logits, kind="stable")[:top]
    classes = [{"class": names[i], "probability": float(probabilities[i])} for i in best]
    return {"classes": classes, "microseconds": round(microseconds, 1)}


def _classes(model: Model, count: int = 0) -> list[str]:
    return list(model.classes) or [str(number) for number in range(count)]
