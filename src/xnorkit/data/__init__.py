"""Data sets held in memory: registry, digits, MNIST; normalisation and batch order defined once."""

from xnorkit.data.base import ImageData
from xnorkit.data.batches import BatchOrder, ImageBatches, Split
from xnorkit.data.digits import digits
from xnorkit.data.mnist import mnist
from xnorkit.data.normalize import normalize
from xnorkit.data.registry import create_data, list_data

__all__ = [
    "BatchOrder",
    "ImageBatches",
    "ImageData",
    "Split",
    "create_data",
    "digits",
    "list_data",
    "mnist",
    "normalize",
]
