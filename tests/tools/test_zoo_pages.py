"""The pages about trained models are those that their cards make."""

from pathlib import Path

import pytest
from zoo_pages import GOALS, Goal, card_page, float_twin, goals_table, models_table, readme_table, write_pages

from xnorkit import zoo
from xnorkit.errors import InputError
from xnorkit.train import list_recipes, load_recipe

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CARDS = [zoo.card(name) for name in zoo.list_pretrained()]


def test_tables_of_the_page() -> None:
    page = (DOCS / "models.md").read_text(encoding="utf-8")
    assert f"-->\n{models_table(CARDS)}\n<!-- /trained -->" in page
    assert f"-->\n{goals_table(CARDS)}\n<!-- /reached -->" in page
    assert f"-->\n{readme_table(CARDS)}\n<!-- /cifar -->" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.recipe)
def test_a_model_that_ships_stands_beside_its_goal(goal: Goal) -> None:
    """NIN's row once said "not run" beside a NIN that shipped, because that one came from a shorter recipe."""
    aim = load_recipe(goal.recipe)
    row = next(line for line in goals_table(CARDS).splitlines() if line.startswith(f"| {goal.title} |"))
    for card in CARDS:
        if (card.model, card.data) == (aim.model.name, aim.data.name):
            assert card.series.words in row, card.name


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_cards(card: zoo.Card) -> None:
    assert (DOCS / "zoo" / f"{card.name}.md").read_text(encoding="utf-8") == card_page(card)


def test_no_card_of_a_model_that_is_gone() -> None:
    assert {file.stem for file in (DOCS / "zoo").glob("*.md")} == set(zoo.list_pretrained())


def test_networks_share_a_float_twin() -> None:
    cards = {card.name: card for card in CARDS}
    twin = cards["resnet18-cifar10"].twin("float")
    assert twin is not None
    assert cards["reactnet-resnet18-cifar10"].twin("float") is None
    assert float_twin(CARDS, "resnet18-cifar10-react") == float_twin(CARDS, "resnet18-cifar10") == twin
    assert float_twin(CARDS, "lenet5-digits") is None


def test_goals_name_recipes() -> None:
    assert {name for goal in GOALS for name in (goal.recipe, goal.twin)} <= set(list_recipes())


def test_writing_changes_the_tables_alone(tmp_path: Path) -> None:
    (tmp_path / "docs" / "zoo").mkdir(parents=True)
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/models.md")}
    for name, page in pages.items():
        old = page.replace(models_table(CARDS), "old").replace(readme_table(CARDS), "old")
        assert old != page
        (tmp_path / name).write_text(old, encoding="utf-8")
    write_pages(tmp_path, CARDS)
    for name, page in pages.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == page
    (tmp_path / "docs/models.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="needs both around the table"):
        write_pages(tmp_path, CARDS)
