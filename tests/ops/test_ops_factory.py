"""`with_args`: factories that chain, refuse unknown arguments at once, and show their signature."""

import copy
import inspect
import pickle

import pytest
from ops_cases import NAMES, build, conv

from xnorkit import ops
from xnorkit.errors import InputError


def test_factories_chain_and_build_new_instances() -> None:
    factory = ops.XNORWeightBinarizer.with_args(center_weights=True).with_args(compute_alpha=False)
    one, other = factory(), factory()
    assert one is not other
    assert (one.compute_alpha, one.center_weights) == (False, True)
    assert factory.with_args(center_weights=False)().center_weights is False
    assert factory().center_weights is True  # a chained factory leaves its origin alone


def test_a_factory_still_takes_the_layer() -> None:
    factory = ops.InputBiasBinarizer.with_args(gradient="ste")
    assert next(iter(inspect.signature(factory).parameters)) == "layer"
    assert factory(conv()).gradient == "ste"
    assert "layer" not in inspect.signature(ops.XNORWeightBinarizer.with_args(center_weights=True)).parameters


def test_factories_survive_copies_and_pickle() -> None:
    factory = ops.BasicInputBinarizer.with_args(clip=0.5)
    for other in (copy.deepcopy(factory), copy.copy(factory), pickle.loads(pickle.dumps(factory))):
        assert isinstance(other, ops.Factory)
        assert other.with_args()().clip == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_unknown_arguments_are_refused_at_once(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}.with_args: got an unexpected keyword argument 'clipp'"):
        getattr(ops, name).with_args(clipp=1)


def test_a_refusal_names_the_arguments_that_there_are() -> None:
    with pytest.raises(InputError, match="Choose among them: compute_alpha, center_weights, gradient"):
        ops.XNORWeightBinarizer.with_args(compute_alpha=False).with_args(centre_weights=True)


@pytest.mark.parametrize("name", NAMES)
def test_with_args_of_every_binarizer(name: str) -> None:
    assert type(build(getattr(ops, name).with_args(), conv())) is getattr(ops, name)


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_state_equations_bits_and_source(name: str) -> None:
    text = inspect.getdoc(getattr(ops, name)) or ""
    for part in ("On bits: ",) if name == "NoOp" else ("Forward", "Backward", "On bits: ", "Source: "):
        assert part in text, part
