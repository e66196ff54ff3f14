"""How models, data sets, families and engines are called on the page."""

from xnorkit.report.page.document import Inlines, Name, say

__all__ = ["dataset", "engine", "family", "model", "short_model", "threads"]

NETWORKS = {
    "lenet": "LeNet-",
    "nin": "NIN",
    "alexnet": "AlexNet",
    "resnet": "ResNet-",
    "vgg-small": "VGG-small",
    "vgg": "VGG-",
    "bireal-resnet": "Bi-Real ResNet-",
    "reactnet-resnet": "ReActNet-",
    "reactnet-a": "ReActNet-A",
    "quicknet": "QuickNet",
}
DATASETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar10-whitened": "CIFAR-10, whitened",
    "cifar100": "CIFAR-100",
    "digits": "scikit-learn's digits",
    "imagenet": "ImageNet",
}
FAMILIES = {"float": "float32", "bwn": "BWN", "xnor": "XNOR", "xnor-k": "XNOR with K", "recu": "ReCU", "react": "ReAct"}
ENGINES = {
    "xnorkit": "xnorkit",
    "torch_f32": "PyTorch",
    "torch_compile_f32": "PyTorch compiled",
    "onnxruntime_f32": "ONNX Runtime",
    "openvino_f32": "OpenVINO",
    "onnxruntime_int8": "ONNX Runtime int8",
    "openvino_int8": "OpenVINO int8",
}
TAILS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "224": "224"}


def model(name: object) -> Name:
    """Return a model's name with its data set, as in "ResNet-18, CIFAR-10"."""
    head, _, tail = _split(str(name))
    return Name(f"{head}, {TAILS[tail]}" if tail else head)


def short_model(name: object) -> Name:
    """Return a model's name alone, as in "ResNet-18"."""
    return Name(_split(str(name))[0])


def dataset(name: object) -> Name:
    """Return a data set's name."""
    return Name(DATASETS.get(str(name), str(name)))


def family(name: object) -> Name:
    """Return the name of a binarization."""
    return Name(FAMILIES.get(str(name), str(name)))


def engine(name: object) -> Name:
    """Return an engine's name."""
    return Name(ENGINES.get(str(name), str(name)))


def threads(count: object) -> Inlines:
    """Return "1 thread" or "2 threads"."""
    return say("{n} thread" if str(count) == "1" else "{n} threads", n=Name(str(count)))


def _split(name: str) -> tuple[str, str, str]:
    """Return the written network, '-', and the tail that names a data set or an image size ('' if none)."""
    stem, dash, tail = name.rpartition("-")
    if tail not in TAILS:
        stem, dash, tail = name, "", ""
    for start in sorted(NETWORKS, key=len, reverse=True):
        if stem.startswith(start):
            written = NETWORKS[start]
            rest = stem[len(start) :]
            return written + (rest if written.endswith("-") else rest.replace("-", " ")), dash, tail
    return stem, dash, tail
