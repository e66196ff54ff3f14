"""The README's headline is made of the same records as the report."""

from pathlib import Path

import pytest
from synthetic_records import Synthetic

from xnorkit.errors import InputError
from xnorkit.report.page import headline, place_headline

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "docs" / "results"


def test_headline_has_accuracy_size_proof_and_time(drawn: tuple[Path, Path]) -> None:
    lines = headline(drawn[0]).splitlines()
    seeds = ("20 epochs, 3 seeds, 99.51 % to 99.57 %", "20 epochs, 3 seeds, 99.30 % to 99.36 %")
    assert f"| LeNet-5, MNIST: test accuracy | 99.54 % ({seeds[0]}) | 99.33 % ({seeds[1]}) | XNOR |" in lines
    assert "| LeNet-5, MNIST: weights / file | 1.73 MB | 82.5 KB | 20.9 times smaller |" in lines
    assert any("all 37,000,000 integers" in line for line in lines)
    assert "| batch 1, 1 thread | xnorkit | fastest float32 | fastest int8 | xnorkit, ideal |" in lines
    assert "| LeNet-5 | 23.0 µs | 150 µs (6.5 times) | 69.0 µs (3.0 times) | 16.1 µs |" in lines
    assert not any("NIN, CIFAR-10:" in line for line in lines), "a training with epochs left is no headline"


@pytest.mark.parametrize(
    "split", ["batch 5 (of the training set)", "validation (batch 5)", "test_data (which images, the files do not say)"]
)
def test_headline_calls_no_other_split_a_test(split: str, drawn: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    records = (drawn[0] / "records.jsonl").read_text(encoding="utf-8")
    assert records.count('"split": "official test"') > 6
    text = records.replace('"split": "official test"', f'"split": "{split}"')
    (tmp_path / "records" / "records.jsonl").write_text(text, encoding="utf-8")
    lines = headline(tmp_path / "records").splitlines()
    assert any(line.startswith(f"| LeNet-5, MNIST: accuracy on {split} | 99.54 %") for line in lines)
    assert not any("test accuracy" in line for line in lines)


def test_headline_names_what_is_missing_from_the_fastest(tmp_path: Path) -> None:
    study = Synthetic(tmp_path)
    study.inference()
    study.fault("openvino_f32", "RuntimeError: no kernel")
    lines = [line for line in headline(tmp_path).splitlines() if line.startswith("Not measured")]
    where = "(LeNet-5; NIN, CIFAR-10; ResNet-18, CIFAR-10; ResNet-18)"
    assert lines == [
        f"Not measured, so not among the fastest: OpenVINO int8 {where}: not installed",
        f"Not measured, so not among the fastest: OpenVINO {where}: RuntimeError: no kernel",
    ]
    assert "| LeNet-5 | 23.0 µs | 161 µs (7.0 times) |" in headline(tmp_path)


def test_place_headline_replaces_what_stands_between_the_marks() -> None:
    page = "# x\n<!-- headline -->\nold\n<!-- /headline -->\nend\n"
    assert place_headline(page, "new") == "# x\n<!-- headline -->\nnew\n<!-- /headline -->\nend\n"


@pytest.mark.parametrize("page", ["# x\n", "<!-- headline -->", "<!-- /headline --> <!-- headline -->"])
def test_place_headline_refuses_a_page_without_its_marks(page: str) -> None:
    with pytest.raises(InputError, match="but needs one"):
        place_headline(page, "new")


def test_readme_holds_the_headline_of_the_committed_records() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert place_headline(readme, headline(RESULTS)) == readme
