"""Image data sets: the registry, the options, and one definition of normalisation, augmentation and batch order."""

import typing

from xnorkit.lazy import attach as _attach

if typing.TYPE_CHECKING:
    from xnorkit.data._torchvision import repair_torchvision
    from xnorkit.data.base import ImageData
    from xnorkit.data.batches import Augmentation, ImageBatches, normalize
    from xnorkit.data.caffe_lmdb import imagenet_lmdb
    from xnorkit.data.cifar import cifar10, cifar100
    from xnorkit.data.cifar_whitened import Whitening, cifar10_whitened, contrast_normalized, write_cifar10_whitened
    from xnorkit.data.folders import imagefolder, imagenet
    from xnorkit.data.memory import MemoryData
    from xnorkit.data.mnist_files import fashion_mnist, mnist
    from xnorkit.data.options import DataOptions
    from xnorkit.data.order import BatchOrder
    from xnorkit.data.photos import PhotoData
    from xnorkit.data.registry import create_data, list_data
    from xnorkit.data.shard_writer import write_shards
    from xnorkit.data.shards import imagenet_webdataset, webdataset
    from xnorkit.data.sklearn_digits import digits
    from xnorkit.data.split import Split

__all__ = [
    "Augmentation",
    "BatchOrder",
    "DataOptions",
    "ImageBatches",
    "ImageData",
    "MemoryData",
    "PhotoData",
    "Split",
    "Whitening",
    "cifar10",
    "cifar10_whitened",
    "cifar100",
    "contrast_normalized",
    "create_data",
    "digits",
    "fashion_mnist",
    "imagefolder",
    "imagenet",
    "imagenet_lmdb",
    "imagenet_webdataset",
    "list_data",
    "mnist",
    "normalize",
    "repair_torchvision",
    "webdataset",
    "write_cifar10_whitened",
    "write_shards",
]

_NAMES = {
    "_torchvision": ("repair_torchvision",),
    "base": ("ImageData",),
    "batches": ("Augmentation", "ImageBatches", "normalize"),
    "caffe_lmdb": ("imagenet_lmdb",),
    "cifar": ("cifar10", "cifar100"),
    "cifar_whitened": ("Whitening", "cifar10_whitened", "contrast_normalized", "write_cifar10_whitened"),
    "sklearn_digits": ("digits",),
    "folders": ("imagefolder", "imagenet"),
    "memory": ("MemoryData",),
    "mnist_files": ("fashion_mnist", "mnist"),
    "options": ("DataOptions",),
    "order": ("BatchOrder",),
    "photos": ("PhotoData",),
    "registry": ("create_data", "list_data"),
    "shard_writer": ("write_shards",),
    "shards": ("imagenet_webdataset", "webdataset"),
    "split": ("Split",),
}


if not typing.TYPE_CHECKING:  # a name that does not exist is an error for type checkers
    __getattr__, __dir__ = _attach(__name__, _NAMES)
