"""Image data sets: registry and options; normalisation, augmentation and batch order defined once."""

from xnorkit.data.base import ImageData
from xnorkit.data.batches import Augmentation, ImageBatches, Split
from xnorkit.data.cifar import cifar10, cifar100
from xnorkit.data.digits import digits
from xnorkit.data.folders import imagefolder, imagenet
from xnorkit.data.memory import MemoryData
from xnorkit.data.mnist import fashion_mnist, mnist
from xnorkit.data.normalize import normalize
from xnorkit.data.options import DataOptions
from xnorkit.data.order import BatchOrder
from xnorkit.data.photos import PhotoData
from xnorkit.data.registry import create_data, list_data

__all__ = [
    "Augmentation",
    "BatchOrder",
    "DataOptions",
    "ImageBatches",
    "ImageData",
    "MemoryData",
    "PhotoData",
    "Split",
    "cifar10",
    "cifar100",
    "create_data",
    "digits",
    "fashion_mnist",
    "imagefolder",
    "imagenet",
    "list_data",
    "mnist",
    "normalize",
]
