"""Image data sets: registry and options; normalisation, augmentation and batch order defined once."""

from xnorkit.data.base import ImageData
from xnorkit.data.batches import Augmentation, ImageBatches, Split
from xnorkit.data.digits import digits
from xnorkit.data.memory import MemoryData
from xnorkit.data.mnist import mnist
from xnorkit.data.normalize import normalize
from xnorkit.data.options import DataOptions
from xnorkit.data.order import BatchOrder
from xnorkit.data.registry import create_data, list_data

__all__ = [
    "Augmentation",
    "BatchOrder",
    "DataOptions",
    "ImageBatches",
    "ImageData",
    "MemoryData",
    "Split",
    "create_data",
    "digits",
    "list_data",
    "mnist",
    "normalize",
]
