"""Which engines are measured: those that are installed, or those that were asked for."""

import pytest

from xnorkit.bench import engines
from xnorkit.bench.engines import Engine, choose
from xnorkit.errors import InputError

TABLE = (
    Engine("here_f32", "here", ("json",)),
    Engine("here_int8", "here", ("json", "sys")),
    Engine("absent_f32", "absent", ("json", "no_such_module")),
    Engine("absent_int8", "absent", ("no_such_module",)),
)


def test_all_takes_what_is_installed_and_names_what_is_not() -> None:
    notes: list[str] = []
    chosen, asked = choose(("all",), TABLE, notes.append)
    assert [engine.name for engine in chosen] == ["here_f32", "here_int8"]
    assert notes == ["absent: no_such_module is not installed; pip install 'xnorkit[bench]'"]
    assert asked == set()


def test_a_family_an_engine_and_none() -> None:
    assert [engine.name for engine in choose(("here",), TABLE)[0]] == ["here_f32", "here_int8"]
    chosen, asked = choose(("here_int8",), TABLE)
    assert [engine.name for engine in chosen] == ["here_int8"]
    assert asked == {"here_int8"}
    assert choose((), TABLE) == ([], frozenset())


def test_what_is_asked_for_must_be_there() -> None:
    with pytest.raises(InputError, match="--against absent: no_such_module is not installed; required: pip install"):
        choose(("here", "absent"), TABLE)
    with pytest.raises(InputError, match="--against nothing; required: any of all, here, absent, here_f32"):
        choose(("nothing",), TABLE)


def test_names_of_the_rows() -> None:
    assert [engine.name for engine in engines.MODEL_ENGINES] == [
        *("torch_f32", "torch_compile_f32", "onnxruntime_f32", "onnxruntime_int8", "openvino_f32", "openvino_int8")
    ]
    assert {"torch_f32", "openvino_binary_node", "openvino_binary_model", "openvino_f32"} <= {
        engine.name for engine in engines.KERNEL_ENGINES
    }
