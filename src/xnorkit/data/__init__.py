"""Image data sets: the registry, the options, and one definition of normalisation, augmentation and batch order."""

from xnorkit.data.base import ImageData
from xnorkit.data.batches import Augmentation, ImageBatches, Split, normalize
from xnorkit.data.caffe_lmdb import imagenet_lmdb
from xnorkit.data.cifar import cifar10, cifar100
from xnorkit.data.cifar_whitened import Whitening, cifar10_whitened, contrast_normalized, write_cifar10_whitened
from xnorkit.data.digits import digits
from xnorkit.data.folders import imagefolder, imagenet
from xnorkit.data.memory import MemoryData
from xnorkit.data.mnist import fashion_mnist, mnist
from xnorkit.data.options import DataOptions
from xnorkit.data.order import BatchOrder
from xnorkit.data.photos import PhotoData
from xnorkit.data.registry import create_data, list_data
from xnorkit.data.shard_writer import write_shards
from xnorkit.data.shards import imagenet_webdataset, webdataset

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
    "webdataset",
    "write_cifar10_whitened",
    "write_shards",
]
