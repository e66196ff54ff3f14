"""Figure 4a of the XNOR-Net paper: weights of three ImageNet networks, in double, float, and bits."""

from collections.abc import Iterable
from itertools import pairwise

from xnorkit.models import count_weights
from xnorkit.report.records import Record
from xnorkit.report.study.step import Step, blank, measured
from xnorkit.report.study.study import Study

__all__ = ["steps", "vgg19_counts"]

REGISTERED = {"AlexNet": "alexnet", "ResNet-18": "resnet18"}
# Channels of VGG-19's 3x3 convolutions, and sizes of its linear layers, with biases: Simonyan and Zisserman (2015), E.
VGG19_CHANNELS = (3, 64, 64, 128, 128, *(256,) * 4, *(512,) * 8)
VGG19_LINEAR = (25_088, 4096, 4096, 1000)
FLOAT_BYTES, DOUBLE_BYTES, BITS = 4, 8, 8


def steps(study: Study) -> Iterable[Step]:
    """Yield one step per network."""
    for name in study.plan.paper_models:
        yield _step(name)


def vgg19_counts() -> tuple[int, int]:
    """Return parameters of VGG-19, and those that are binary: weights of all layers but the first and the last."""
    convolutions = [9 * a * b for a, b in pairwise(VGG19_CHANNELS)]
    linear = [a * b for a, b in pairwise(VGG19_LINEAR)]
    biases = sum(VGG19_CHANNELS[1:]) + sum(VGG19_LINEAR[1:])
    return sum(convolutions) + sum(linear) + biases, sum(convolutions[1:]) + sum(linear[:-1])


def _step(name: str) -> Step:
    record = blank("paper-memory", name, {"model": name}, "xnorkit report --only paper-memory")

    def measure() -> Iterable[Record]:
        params, binary = count_weights(REGISTERED[name], "xnor") if name in REGISTERED else vgg19_counts()
        values = {
            "params": params,
            "binary_params": binary,
            "float_bytes": FLOAT_BYTES * params,
            "double_bytes": DOUBLE_BYTES * params,
            # bits of the binary weights; all else, the first and the last layer above all, stays float32
            "packed_bytes": -(-binary // BITS) + FLOAT_BYTES * (params - binary),
            # as if every parameter were a bit, which is what the paper draws
            "all_bits_bytes": -(-params // BITS),
        }
        yield measured(record, values)

    return Step(f"memory of {name}, counted", 0.5, [record], measure)
