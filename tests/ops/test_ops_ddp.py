"""One model that holds every binarizer, trained on two processes, equals the same model on one."""

import os
import socket
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from ops_cases import INPUTS, NAMES, OUTPUTS, WEIGHTS, build, image
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from xnorkit import ops

DRAWS = {"AdvancedNoisyInputBinarizer", "StochasticInputBinarizer"}
SEES_THE_BATCH = "MagnitudeAwareSignBinarizer"  # its scale is a mean over the batch of each process


class Layer(nn.Conv2d):
    """post(conv(pre(x), weight_pre(W)), x)."""

    def __init__(self, pre: str, weight: str, post: str) -> None:
        super().__init__(4, 4, 3, padding=1, groups=2)
        self.pre, self.weight_pre, self.post = (build(getattr(ops, name), self) for name in (pre, weight, post))

    def forward(self, x: Tensor) -> Tensor:
        return self.post(self._conv_forward(self.pre(x), self.weight_pre(self.weight), self.bias), x)


class All(nn.Module):
    """As many parallel layers as there are activation binarizers, with all others among them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Layer(name, WEIGHTS[i % len(WEIGHTS)], OUTPUTS[i % len(OUTPUTS)]) for i, name in enumerate(INPUTS)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([layer(x) for layer in self.layers]).mean((0, 3, 4))


def steps(model: nn.Module, x: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        F.mse_loss(model(x), torch.ones(len(x), 4)).backward()
        optimizer.step()


def fresh_model() -> All:
    torch.manual_seed(0)
    model = All()
    for layer in model.layers:
        if type(layer.pre).__name__ in DRAWS:
            layer.pre.eval()  # two processes draw other numbers than one
    return model


def worker(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    model = DistributedDataParallel(fresh_model())
    steps(model, image(8, 4, 5, 5)[rank::2])
    torch.save(model.module.state_dict(), Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path: Path) -> None:
    model = fresh_model()
    held = {type(m).__name__ for m in model.modules()}
    assert set(NAMES) <= held
    start = {k: v.clone() for k, v in model.state_dict().items()}
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    mp.spawn(worker, (port, str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    steps(model, image(8, 4, 5, 5))
    single = model.state_dict()
    assert any(not torch.equal(start[k], v) for k, v in first.items())
    for key, value in first.items():
        assert torch.equal(value, second[key]), key
        owner = model.layers[int(key.split(".")[1])]
        if type(owner.pre).__name__ != SEES_THE_BATCH:
            torch.testing.assert_close(value, single[key], rtol=1e-4, atol=1e-6)
