"""Making the ends of a model 8-bit in place."""

import pytest
import torch
from torch import Tensor, nn

from xnorkit.errors import ExportError, InputError
from xnorkit.export import pack
from xnorkit.models import create_model
from xnorkit.nn import BConfig, BinaryConv2d, BinaryLinear, prepare_binary_model, project_
from xnorkit.nn.integer import QuantConv2d, QuantLinear
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.nn.quantizers import LearnedQuantizer, PixelQuantizer
from xnorkit.ops import BasicInputBinarizer, XNORWeightBinarizer

MEAN, STD = [0.1307], [0.3081]


def images(count: int) -> tuple[Tensor, Tensor]:
    u = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(count))
    return u, (u.to(torch.float32) / 255 - MEAN[0]) / STD[0]


def test_lenet5() -> None:
    torch.manual_seed(0)
    model = create_model("lenet5")
    before = dict(model.named_parameters())
    layer, calls = model.conv1, []
    layer.register_forward_hook(lambda *_: calls.append(1))
    assert quantize_first_last_(model, mean=MEAN, std=STD) == ("conv1", "classifier")
    assert model.conv1 is layer
    assert type(model.conv1) is QuantConv2d
    assert type(model.classifier) is QuantLinear
    after = dict(model.named_parameters())
    assert set(after) - set(before) == {"classifier.input_quantizer.log2_scale"}
    assert all(after[name] is parameter for name, parameter in before.items())
    u, x = images(4)
    model(x).sum().backward()
    assert calls == [1]
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.classifier.input_quantizer.zero_point() == 0, "a ReLU stands in front: uint8"
    project_(model)
    model.eval()
    assert torch.equal(model(x), model(u)), "the image may be given as pixels"


def test_trains_as_well_as_the_float_ends() -> None:
    """A few steps on one batch: the loss falls by the same share with 8-bit ends, and all its numbers move."""
    losses = {}
    for quantized in (False, True):
        torch.manual_seed(1)
        model = create_model("lenet5")
        if quantized:
            quantize_first_last_(model, mean=MEAN, std=STD)
        _, x = images(32)
        labels = torch.arange(32) % 10
        optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
        for _ in range(12):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            project_(model)
        losses[quantized] = loss.item()
    assert losses[True] < 0.5
    assert losses[True] < 1.3 * losses[False] + 0.05
    assert model.classifier.input_quantizer.log2_scale.item() != 0


def test_choice() -> None:
    model = create_model("lenet5")
    assert quantize_first_last_(model, first=False) == ("classifier",)
    assert type(model.conv1) is nn.Conv2d
    scale = model.classifier.input_quantizer
    assert quantize_first_last_(model, first="conv1", last=True, mean=MEAN, std=STD) == ("conv1",)
    assert model.classifier.input_quantizer is scale, "an 8-bit layer keeps its scale"
    assert quantize_first_last_(model, mean=MEAN, std=STD) == ()


def test_names_where_registration_is_not_the_order() -> None:
    model = nn.ModuleDict({"head": nn.Linear(4, 2), "stem": nn.Conv2d(3, 4, 3)})
    assert quantize_first_last_(model, first="stem", last="head", mean=[0.5] * 3, std=[0.5] * 3) == ("stem", "head")
    assert type(model["stem"].input_quantizer) is PixelQuantizer
    assert type(model["head"].input_quantizer) is LearnedQuantizer


def test_last_convolution_and_first_linear() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 8), nn.Unflatten(1, (8, 1, 1)), nn.Conv2d(8, 2, 1, padding=1))
    assert quantize_first_last_(model, mean=[0.5], std=[0.5]) == ("1", "3")
    assert type(model[3].input_quantizer) is LearnedQuantizer
    assert model(torch.randn(2, 1, 3, 3)).shape == (2, 2, 3, 3)


def test_precision_device_and_mode_follow_the_layer() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2)).double().eval()
    quantize_first_last_(model, mean=[0.5], std=[0.5])
    assert model[0].input_quantizer.mean.dtype == torch.float64
    assert not model[1].input_quantizer.training
    meta = nn.Sequential(nn.Conv2d(1, 2, 3, device="meta"))
    quantize_first_last_(meta, last=False, mean=[0.5], std=[0.5])
    assert meta[0].input_quantizer.mean.device.type == "meta"


def test_after_preparing_and_preparing_again() -> None:
    config = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    prepare_binary_model(model, config, ignore_layers_name=["_first_", "_last_"])
    assert quantize_first_last_(model, mean=MEAN, std=STD) == ("0", "3")
    ends = model[0], model[3]
    prepare_binary_model(model, config)
    assert (model[0], model[3]) == ends, "8-bit layers are none that are made binary"
    assert type(model[1]) is BinaryConv2d


def test_shared_layer_is_8_bit_at_every_alias() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1)
    model = nn.ModuleDict({"a": conv, "b": nn.ModuleList([conv]), "c": nn.Linear(2, 2)})
    quantize_first_last_(model, last=False, mean=[0.5], std=[0.5])
    assert type(model["b"][0]) is QuantConv2d


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (nn.ReLU, {}, "ReLU has no convolution or linear layer"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3)), {}, "mean=None, std=None, but both must"),
        (lambda: nn.Sequential(BinaryConv2d(1, 2, 3), nn.Linear(2, 2)), {}, "first layer '0' is a BinaryConv2d"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), BinaryLinear(2, 2)), {}, "last layer '1' is a BinaryLinear"),
        (lambda: nn.Sequential(nn.Conv1d(1, 2, 3)), {}, "first layer '0' is a Conv1d"),
        (lambda: create_model("lenet5"), {"first": "conv"}, "first='conv', but it must be .*'conv1'"),
        (lambda: nn.Sequential(nn.Conv2d(3, 2, 3)), {}, "mean and std have 1 channels, but they must have 3"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(33_001, 1)), {}, "has 33001 weights"),
    ],
)
def test_refused(make, options: dict[str, object], message: str) -> None:
    model = make()
    types = [type(m) for m in model.modules()]
    images_are = {} if "mean=None" in message else {"mean": MEAN, "std": STD}
    with pytest.raises(InputError, match=message):
        quantize_first_last_(model, **options, **images_are)
    assert [type(m) for m in model.modules()] == types, "refused as a whole"


def test_export_names_the_layer_whose_scale_is_not_settled() -> None:
    model = create_model("lenet5").eval()
    quantize_first_last_(model, first=False)
    with pytest.raises(ExportError, match="'classifier': the input scale of this layer is not settled"):
        pack(model, (1, 28, 28))
