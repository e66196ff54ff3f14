"""Accuracy of anything that maps images to logits."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from xnorkit.data import ImageData
from xnorkit.errors import InputError

__all__ = ["Evaluation", "evaluate_model", "loss_and_accuracy"]


class Evaluation(TypedDict):
    """Number of images, and the share whose label is the best, or among the five best, of the logits."""

    images: int
    top1: float
    top5: float


def evaluate_model(
    predict: Callable[[NDArray[np.uint8]], NDArray[np.floating]], data: ImageData, batch_size: int = 1000
) -> Evaluation:
    """Return top-1 and top-5 accuracy of `predict` on the evaluation split.

    Equal logits rank by class number, as `argmax` does.

    Args:
        predict: maps images (N, C, H, W) uint8 to logits (N, num_classes).
        data: the data set.
        batch_size: images per call of `predict`.

    Raises:
        InputError: logits of another shape, or with NaN.
    """
    images, labels = data.test_arrays()
    ranks = []
    for start in range(0, len(images), batch_size):
        part = labels[start : start + batch_size]
        logits = np.asarray(predict(images[start : start + batch_size]))
        required = (len(part), data.num_classes)
        if logits.shape != required or np.isnan(logits).any():
            raise InputError(
                f"predict returned logits of shape {logits.shape}; required: {required} without NaN. Check that the "
                f"model was made for data '{data.name}'."
            )
        order = np.argsort(-logits, axis=1, kind="stable")
        ranks.append(np.argmax(order == part[:, None], axis=1))
    rank = np.concatenate(ranks)
    return {"images": len(images), "top1": float(np.mean(rank < 1)), "top5": float(np.mean(rank < 5))}


@torch.inference_mode()
def loss_and_accuracy(model: nn.Module, loader: DataLoader) -> tuple[float, float]:
    """Return mean cross entropy and top-1 accuracy over all batches of (images, labels), with the model as it is."""
    device = next(model.parameters()).device
    loss, right, count = 0.0, 0, 0
    for images, labels in loader:
        logits, target = model(images.to(device)), labels.to(device)
        loss += F.cross_entropy(logits, target, reduction="sum").item()
        right += int((logits.argmax(1) == target).sum())
        count += len(target)
    return loss / count, right / count
