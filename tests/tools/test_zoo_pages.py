"""The pages about trained models are those that their cards make."""

from pathlib import Path

import pytest
from zoo_pages import GOALS, card_page, goals_table, models_table, write_pages

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.train import list_recipes

DOCS = Path(__file__).parents[2] / "docs"
CARDS = [zoo.card(name) for name in zoo.list_pretrained()]


def test_tables_of_the_page() -> None:
    page = (DOCS / "models.md").read_text(encoding="utf-8")
    assert f"-->\n{models_table(CARDS)}\n<!-- /trained -->" in page
    assert f"-->\n{goals_table(CARDS)}\n<!-- /reached -->" in page


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards(card: zoo.Card) -> None:
    assert (DOCS / "zoo" / f"{card.name}.md").read_text(encoding="utf-8") == card_page(card)


def test_no_card_of_a_model_that_is_gone() -> None:
    assert {file.stem for file in (DOCS / "zoo").glob("*.md")} == set(zoo.list_pretrained())


def test_goals_name_recipes() -> None:
    assert {name for goal in GOALS for name in (goal.recipe, goal.twin)} <= set(list_recipes())


def test_writing_changes_the_tables_alone(tmp_path: Path) -> None:
    (tmp_path / "zoo").mkdir()
    page = (DOCS / "models.md").read_text(encoding="utf-8")
    (tmp_path / "models.md").write_text(page.replace(models_table(CARDS), "old"), encoding="utf-8")
    write_pages(tmp_path, CARDS)
    assert (tmp_path / "models.md").read_text(encoding="utf-8") == page
    (tmp_path / "models.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="needs both around the table"):
        write_pages(tmp_path, CARDS)
