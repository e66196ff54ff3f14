"""Words follow the numbers: records that go the other way turn the text and the verdicts around."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic_records import Synthetic

from xnorkit.report.page.conditions import conditions, load
from xnorkit.report.page.drawings import Drawing
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.templates import render

Make = Callable[[Synthetic], None]
SLOWER = "training steps{} no slower than those of the float network"
BUSY = "undecided (other programs ran while it was measured)"
MISSING = "undecided (not every float32 engine could be measured)"


def _page(tmp_path: Path, make: Make, **conditions: object) -> str:
    """Return the text of the report, without drawing its figures."""
    make(Synthetic(tmp_path, **conditions))
    return render("report.md.j2", Evidence(tmp_path), drawings=defaultdict(lambda: Drawing("x", "x", "")))


def _verdict(page: str, claim: str) -> list[str]:
    """Return the cells of the line of a claim: the paper's number, the measured one, the verdict."""
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {claim} |")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (0.0021, "99.33 % in XNOR form against 99.54 % in float32: 0.21 points less."),
        (-0.0021, "99.75 % in XNOR form against 99.54 % in float32: 0.21 points more."),
        (0.0, "99.54 % in XNOR form against 99.54 % in float32: as much, to the last digit shown."),
    ],
)
def test_accuracy_is_less_more_or_as_much(tmp_path: Path, lost: float, words: str) -> None:
    assert words in _page(tmp_path, lambda study: study.accuracy(lost))


def test_an_unfinished_training_says_so_and_decides_nothing(tmp_path: Path) -> None:
    page = _page(tmp_path, lambda study: study.accuracy(epochs=12))
    assert "(after 12 of 20 epochs) in XNOR form against 99.54 % (after 12 of 20 epochs) in float32" in page
    assert "accuracy within one point" not in page


@pytest.mark.parametrize(("faster", "ratio"), [(1.0, "6.5"), (0.1, "0.65")])
def test_inference_says_how_many_times_as_long_the_others_take(tmp_path: Path, faster: float, ratio: str) -> None:
    page = _page(tmp_path, lambda study: study.inference(faster))
    words = "times as long in the fastest float32 engine as in xnorkit (4 networks, batch size 1, 1 thread)."
    assert f"A call takes {ratio} {words}" in page


def test_a_network_that_is_slower_is_in_the_range_and_in_the_table(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        for engine in ("torch_f32", "onnxruntime_f32", "openvino_f32"):
            subject = {"model": "lenet5", "threads": 1, "batch": 1, "family": "float", "engine": engine}
            study.add("inference", f"lenet5/float/{engine}/t1/b1", subject, {"median_us": 11.5, "min_us": 11.0})

    page = _page(tmp_path, make)
    assert "A call takes 0.50 to 6.5 times as long in the fastest float32 engine" in page
    row = next(line for line in page.splitlines() if line.startswith("| LeNet-5 (batch 1, 1 thread) |"))
    assert row.endswith("| 0.50 (PyTorch) |")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(0, "all 37,000,000 integers of the binary layers are equal"), (5, "only 36,999,995 of 37,000,000 integers")],
)
def test_the_proof_agrees_or_does_not(tmp_path: Path, wrong: int, words: str) -> None:
    assert words in _page(tmp_path, lambda study: study.deployed(wrong))


