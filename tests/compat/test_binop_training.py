"""The training and evaluation loops that BinOp was written for, on tiny data: they run, and the loss falls.

Three programs: AlexNet on ImageNet (Conv2d and Linear), NIN on CIFAR-10 (Conv2d only), LeNet-5 on MNIST.
"""

import pytest
import torch
from torch import nn
from torch.autograd import Variable

from xnorkit.compat.bin_conv import BinConv2d
from xnorkit.compat.binop import BinOp

CLASSES = 4
Loader = list[tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(1)


def loader(shape: tuple[int, ...], batches: int) -> Loader:
    """The same few images in every batch: a class is a fixed pattern plus noise."""
    patterns = torch.randn(CLASSES, *shape)
    target = torch.arange(24) % CLASSES
    return [(patterns[target] + 0.3 * torch.randn(24, *shape), target) for _ in range(batches)]


def two_values_per_filter(bin_op: BinOp) -> bool:
    return all(w.detach()[0].abs().unique().numel() == 1 for w in bin_op.target_modules)


class TinyAlexNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=0),
            nn.BatchNorm2d(8, eps=1e-4, momentum=0.1, affine=True),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            BinConv2d(8, 12, kernel_size=5, stride=1, padding=2, groups=1),
            BinConv2d(12, 8, kernel_size=3, stride=1, padding=1, groups=1),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            BinConv2d(8, 16, Linear=True),
            BinConv2d(16, 16, dropout=0.5, Linear=True),
            nn.BatchNorm1d(16, eps=1e-3, momentum=0.1, affine=True),
            nn.Dropout(),
            nn.Linear(16, CLASSES),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x)
        x = x.view(x.size(0), 8)
        return self.classifier(x)


class TinyLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=3, stride=1)
        self.bn_conv1 = nn.BatchNorm2d(6, eps=1e-4, momentum=0.1, affine=False)
        self.relu_conv1 = nn.ReLU(inplace=True)
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.bin_conv2 = BinConv2d(6, 8, kernel_size=3, stride=1, padding=0)
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.bin_ip1 = BinConv2d(8 * 4, 16, Linear=True, previous_conv=True, size=4)
        self.ip2 = nn.Linear(16, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d) and m.weight is not None:
                m.weight.data.clamp_(min=0.01)
        x = self.pool1(self.relu_conv1(self.bn_conv1(self.conv1(x))))
        x = self.pool2(self.bin_conv2(x))
        return self.ip2(self.bin_ip1(x))


def tiny_nin() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, kernel_size=5, stride=1, padding=2),
        nn.BatchNorm2d(8, eps=1e-4, momentum=0.1, affine=False),
        nn.ReLU(inplace=True),
        BinConv2d(8, 8, kernel_size=1, stride=1, padding=0),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        BinConv2d(8, 8, kernel_size=3, stride=1, padding=1, dropout=0.5),
        nn.BatchNorm2d(8, eps=1e-4, momentum=0.1, affine=False),
        nn.Conv2d(8, CLASSES, kernel_size=1, stride=1, padding=0),
        nn.ReLU(inplace=True),
        nn.AvgPool2d(kernel_size=4, stride=1, padding=0),
        nn.Flatten(),
    )


@pytest.mark.parametrize("scale_1e9", [False, True])
def test_imagenet_loop(scale_1e9: bool) -> None:
    model = TinyAlexNet()
    model.features = nn.DataParallel(model.features)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.01, weight_decay=1e-5)
    bin_op = BinOp(model, scale_1e9=scale_1e9)
    assert bin_op.num_of_params == 4

    losses = []
    model.train()
    for input_, target in loader((3, 15, 15), 30):
        input_var = Variable(input_)
        target_var = Variable(target)

        bin_op.binarization()
        assert two_values_per_filter(bin_op)
        output = model(input_var)
        loss = criterion(output, target_var)
        losses.append(loss.data.item())

        optimizer.zero_grad()
        loss.backward()

        bin_op.restore()
        bin_op.updateBinaryGradWeight()

        optimizer.step()
    assert not two_values_per_filter(bin_op)
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])

    before = [w.detach().clone() for w in bin_op.target_modules]
    model.eval()
    bin_op.binarization()
    for input_, target in loader((3, 15, 15), 1):
        with torch.no_grad():
            input_var = Variable(input_)
            target_var = Variable(target)
        loss = criterion(model(input_var), target_var)
        assert torch.isfinite(loss)
    bin_op.restore()
    for w, old in zip(bin_op.target_modules, before, strict=True):  # evaluation centres and clamps, nothing else
        torch.testing.assert_close(w.detach(), (old - old.mean(1, keepdim=True)).clamp(-1, 1), rtol=0, atol=0)


def test_cifar_loop_with_convolutions_only() -> None:
    model = tiny_nin()
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            m.weight.data.normal_(0, 0.05)
            m.bias.data.zero_()
    params = [{"params": [value], "lr": 0.01, "weight_decay": 0.00001} for value in model.parameters()]
    optimizer = torch.optim.Adam(params, lr=0.01, weight_decay=0.00001)
    criterion = nn.CrossEntropyLoss()
    bin_op = BinOp(model, layers="conv")
    assert bin_op.num_of_params == 2

    losses = []
    model.train()
    for data, target in loader((3, 8, 8), 30):
        bin_op.binarization()
        assert two_values_per_filter(bin_op)
        data_var, target_var = Variable(data), Variable(target)
        optimizer.zero_grad()
        output = model(data_var)
        loss = criterion(output, target_var)
        loss.backward()
        bin_op.restore()
        bin_op.updateBinaryGradWeight()
        optimizer.step()
        losses.append(loss.data.item())
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


@pytest.mark.parametrize("rule", ["xnor-net-pytorch", "exact"])
def test_mnist_loop(rule: str) -> None:
    model = TinyLeNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-5)
    bin_op = BinOp(model, rule=rule)
    assert [w.shape[0] for w in bin_op.target_modules] == [8, 16]

    losses = []
    model.train()
    for data, target in loader((1, 16, 16), 30):
        data_var, target_var = Variable(data), Variable(target)
        optimizer.zero_grad()
        bin_op.binarization()
        output = model(data_var)
        loss = criterion(output, target_var)
        loss.backward()
        bin_op.restore()
        bin_op.updateBinaryGradWeight()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert {"bin_conv2.conv.weight", "bin_ip1.linear.weight"} <= set(model.state_dict())
