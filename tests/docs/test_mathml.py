"""docs/hooks/mathml.py: equations become MathML that browsers draw as they are meant."""

import importlib.util
import logging
import types
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("latex2mathml", reason="of the docs extra; `make docs` runs this")
HOOK = Path(__file__).resolve().parents[2] / "docs" / "hooks" / "mathml.py"
SPACE = "{http://www.w3.org/1998/Math/MathML}"


@pytest.fixture(scope="module")
def hook() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("mathml", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def elements(hook: types.ModuleType, latex: str) -> list[tuple[str, str, dict[str, str]]]:
    tree = ElementTree.fromstring(hook.mathml(latex, block=False))
    return [(e.tag.removeprefix(SPACE), e.text or "", dict(e.attrib)) for e in tree.iter() if e.text]


def test_bars_stand_close_to_what_they_enclose(hook: types.ModuleType) -> None:
    bars = [
        attributes for tag, text, attributes in elements(hook, r"\lvert x \rvert + \lVert W \rVert") if text in "|‖"
    ]
    assert bars == [{"stretchy": "false", "lspace": "0", "rspace": "0"}] * 4


def test_names_are_one_word(hook: types.ModuleType) -> None:
    assert ("mi", "sign", {}) in elements(hook, r"\mathrm{sign}(W)")


def test_a_sign_belongs_to_its_number_and_an_operator_does_not(hook: types.ModuleType) -> None:
    forms = [a.get("form") for _, text, a in elements(hook, r"x = +1, -1 + y - z") if text in "+−"]
    assert forms == ["prefix", "prefix", None, None]


def test_the_indicator_is_bold(hook: types.ModuleType) -> None:
    assert ("mn", "\U0001d7cf", {}) in elements(hook, r"\mathbf 1(x < 1)")


def test_a_page_keeps_all_but_its_equations(hook: types.ModuleType) -> None:
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="page.md"))
    text = r'<p>a <span class="arithmatex">\(x &lt; 1\)</span> b</p><div class="arithmatex">\[y\]</div>'
    result = hook.on_page_content(text, page)
    assert result.startswith("<p>a <math ")
    assert "&#x0003C;" in result
    assert '</math> b</p><div class="equation"><math ' in result
    assert 'display="block"' in result


def test_an_unknown_command_is_a_warning(hook: types.ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    page = types.SimpleNamespace(file=types.SimpleNamespace(src_uri="page.md"))
    with caplog.at_level(logging.WARNING):
        hook.on_page_content(r'<span class="arithmatex">\(\nosuchcommand x\)</span>', page)
    assert "page.md: no MathML for \\nosuchcommand x" in caplog.text