@pytest.mark.parametrize(
    ("make", "claim", "cells"),
    [
        (lambda study: study.memory(20.9), "smaller files", ["32 times", "20.9 times", "does not hold"]),
        (lambda study: study.memory(31.0), "smaller files", ["32 times", "31.0 times", "holds"]),
        (lambda study: study.sweeps(), "faster convolutions", ["58 times", "at best 10.6 times", "does not hold"]),
        (lambda study: study.sweeps(6.0), "faster convolutions", ["58 times", "at best 63.4 times", "holds"]),
        (
            lambda study: study.sweeps(),
            "more speed-up with more channels",
            ["–", "0.31 times at 1, 10.3 times at 1,024", "holds"],
        ),
        (
            lambda study: study.training(1.37),
            SLOWER.format(", in float32 with simulated signs,"),
            ["–", "1.37 times as long", "does not hold"],
        ),
        (
            lambda study: study.training(0.8),
            SLOWER.format(", in float32 with simulated signs,"),
            ["–", "0.80 times as long", "holds"],
        ),
        (
            lambda study: study.training(0.4, path="packed"),
            SLOWER.format(", on bits,"),
            ["–", "0.40 times as long", "holds"],
        ),
        (
            lambda study: study.accuracy(0.0021),
            "accuracy within one point of float32: LeNet-5 on MNIST",
            ["–", "−0.21 points", "holds"],
        ),
        (
            lambda study: study.accuracy(0.03),
            "accuracy within one point of float32: LeNet-5 on MNIST",
            ["–", "−3.00 points", "does not hold"],
        ),
        (
            lambda study: study.comparisons(0.012),
            "the exact gradient trains best",
            ["–", "+1.20 points (best other: as the paper prints)", "holds"],
        ),
        (
            lambda study: study.comparisons(-0.012),
            "the exact gradient trains best",
            ["–", "−3.60 points (best other: straight-through alone)", "does not hold"],
        ),
        (
            lambda study: study.comparisons(0.0005),
            "the exact gradient trains best",
            ["–", "+0.05 points (best other: as the paper prints)", "undecided (the seeds differ by more)"],
        ),
        (
            lambda study: study.comparisons(0.012, (0,)),
            "no other binarization trains better",
            ["–", "+1.20 points (best other: no alpha)", "undecided (by one seed)"],
        ),
    ],
)
def test_claims_are_decided_by_the_records(tmp_path: Path, make: Make, claim: str, cells: list[str]) -> None:
    assert _verdict(_page(tmp_path, make), claim) == cells


def test_without_records_of_a_claim_nothing_is_decided(tmp_path: Path) -> None:
    page = _page(tmp_path, Synthetic.peaks)
    assert "No claim can be decided yet; `xnorkit report` measures what is needed." in page
    assert "Nothing comparable has been measured yet." in page
    assert "be more than 10.7 times as fast as a float32 one" in page


