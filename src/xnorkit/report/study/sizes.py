"""The sizes of networks: files, weights, loaded programs, and the three networks of Figure 4a."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise

from xnorkit import runtime
from xnorkit.bench.model import float_bytes
from xnorkit.bench.subjects import load_subject
from xnorkit.models import count_weights, create_model
from xnorkit.report.records import Record
from xnorkit.report.study.study import Step, Study, blank, measured

__all__ = ["counted_steps", "measured_steps", "vgg19_counts"]

REGISTERED = {"AlexNet": "alexnet", "ResNet-18": "resnet18"}
# Channels of VGG-19's 3x3 convolutions, and sizes of its linear layers, with biases: Simonyan and Zisserman (2015), E.
VGG19_CHANNELS = (3, 64, 64, 128, 128, *(256,) * 4, *(512,) * 8)
VGG19_LINEAR = (25_088, 4096, 4096, 1000)


def measured_steps(study: Study) -> Iterable[Step]:
    """Yield one step per network and family."""
    for model, family in study.plan.memory:
        record = blank("memory", f"{model}/{family}", {"model": model, "family": family}, f"xnorkit inspect {model}")
        yield Step(f"memory of {model}, {family}", 1.0, [record], partial(_measure, record))


def counted_steps(study: Study) -> Iterable[Step]:
    """Yield one step per network of Figure 4a: its weights in double, float, and bits."""
    for name in study.plan.paper_models:
        record = blank("paper-memory", name, {"model": name}, "xnorkit report --only paper-memory")
        yield Step(f"memory of {name}, counted", 0.5, [record], partial(_count, record))


def vgg19_counts() -> tuple[int, int]:
    """Return the parameters of VGG-19, and the binary ones: all weights but those of the first and last layers."""
    convolutions = [9 * a * b for a, b in pairwise(VGG19_CHANNELS)]
    linear = [a * b for a, b in pairwise(VGG19_LINEAR)]
    biases = sum(VGG19_CHANNELS[1:]) + sum(VGG19_LINEAR[1:])
    return sum(convolutions) + sum(linear) + biases, sum(convolutions[1:]) + sum(linear[:-1])


def _measure(record: Record) -> list[Record]:
    """Fill in the sizes of the packed file and its program for one image, or of PyTorch's weights and statistics."""
    model, family = str(record.subject["model"]), str(record.subject["family"])
    counts = count_weights(model, family)
    if family == "float":
        file = weights = resident = float_bytes(create_model(model, binarization="float"))
    else:
        subject = load_subject(model, family)
        program = runtime.Model(subject.graph, threads=1)
        file, weights = subject.file_bytes, program.weight_bytes
        resident = weights + program.arena_bytes
    values = {"file_bytes": file, "weight_bytes": weights, "resident_bytes": resident}
    return [measured(record, {**values, "binary_params": counts.binary_weights, "params": counts.params})]


def _count(record: Record) -> list[Record]:
    name = str(record.subject["model"])
    params, binary = count_weights(REGISTERED[name], "xnor") if name in REGISTERED else vgg19_counts()
    values = {
        "params": params,
        "binary_params": binary,
        "float_bytes": 4 * params,
        "double_bytes": 8 * params,
        # bits of the binary weights; the rest, mainly the first and the last layer, stays float32
        "packed_bytes": -(-binary // 8) + 4 * (params - binary),
        # as if every parameter were a bit, as in the paper's figure
        "all_bits_bytes": -(-params // 8),
    }
    return [measured(record, values)]
