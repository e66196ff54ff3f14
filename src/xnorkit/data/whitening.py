"""Global contrast normalisation and ZCA whitening: how the CIFAR-10 files of XNOR-Net-PyTorch were made."""

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import InputError

__all__ = ["Whitening", "contrast_normalized"]

SCALE = 55.0
FILTER_BIAS = 0.1


def contrast_normalized(images: NDArray[np.uint8], scale: float = SCALE) -> NDArray[np.float32]:
    """Return each image minus its mean, with Euclidean norm `scale`: x' = scale (x - mean(x)) / ||x - mean(x)||.

    A uniform image stays 0.

    Args:
        images: (N, ...) of any numbers; mean and norm are over all values of an image.
        scale: norm of each result.
    """
    x = images.reshape(len(images), -1).astype(np.float32)
    x -= x.mean(1, keepdims=True)
    norm = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    x *= np.where(norm > 0, scale / np.where(norm > 0, norm, 1), 0)
    return x.reshape(images.shape)


class Whitening:
    """Zero-phase component analysis: x' = (x - m) P with P = V (L + b)^(-1/2) V^T, fitted to training images.

    m is the mean image and V L V^T the covariance (1/N) sum (x - m)^T (x - m) of N images as rows of D values. The
    result has covariance L / (L + b) along V, so nearly the identity, and is of all such the nearest to x.

    Args:
        images: (N, ...) float32 to fit to.
        filter_bias: b, above 0, which keeps the smallest components from being blown up.

    Raises:
        InputError: fewer than 2 images, or a filter_bias not above 0.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009), appendix A. Scale 55 and b = 0.1
    are the values in common use for CIFAR-10; they were not compared with files of the author.
    """

    def __init__(self, images: NDArray[np.float32], filter_bias: float = FILTER_BIAS) -> None:
        if len(images) < 2 or not filter_bias > 0:
            raise InputError(
                f"{len(images)} images and filter_bias={filter_bias}; required: at least 2 and above 0, to fit to."
            )
        x = images.reshape(len(images), -1)
        self.mean = x.mean(0, dtype=np.float64).astype(np.float32)
        centred = x - self.mean
        covariance = (centred.T @ centred).astype(np.float64) / len(x)
        values, vectors = np.linalg.eigh(covariance + filter_bias * np.eye(len(covariance)))
        self.matrix = (vectors / np.sqrt(values) @ vectors.T).astype(np.float32)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return images of the fitted shape, whitened."""
        return ((images.reshape(len(images), -1) - self.mean) @ self.matrix).reshape(images.shape)
