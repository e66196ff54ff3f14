"""What is written: one page that needs nothing else, Markdown whose figures exist, the same bytes each time."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from synthetic_records import Synthetic

from xnorkit.errors import InputError
from xnorkit.report.page import write_page
from xnorkit.report.page.svg import SENTINELS

Drawn = tuple[Path, Path]


def test_page_needs_nothing_else(drawn: Drawn) -> None:
    page = (drawn[1] / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.findall(r"(?:src|href|url\()[=\"(]*https?:", page)
    assert set(re.findall(r'(?:xlink:href|src)="([a-z]+:)', page)) <= {"data:"}
    assert "prefers-color-scheme" in page


def test_ids_are_unique_and_every_reference_has_its_id(drawn: Drawn) -> None:
    page = (drawn[1] / "index.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:xlink:href|href)="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    used += re.findall(r'aria-labelledby="([^"]+)"', page)
    assert used
    assert set(used) <= set(ids)


def test_figures_are_whole_files_that_follow_light_and_dark(drawn: Drawn) -> None:
    text = (drawn[1] / "report.md").read_text(encoding="utf-8")
    linked = re.findall(r"!\[[^\]]+\]\((figures/[^)]+)\)", text)
    assert sorted(linked) == sorted(str(p.relative_to(drawn[1])) for p in (drawn[1] / "figures").iterdir())
    for name in linked:
        content = (drawn[1] / name).read_text(encoding="utf-8")
        ET.fromstring(content)
        assert "prefers-color-scheme:dark" in content
        assert not any(colour in content for colour in SENTINELS.values())
        assert "var(--" in content or "<image" in content
        assert "DejaVu" not in content


def test_whole_page_is_small(drawn: Drawn) -> None:
    assert sum(path.stat().st_size for path in drawn[1].rglob("*") if path.is_file()) < 2_000_000


def test_a_page_is_drawn_again_from_its_own_folder_to_the_same_bytes(drawn: Drawn, tmp_path: Path) -> None:
    first = {p.relative_to(drawn[1]): p.read_bytes() for p in drawn[1].rglob("*") if p.is_file()}
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "old.svg").write_text("left by an earlier page")
    write_page(drawn[1], tmp_path)
    assert {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == first


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no records, but .* Run `xnorkit report` first"):
        write_page(tmp_path, tmp_path / "page")


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.pictures()
    next((tmp_path / "pictures").glob("sign-maps*")).unlink()
    with pytest.raises(InputError, match=r"sign-maps.*must be a picture"):
        write_page(tmp_path, tmp_path / "page")


def test_recipes_of_one_family_are_told_apart_and_seeds_of_one_recipe_share_a_label(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    for recipe, seed in (("one", 0), ("one", 1), ("two", 0)):
        subject = {"recipe": recipe, "seed": seed, "model": "lenet5", "family": "xnor", "dataset": "mnist"}
        study.add("curve", f"{recipe}/{seed}", subject, {"epoch": [1, 2], "eval_accuracy": [0.9, 0.95 + seed / 100]})
    subject = {"recipe": "one", "seed": 0, "model": "nin", "family": "xnor", "dataset": "cifar10"}
    study.add("curve", "nin", subject, {"epoch": [1, 2], "eval_accuracy": [0.9, 0.95]})
    paths = write_page(tmp_path, tmp_path)
    figures = {path.stem: path.read_text(encoding="utf-8") for path in paths.figures}
    assert (
        figures["curves-mnist-lenet5"].count(">one</text>") == figures["curves-mnist-lenet5"].count(">two</text>") == 1
    )
    assert ">XNOR</text>" in figures["curves-cifar10-nin"]
    text = paths.markdown.read_text(encoding="utf-8")
    assert "Figure 6a: LeNet-5 on MNIST." in text
    assert "Figure 6b: NIN on CIFAR-10." in text
