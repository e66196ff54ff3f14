"""What is packed is what the model does: mutation, aliasing, hooks, state, default arguments, views, every spelling.

Each case is a forward that users write. It is packed to the model's own numbers, or refused by one error that names
what is wrong; never another answer.
"""

import math
import random

import pytest
import torch
import torch.nn.functional as F
from captured import SHAPE, Forward, Net, before, proved, spelled
from torch import Tensor

from xnorkit.errors import ExportError
from xnorkit.export import pack


def aliased_sum(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    keep = x
    x += s.a(x)
    return s.end(s.b(x) + keep)


def added_as_a_statement(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    z = y * 2
    y.add_(s.a(y))
    return s.end(s.b(y) + z)


def relu_in_place_and_read_again(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    y = F.relu(x, inplace=True)
    return s.end(s.a(y - 0.5) + x)


def module_in_place_with_its_result_unused(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    s.relu(x)
    return s.end(s.a(x - 0.3) + x)


def relu_underscore(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    y = F.relu_(x)
    return s.end(s.a(x + y - 0.5))


def view_before_a_write(s: Net, x: Tensor) -> Tensor:
    x = s.n(s.c(x))
    v = x[:, :4]
    x.relu_()
    return s.end(s.a(torch.cat([v, v], 1) - 0.3))


def image_written_to(s: Net, x: Tensor) -> Tensor:
    x.mul_(2)
    return s.end(s.a(s.n(s.c(x))))


EQUAL: dict[str, Forward] = {
    "x += with another name for x": aliased_sum,
    "add_ as a statement": added_as_a_statement,
    "relu inplace=True, x read again": relu_in_place_and_read_again,
    "self.relu(x) in place": module_in_place_with_its_result_unused,
    "relu_ and both names": relu_underscore,
    "a view, then a write": view_before_a_write,
    "a write into the image": image_written_to,
    "mean by keyword": spelled(lambda s, x: s.f(torch.mean(input=x, dim=(2, 3)))),
    "mean, keepdim, squeeze": spelled(lambda s, x: s.f(x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2))),
    "flatten(2).mean(2)": spelled(lambda s, x: s.f(x.flatten(2).mean(2))),
    "mean of a mean is refused or equal": spelled(lambda s, x: s.f(F.adaptive_avg_pool2d(x, 1).mean((2, 3)))),
    "view(n, c, -1).mean(-1)": spelled(lambda s, x: s.f(x.view(x.size(0), x.size(1), -1).mean(-1))),
    "mean of some channels": spelled(lambda s, x: s.f(torch.cat([x[:, :4], x[:, 4:]], 1).mean((2, 3)))),
    "cat by keyword": before(lambda s, x: torch.cat(tensors=(x[:, 4:], x[:, :4]), dim=1) - 0.1),
    "clamp by keyword": before(lambda s, x: torch.clamp(input=x, min=-0.5, max=0.25)),
    "clamp(min=0)": before(lambda s, x: x.clamp(min=0) - 0.2),
    "clamp_min(.1)": before(lambda s, x: x.clamp_min(0.1) - 0.4),
    "clamp with crossed bounds": before(lambda s, x: x.clamp(0.5, -0.25) + x),
    "clamp without bounds": before(lambda s, x: x.clamp(-math.inf, math.inf) + x),
    "clamp with equal bounds": before(lambda s, x: x.clamp(0.25, 0.25) + x),
    "relu6 and hardtanh": before(lambda s, x: F.relu6(x) + F.hardtanh(x, -0.2, 0.3) - 0.3),
    "avg_pool2d by keyword": before(lambda s, x: F.avg_pool2d(input=x, kernel_size=3, stride=1, padding=1)),
    "max_pool2d by keyword": before(lambda s, x: F.max_pool2d(input=x, kernel_size=2)),
    "conv2d by keyword": before(lambda s, x: F.conv2d(input=x, weight=s.a.weight[:8] * 2, bias=None, padding=1)),
    "linear by call": lambda s, x: F.linear(s.a(s.n(s.c(x))).mean((2, 3)), s.f.weight, s.f.bias),
    "matmul": lambda s, x: s.a(s.n(s.c(x))).mean((2, 3)) @ s.f.weight.t(),
    "batch_norm by call": before(lambda s, x: F.batch_norm(x, s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias)),
    "expand_as": before(lambda s, x: x * s.scale.expand_as(x)),
    "constant per batch": before(lambda s, x: x * torch.full((len(x), 8, 1, 1), 0.5) - 0.1),
    "arange": before(lambda s, x: x - torch.arange(8.0)[:, None, None] / 8),
    "rsub and rdiv": before(lambda s, x: (1 - x) / 2),
    "dropout in evaluation": before(lambda s, x: F.dropout(x, 0.5, s.training)),
    "pad by eight numbers": before(lambda s, x: F.pad(x, (1, 1, 0, 2, 0, 0, 0, 0))),
    "permute there and back": before(lambda s, x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)),
    "transpose, contiguous, view": before(
        lambda s, x: x.view(len(x), 2, 4, 8, 8).transpose(1, 2).contiguous().view(len(x), 8, 8, 8)
    ),
    "split of unequal parts": before(lambda s, x: torch.cat([part * 2 for part in x.split([1, 2, 5], dim=1)], 1)),
    "unbind and stack of channels by cat": before(lambda s, x: torch.cat(x.split(1, 1)[::-1], 1)),
    "channel shuffle": before(lambda s, x: F.channel_shuffle(x, 4)),
    "a shape check": before(lambda s, x: x if x.dim() == 4 and x.shape[1] == 8 else x.relu()),
    "the mean of one logit": lambda s, x: s.f(s.a(s.n(s.c(x))).mean((2, 3)))[:, :1],
    "one logit, squeezed": lambda s, x: s.f(s.a(s.n(s.c(x))).mean((2, 3)))[:, :1].squeeze(1),
    "float there": before(lambda s, x: x.float()),
    "dead code that has no counterpart": before(lambda s, x: (x.sort(1), x)[1]),
    "prelu by call": before(lambda s, x: F.prelu(x, torch.full((8,), 0.25)) - 0.1),
    "leaky_relu_": before(lambda s, x: F.leaky_relu_(x, 0.1) - 0.1),
    "softmax by call": lambda s, x: F.softmax(input=s.end(s.a(s.n(s.c(x)))), dim=1),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal(name: str) -> None:
    proved(Net(EQUAL[name]))


def stateful(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    y = y if s.kept is None else y + s.kept.mean()
    s.kept = y.detach().clone()
    return s.end(s.a(y))


def counted(s: Net, x: Tensor) -> Tensor:
    s.calls += 1
    return s.end(s.a(s.n(s.c(x)))) * s.calls


def counted_in_a_buffer(s: Net, x: Tensor) -> Tensor:
    s.count += 1
    return s.end(s.a(s.n(s.c(x)))) * s.count


def kept_in_a_buffer(s: Net, x: Tensor) -> Tensor:
    y = s.n(s.c(x))
    s.count.copy_(y.mean().detach().reshape(1))
    return s.end(s.a(y))


REFUSED: dict[str, tuple[Forward, str]] = {
    "mean over rows": (spelled(lambda s, x: s.f(x.mean(2)[:, :, 0])), "'mean' is a mean to"),
    "mean over channels and rows": (spelled(lambda s, x: s.f(x.mean((1, 2)))), "'mean' is a mean to"),
    "mean over channels and columns": (spelled(lambda s, x: s.f(x.mean((1, 3)))), "'mean' is a mean to"),
    "flatten(2).mean(1) of as many": (
        lambda s, x: s.f(F.avg_pool2d(s.c(x), (4, 2)).flatten(2).mean(1)),
        "'mean' is a mean to",
    ),
    "mean over the batch": (spelled(lambda s, x: s.f((x - x.mean(0)).mean((2, 3)))), "over the batch"),
    "active dropout": (before(lambda s, x: F.dropout(x, 0.5)), "draws random numbers"),
    "rand": (before(lambda s, x: x + torch.rand(8, 1, 1)), "'rand' draws random numbers .*test_capture.py"),
    "randperm": (before(lambda s, x: x[:, torch.randperm(8)]), "'randperm' draws random numbers"),
    "Python's random": (spelled(lambda s, x: s.end(x) * random.random()), "Python's random numbers"),
    "batch norm of the batch": (
        before(lambda s, x: F.batch_norm(x, s.n.running_mean.clone(), s.n.running_var.clone(), training=True)),
        "mean of the batch|writes into",
    ),
    "state": (stateful, "different numbers|gives different|keeps? nothing|cannot be copied"),
    "a counter": (counted, r"changes 'calls' in every call"),
    "a counter in a buffer": (counted_in_a_buffer, "writes into a tensor that outlives the call"),
    "a value kept in a buffer": (kept_in_a_buffer, "mutat|writes into"),
    "the batch as a number": (
        spelled(lambda s, x: s.end(x) * x.size(0)),
        r"'mul' computes with \[5\] .* with \[2\] before",
    ),
    "the gradient mode": (before(lambda s, x: x if torch.is_grad_enabled() else -x), "different numbers"),
    "an if on numbers": (before(lambda s, x: x if x.sum() > 0 else -x), "steps of the forward depend"),
    "item": (before(lambda s, x: x * x.max().item()), "steps of the forward depend"),
    "numpy": (before(lambda s, x: x * float(x.detach().numpy().max())), "'mul' computes"),
    "write into part": (before(lambda s, x: (x[:, :4].mul_(2), x)[1]), r"\(a write into part of a tensor\)"),
    "pad of the batch": (lambda s, x: s.end(F.pad(s.c(x), (0, 0, 0, 0, 0, 0, 1, 0))), "'pad'"),
    "NaN bound": (before(lambda s, x: x.clamp(float("nan"), 1)), "'clamp'"),
    "x / 0": (before(lambda s, x: x / 0), "'div' computes / with"),
    "x * 1e39": (before(lambda s, x: x * 1e39), r"'mul' computes \* with"),
    "where": (before(lambda s, x: torch.where(x > 0, x, 0.1 * x)), r"'where' \(a call of where\)"),
    "double": (before(lambda s, x: x.double().float()), "'to' returns torch.float64, but it must be float32"),
    "two inputs": (before(lambda s, x: torch.einsum("nchw,cd->ndhw", x, torch.ones(8, 8))), "has no counterpart|moves"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    forward, message = REFUSED[name]
    with pytest.raises(ExportError, match=message) as raised:
        pack(Net(forward), SHAPE)
    assert "\n" not in str(raised.value)


def swallowed(s: Net, x: Tensor) -> Tensor:
    try:
        largest = float(x.max())
    except Exception:
        largest = 0.0
    return s.end(s.a(s.c(x if largest < 50 else x / 128)))


def branch_on_numpy(s: Net, x: Tensor) -> Tensor:
    return s.end(s.a(s.c(x / 128 if x.detach().numpy().max() > 50 else x)))


def promoted(s: Net, x: Tensor) -> Tensor:
    y = (s.c(x) / 10 - torch.full((8, 1, 1), 0.7, dtype=torch.float64)).float()
    return s.end(s.a(y + y))


HIDDEN: dict[str, tuple[Forward, str]] = {
    "a refusal that the forward catches": (swallowed, "steps of the forward depend"),
    "an if on a NumPy number": (branch_on_numpy, "'numpy' lets the steps of the forward depend"),
    "a sum promoted to float64": (promoted, "'sub' returns torch.float64, but it must be float32"),
    "Python's random in an if": (
        lambda s, x: s.end(s.c(x) if random.random() < 2 else x),
        "changes the state of Python's random numbers",
    ),
    "more than three images": (lambda s, x: s.end(s.c(x) * (1 if len(x) < 4 else -1)), r"'mul' computes with \[-1\]"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_no_run_shows_is_refused(name: str) -> None:
    forward, message = HIDDEN[name]
    with pytest.raises(ExportError, match=message):
        pack(Net(forward), SHAPE)


def test_a_gate_that_is_expanded() -> None:
    proved(Net(before(lambda s, x: x * torch.sigmoid(x.mean((2, 3))).view(len(x), 8, 1, 1).expand_as(x) - 0.1)))