def test_what_other_programs_disturbed_decides_nothing(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.sweeps(6.0)
        study.training()

    page = _page(tmp_path, make, busy="other programs took 1.9 of 2 processors")
    claims = (
        "faster convolutions",
        SLOWER.format(", in float32 with simulated signs,"),
        "more speed-up with more channels",
    )
    for claim in claims:
        assert _verdict(page, claim)[-1] == BUSY
    assert "One convolution is at best" not in page
    assert _verdict(page, "faster convolutions")[1] == "–"
    assert "A training step of the binary network" not in page
    assert "times of channels and filter and lenet-channels and lenet-filter and training-time were measured" in page
    assert "(other programs took 1.9 of 2 processors): times and ratios of these are rough." in page


def test_minima_speak_where_other_programs_ran(tmp_path: Path) -> None:
    page = _page(tmp_path, lambda study: study.inference(), busy="load")
    assert "A call takes 6.4 times as long" in page  # 0.95 / 0.97 of the ratio of medians, 6.5
    assert "| LeNet-5 (batch 1, 1 thread, minima) | 22.3 µs |" in page


def test_the_advantage_of_integers_names_the_proof_or_its_absence(tmp_path: Path) -> None:
    assert "that proof was not run in this report." in _page(tmp_path / "a", lambda study: study.memory())
    assert "see the proof under accuracy." in _page(tmp_path / "b", lambda study: study.deployed())


def test_the_fastest_of_some_engines_says_so(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        study.fault("openvino_f32", "RuntimeError: no kernel")

    words = "A call takes 7.0 times as long in the fastest float32 engine that was measured as in xnorkit"
    assert words in _page(tmp_path / "a", make)
    assert "fastest float32 engine that was" not in _page(tmp_path / "b", lambda study: study.inference())


def test_no_engine_of_a_kind_gives_no_sentence_about_it(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        study.fault("onnxruntime_int8", "wrong answer: the relative error is 0.52, but it must be at most 0.02")

    assert "in the fastest int8" not in _page(tmp_path, make)


@pytest.mark.parametrize("places", [range(1, 2), range(1, 2000)], ids=["at the smallest", "at all"])
def test_growth_is_undecided_where_an_engine_is_missing(tmp_path: Path, places: range) -> None:
    unmeasured = dict.fromkeys(places, "openvino_f32: wrong answer")
    page = _page(tmp_path, lambda study: study.sweeps(6.0, unmeasured))
    assert _verdict(page, "more speed-up with more channels")[-1] == MISSING
    assert _verdict(page, "more speed-up with larger filters")[-1] == MISSING
    assert (_verdict(page, "faster convolutions")[-1] == MISSING) is (len(places) > 1)


def test_loads_are_one_range_and_dates_have_two_ends(tmp_path: Path) -> None:
    for load_, date in (("1.9", "2026-02-01"), ("0.4", "2026-01-01")):
        busy = f"other programs took {load_} of 2 processors"
        Synthetic(tmp_path, busy=busy, date=date).training(float(load_))
        Synthetic(tmp_path, busy=busy, date=date).add("peaks", load_, {"threads": 1}, {"fma_gmacs": 1.0})
    evidence = Evidence(tmp_path)
    assert load(evidence.disturbed()) == "other programs took 0.4 to 1.9 of 2 processors"
    assert conditions(evidence)["dates"] == ["from 2026-01-01 to 2026-02-01"]


@pytest.mark.parametrize(("make", "disturbed"), [(Synthetic.training, True), (Synthetic.accuracy, False)])
def test_other_programs_disturb_times_alone(tmp_path: Path, make: Make, disturbed: bool) -> None:
    page = _page(tmp_path, make, busy="load")
    assert ("Other programs ran during some of the measurements" in page) is disturbed


def test_a_comparison_of_unequal_trainings_says_so(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.accuracy()
        for seed in (0, 1, 2):
            study.lenet5("float", 0.9960, 40, seed)

    page = _page(tmp_path, make)
    assert "0.27 points less, but these trainings differ in epochs." in page
    assert "differ in" not in _page(tmp_path / "equal", lambda study: study.accuracy())


def test_one_seed_never_stands_beside_the_mean_of_three(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.accuracy()
        # Of one family, three seeds are worth more than one longer training.
        study.lenet5("float", 0.9960, 40, 0)
        study.lenet5("react", 0.9911, 40, 0)

    page = _page(tmp_path, make)
    (line,) = [line for line in page.splitlines() if line.startswith("| LeNet-5 (MNIST")]
    assert line.count("3 seeds") == 3
    assert "one seed" not in line
    assert "99.60 %" not in page
    assert "not beside them: LeNet-5 on MNIST, ReAct: 99.11 % (40 epochs, one seed)." in page
    assert "99.11 %" not in page.partition("## Accuracy")[0]


def test_a_variant_with_another_number_of_seeds_is_left_out_and_named(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.comparisons(seeds=(0, 1))
        subject = {"rule": "paper", "model": "lenet5", "dataset": "mnist", "epochs": 3, "seed": 2}
        study.add("gradients", "paper/s2", subject, {"top1": 0.98, "train_loss": 0.05})

    part = _page(tmp_path, make).partition("## Gradient rules")[2].partition("## Ablation")[0]
    assert "| as the paper prints |" not in part
    assert "- Left out, because it has another number of seeds: as the paper prints" in part


def test_rows_without_a_result_are_hidden_behind_one_line(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.accuracy()
        subject = {"dataset": "cifar10", "model": "nin-cifar10", "family": "float"}
        study.missing("accuracy", "cifar10/nin-cifar10/float", subject, "xnorkit train nin-cifar10-float", "no run")

    part = _page(tmp_path, make).partition("## Accuracy")[2].partition("## Memory")[0]
    shown, _, hidden = part.partition("<summary>What was not run for this table</summary>")
    assert "| NIN" not in part
    assert "nin-cifar10-float" not in shown
    assert "- Not run (no run): `xnorkit train nin-cifar10-float`" in hidden.partition("</details>")[0]


def test_one_epoch_is_in_the_singular(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        for family in ("float", "xnor"):
            study.lenet5(family, 0.9, 1, 0)

    page = _page(tmp_path, make)
    assert "1 epoch, one seed" in page
    assert "1 epochs" not in page


def test_files_are_smaller_by_the_range_of_all_tables(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.memory()
        study.paper_memory()

    page = _page(tmp_path, make)
    rows = [line for line in page.splitlines() if line.startswith("| ") and " MB |" in line]
    smallest = min(float(line.strip(" |").rpartition("| ")[2]) for line in rows if line.strip(" |")[-1].isdigit())
    assert f"The packed files are {smallest:g} to " in page


@pytest.mark.parametrize(
    ("path", "words", "row"),
    [(None, ", in float32 with simulated signs,", "XNOR, in float32,"), ("packed", ", on bits,", "XNOR, on bits,")],
)
def test_the_page_says_how_the_binary_network_trained(tmp_path: Path, path: str | None, words: str, row: str) -> None:
    page = _page(tmp_path, lambda study: study.training(0.4, path=path))
    assert f"A training step of the binary network{words} takes 0.40 times as long as the float one." in page
    assert row in page
