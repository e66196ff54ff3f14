"""docs/models.md: its tables are what the code counts, and its snippets run."""

import re
from pathlib import Path
from typing import Any

import pytest

from xnorkit.inspection import ModelSummary, summary
from xnorkit.models import BINARIZATIONS, binarizations, count_weights, create_model, input_shape, list_models

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in list_models()),
    ("resnet18", {"shortcut_type": "binary"}),
    ("resnet18-cifar10", {"shortcut_type": "binary"}),
]


def figures(name: str, binarization: str | None = None, **options: Any) -> ModelSummary:
    return summary(create_model(name, binarization=binarization, **options), input_shape(name))


def size(count: int) -> str:
    return f"{count / 1e6:,.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def row_of(name: str, options: dict[str, Any]) -> str:
    total = figures(name, **options).total
    title = f"`{name}`" + "".join(f" {value} shortcuts" for value in options.values())
    macs = [f"{count / 1e6:,.1f} M" for count in (total.macs_1bit, total.macs_32bit)]
    shape = " x ".join(map(str, input_shape(name)))
    counts = [f"{count:,}" for count in (total.params, total.params_1bit)]
    return line(title, shape, binarizations(name)[0], *counts, *macs, size(total.packed_bytes), size(total.float_bytes))


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_table_of_models(name: str, options: dict[str, Any]) -> None:
    assert row_of(name, options) in PAGE.splitlines()


def test_table_of_binarizations() -> None:
    lines = [line("model", *BINARIZATIONS), line(*["---"] * (len(BINARIZATIONS) + 1))]
    for name in list_models():
        offered = binarizations(name)
        counts = [f"{count_weights(name, b).params:,}" if b in offered else "" for b in BINARIZATIONS]
        lines.append(line(f"`{name}`", *counts))
    assert "\n".join(lines) in PAGE


@pytest.mark.parametrize("name", ["lenet5", "nin-cifar10", "resnet20-cifar10"])
def test_multiply_adds_are_the_same_in_every_binarization(name: str) -> None:
    totals = {b: figures(name, b).total for b in binarizations(name)}
    assert len({total.macs_1bit + total.macs_32bit for total in totals.values()}) == 1
    assert {b for b, total in totals.items() if not total.macs_1bit} == {"float", "bwn"} & set(totals)
    assert {b for b, total in totals.items() if not total.params_1bit} <= {"float"}


@pytest.mark.parametrize("snippet", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_snippets_run(snippet: str) -> None:
    exec(compile(snippet, "docs/models.md", "exec"), {})


def test_every_binarization_is_described() -> None:
    assert all(f"\n| `{name}` |" in PAGE for name in BINARIZATIONS)


def main() -> None:
    """Print the table of models, to be put into the page."""
    print("\n".join(row_of(name, options) for name, options in VARIANTS))


if __name__ == "__main__":
    main()
