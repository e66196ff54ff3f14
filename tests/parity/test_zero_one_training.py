"""A network with ReLUs in front of its signs, trained on the digits: dead with signs, alive with 0 and 1, and exact."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from xnorkit.data import create_data
from xnorkit.export import pack, verify
from xnorkit.nn import BConfig, prepare_binary_model
from xnorkit.ops import BasicInputBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.runtime import Model

pytestmark = pytest.mark.filterwarnings("ignore::xnorkit.errors.BinarizationWarning")
EPOCHS, BATCH = 4, 64


def network(binarizer: type) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 48, 3, padding=1),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(48, 48, 3, padding=1),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(10),
    )
    model(torch.zeros(2, 1, 8, 8))
    config = BConfig(binarizer, weight_pre_process=XNORWeightBinarizer)
    return prepare_binary_model(model, config, ignore_layers_name=["_first_", "_last_"])


def accuracy_after_training(model: nn.Module, data: tuple[torch.Tensor, ...]) -> float:
    images, labels, test_images, test_labels = data
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images), generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(model.train()(images[batch]), labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return (model.eval()(test_images).argmax(1) == test_labels).float().mean().item()


def test_it_learns_and_deploys() -> None:
    digits = create_data("digits")
    parts = []
    for split in (digits.train, digits.test):
        images = F.interpolate(torch.as_tensor(split.images).float().reshape(-1, 1, 28, 28), size=(8, 8), mode="area")
        parts += [(images - images.mean()) / images.std(), torch.as_tensor(split.labels).long()]
    data = tuple(parts)
    assert accuracy_after_training(network(BasicInputBinarizer), data) < 0.3
    model = network(SteHeavisideBinarizer)
    assert accuracy_after_training(model, data) > 0.6
    proof = verify(model, Model(pack(model, (1, 8, 8))), data[2])
    assert proof.binary_outputs_equal
    assert proof.predictions_equal == proof.images == len(data[2])
