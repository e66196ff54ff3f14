"""The names of models, data sets, binarizations and engines on the page."""

__all__ = ["dataset", "engine", "family", "model", "short_model", "threads", "variant"]

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
TAILS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "224": "224"}
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
    "torch_f32": "PyTorch",
    "torch_compile_f32": "PyTorch compiled",
    "onnxruntime_f32": "ONNX Runtime",
    "openvino_f32": "OpenVINO",
    "onnxruntime_int8": "ONNX Runtime int8",
    "openvino_int8": "OpenVINO int8",
}
RULES = {"paper": "as the paper prints", "seeds": "XNOR-Net-PyTorch", "ste": "straight-through alone"}


def model(name: str) -> str:
    """Return a model's name with its data set, as in "ResNet-18, CIFAR-10"."""
    stem, _, tail = name.rpartition("-")
    return f"{_network(stem)}, {TAILS[tail]}" if tail in TAILS else _network(name)


def short_model(name: str) -> str:
    """Return a model's name alone, as in "ResNet-18"."""
    return model(name).partition(",")[0]


def dataset(name: str) -> str:
    """Return a data set's name."""
    return DATASETS.get(name, name)


def family(name: str) -> str:
    """Return the name of a binarization."""
    return FAMILIES.get(name, name)


def engine(name: str) -> str:
    """Return an engine's name; our own may carry a family, as in "xnorkit XNOR"."""
    own, _, binarization = name.partition(" ")
    return f"{own} {family(binarization)}" if binarization else ENGINES.get(name, name)


def variant(name: str) -> str:
    """Return the name of a gradient rule or of a change to the binarization."""
    return RULES.get(name, name)


def threads(number: object) -> str:
    """Return "1 thread" or "2 threads"."""
    return f"{number} thread{'' if str(number) == '1' else 's'}"


def _network(stem: str) -> str:
    for start in sorted(NETWORKS, key=len, reverse=True):
        if stem.startswith(start):
            written, rest = NETWORKS[start], stem[len(start) :]
            return written + (rest if written.endswith("-") else rest.replace("-", " "))
    return stem
