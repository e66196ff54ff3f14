"""Each binarizer under torch.compile, torch.export, deepcopy, state_dict, bf16 autocast and moves between devices."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from ops_cases import INPUTS, NAMES, arguments, build, conv, run
from torch import Tensor, nn

from xnorkit import ops

DRAWS = ("StochasticInputBinarizer", "AdvancedNoisyInputBinarizer")
# torch.compile itself makes an instance of the autograd function's base class.
COMPILE_WARNING = "ignore:.*should not be instantiated:DeprecationWarning"


def trained(name: str) -> nn.Module:
    """The binarizer with parameters and buffers off their start."""
    module = build(getattr(ops, name), conv(groups=2))
    torch.manual_seed(4)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, 0.3, 0.9)
    if isinstance(module, ops.Annealed):
        module.set_progress(0.4)
    return module


def assert_same(found: tuple[Tensor, list[Tensor]], expected: tuple[Tensor, list[Tensor]], **tolerance: float) -> None:
    torch.testing.assert_close(found[0], expected[0], **tolerance)
    for one, other in zip(found[1], expected[1], strict=True):
        torch.testing.assert_close(one, other, **tolerance)


def deterministic(name: str) -> nn.Module:
    module = trained(name)
    return module.eval() if name in DRAWS else module


@pytest.mark.filterwarnings(COMPILE_WARNING)
@pytest.mark.parametrize("name", NAMES)
def test_compiles_as_one_graph(name: str) -> None:
    module, args = deterministic(name), arguments(name, conv(groups=2))
    torch.compiler.reset()
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    assert_same(run(compiled, args), run(module, args))
    if isinstance(module, ops.Annealed):  # the annealed value is an input of the graph, not a constant in it
        module.set_progress(0.9)
        assert_same(run(compiled, args), run(module, args))


@pytest.mark.filterwarnings(COMPILE_WARNING)
@pytest.mark.parametrize("name", DRAWS)
def test_those_that_draw_compile_in_training(name: str) -> None:
    module, args = trained(name), arguments(name, conv(groups=2))
    torch.compiler.reset()
    y, (dx,) = run(torch.compile(module, backend="aot_eager", fullgraph=True), args)
    assert set(y.unique().tolist()) == {-1.0, 1.0}
    assert dx.abs().sum() > 0


@pytest.mark.filterwarnings(COMPILE_WARNING)
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # inductor's own
@pytest.mark.parametrize("name", ["InputBiasBinarizer", "XNORWeightBinarizer", "XNORScaleBinarizer"])
def test_compiles_with_inductor(name: str) -> None:
    module, args = trained(name), arguments(name, conv(groups=2))
    torch.compiler.reset()
    compiled = torch.compile(module, backend="inductor", fullgraph=True)
    assert_same(run(compiled, args), run(module, args), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_exports(name: str) -> None:
    module, args = trained(name).eval(), arguments(name, conv(groups=2))
    program = torch.export.export(module, args)
    torch.testing.assert_close(program.module()(*args), module(*args))


@pytest.mark.parametrize("name", NAMES)
def test_deepcopy_and_pickle(name: str) -> None:
    module, args = deterministic(name), arguments(name, conv(groups=2))
    expected = run(module, args)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        for parameter in module.parameters():
            assert all(parameter is not p for p in other.parameters())
        assert_same(run(other, args), expected)
        assert repr(other) == repr(module)


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name: str) -> None:
    module, args = deterministic(name), arguments(name, conv(groups=2))
    fresh = build(getattr(ops, name), conv(groups=2)).train(module.training)
    fresh.load_state_dict(copy.deepcopy(module.state_dict()))
    assert_same(run(fresh, args), run(module, args))


@pytest.mark.parametrize("name", NAMES)
def test_bf16_autocast(name: str) -> None:
    module, args = deterministic(name), arguments(name, conv(groups=2))
    reference = run(module, args)
    with torch.autocast("cpu", torch.bfloat16):
        found = run(module, args)
        half = run(module, tuple(a.bfloat16() for a in args))
    assert_same(found, reference)  # float32 inputs stay float32
    assert half[0].isfinite().all()
    assert all(d.isfinite().all() and d.dtype == torch.bfloat16 for d in half[1])


@pytest.mark.parametrize("name", INPUTS)
def test_activations_keep_shape_and_half_precision(name: str) -> None:
    module = deterministic(name)
    x = arguments(name, conv())[0].bfloat16()
    assert module(x).shape == x.shape
    assert module(x).dtype == torch.bfloat16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", NAMES)
def test_moves_to_the_gpu_and_back(name: str) -> None:
    module, args = deterministic(name), arguments(name, conv(groups=2))
    expected = run(module, args)
    module.to("cuda")
    y, grads = run(module, tuple(a.to("cuda") for a in args))
    assert y.is_cuda
    assert_same((y.cpu(), [d.cpu() for d in grads]), expected, rtol=1e-4, atol=1e-5)
    assert_same(run(module.to("cpu"), args), expected)


def saved_bytes(run_forward: Callable[[], Tensor], known: set[int]) -> int:
    """Bytes kept for backward beyond storages that exist anyway."""
    kept: dict[int, int] = {}

    def pack(t: Tensor) -> Tensor:
        storage = t.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = run_forward()
    assert y.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("name", INPUTS)
def test_no_copy_of_the_activations_is_kept(name: str) -> None:
    """At most one bool per element beside x itself; the tanh of a free function keeps its own result."""
    module = deterministic(name)
    x = arguments(name, conv())[0].repeat(8, 1, 1, 1).requires_grad_()
    known = {t.untyped_storage().data_ptr() for t in (x, *module.parameters(), *module.buffers())}
    if name == "NoOp":
        assert module(x) is x
        return
    per_element = saved_bytes(lambda: module(x), known) / x.numel()
    allowed = {"AdvancedInputBinarizer": 4, "AdvancedNoisyInputBinarizer": 4}
    assert per_element <= allowed.get(name, 1) + 0.05
