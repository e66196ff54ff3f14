"""Which engines are measured: those that are installed, or those that were asked for."""

import sys
from types import ModuleType

import pytest

from xnorkit.bench import engines
from xnorkit.bench.engines import Choice, Engine, choose
from xnorkit.errors import InputError

TABLE = (
    Engine("here_f32", "here", ("json",)),
    Engine("here_int8", "here", ("json", "sys")),
    Engine("absent_f32", "absent", ("json", "no_such_module")),
    Engine("absent_int8", "absent", ("no_such_module",)),
)


def test_all_takes_what_is_installed_and_names_what_is_not() -> None:
    notes: list[str] = []
    choice = choose(("all",), TABLE, notes.append)
    assert [engine.name for engine in choice.engines] == ["here_f32", "here_int8"]
    assert notes == ["absent: no_such_module is not installed; pip install 'xnorkit[bench]'"]
    assert (choice.asked, choice.absent) == (set(), {})


def test_a_family_an_engine_and_none() -> None:
    assert [engine.name for engine in choose(("here",), TABLE).engines] == ["here_f32", "here_int8"]
    choice = choose(("here_int8",), TABLE)
    assert [engine.name for engine in choice.engines] == ["here_int8"]
    assert choice.asked == {"here_int8"}
    assert choose((), TABLE) == Choice([], frozenset(), {})


def test_what_is_asked_for_and_missing_says_so() -> None:
    notes: list[str] = []
    choice = choose(("here", "absent"), TABLE, notes.append)
    assert [engine.name for engine in choice.engines] == ["here_f32", "here_int8"]
    reason = "no_such_module is not installed; pip install 'xnorkit[bench]'"
    assert (choice.absent, notes) == ({"absent_f32": reason, "absent_int8": reason}, [])


@pytest.mark.parametrize("module", [None, ModuleType("here")], ids=["blocked", "without a specification"])
def test_a_module_that_cannot_be_found_is_missing(monkeypatch: pytest.MonkeyPatch, module: ModuleType | None) -> None:
    monkeypatch.setitem(sys.modules, "here", module)
    assert Engine("here_f32", "here", ("json", "here")).missing() == "here"


def test_unknown_words() -> None:
    with pytest.raises(InputError, match="against 'nothing', but it must be any of all, here, absent, here_f32"):
        choose(("nothing",), TABLE)


def test_names_of_the_rows() -> None:
    assert [engine.name for engine in engines.MODEL_ENGINES] == [
        *("torch_f32", "torch_compile_f32", "onnxruntime_f32", "onnxruntime_int8", "openvino_f32", "openvino_int8")
    ]
    assert {"torch_f32", "openvino_binary_node", "openvino_binary_model", "openvino_f32"} <= {
        engine.name for engine in engines.KERNEL_ENGINES
    }


def test_onnx_runtime_cannot_be_held() -> None:
    for engine in (*engines.MODEL_ENGINES, *engines.KERNEL_ENGINES):
        assert engine.holdable is (engine.family != "onnxruntime"), engine.name
