"""docs/hooks: pages and tables that the site makes by itself."""

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip("mkdocs", reason="of the docs extra; `make docs` runs this")
HOOKS = Path(__file__).resolve().parents[2] / "docs" / "hooks"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.syspath_prepend(str(HOOKS))
    module = importlib.import_module(request.param)
    sys.modules.pop(request.param)
    return module


@pytest.mark.parametrize("hook", ["command_line"], indirect=True)
def test_the_command_line_is_the_one_of_the_parsers(hook: ModuleType) -> None:
    from xnorkit.cli.main import COMMANDS

    sections = {part.partition("\n")[0]: part for part in hook.page().split("\n## xnorkit ")[1:]}
    assert {name.split()[0] for name in sections} == set(COMMANDS)
    for name, parser in hook.parsers().items():
        assert parser.description in sections[name]
        assert parser.description
        for action in parser._actions:
            assert action.help, f"{name}: {action.dest}"
            if action.dest != "help":
                assert all(f"{word}" in sections[name] for word in action.option_strings or [action.dest.upper()])


@pytest.mark.parametrize("hook", ["cards"], indirect=True)
def test_a_cell_of_a_card_names_its_column(hook: ModuleType) -> None:
    table = (
        "<table>\n<thead>\n<tr>\n<th>name</th>\n<th>on <em>bits</em></th>\n</tr>\n</thead>\n<tbody>\n"
        "<tr>\n<td>a</td>\n<td>yes</td>\n</tr>\n<tr>\n<td>b</td>\n<td>no</td>\n</tr>\n</tbody>\n</table>"
    )
    made = hook.on_page_content(f'<div class="cards">\n{table}\n</div>\n{table}')
    assert made.count('<td data-label="name">') == made.count('<td data-label="on bits">') == 2
    assert made.endswith(table)


@pytest.mark.parametrize("hook", ["pages"], indirect=True)
def test_the_heading_of_the_results_opens_the_report(hook: ModuleType) -> None:
    files = [SimpleNamespace(src_uri=uri, name=Path(uri).stem) for uri in (hook.RESULTS, "report.md")]
    nav = hook.on_nav(SimpleNamespace(pages=[SimpleNamespace(file=file) for file in files]))
    assert [page.file.name for page in nav.pages] == ["index", "report"]
