"""Sentences choose their words by the numbers: records that go the other way turn them around."""

from collections.abc import Callable
from pathlib import Path

import pytest
from synthetic_records import Synthetic

from xnorkit.report.page.document import Section
from xnorkit.report.page.evidence import Evidence
from xnorkit.report.page.markdown import text
from xnorkit.report.page.sections import conditions, discussion, found

Make = Callable[[Synthetic], None]


def _words(sections: list[Section]) -> str:
    lines = []
    for section in sections:
        for block in section.blocks:
            lines += map(text, getattr(block, "items", None) or [block.content])
    return "\n".join(lines)


def _found(tmp_path: Path, make: Make, **conditions: object) -> str:
    make(Synthetic(tmp_path, **conditions))
    return _words(found.sections(Evidence(tmp_path)))


def _discussed(tmp_path: Path, make: Make, **conditions: object) -> str:
    make(Synthetic(tmp_path, **conditions))
    return _words(discussion.sections(Evidence(tmp_path)))


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (0.0021, "99.33 % in XNOR form against 99.54 % in float32: 0.21 points less."),
        (-0.0021, "99.75 % in XNOR form against 99.54 % in float32: 0.21 points more."),
        (0.0, "99.54 % in XNOR form against 99.54 % in float32: as much, to the last digit shown."),
    ],
)
def test_accuracy_is_less_more_or_as_much(tmp_path: Path, lost: float, words: str) -> None:
    assert words in _found(tmp_path, lambda study: study.accuracy(lost))


def test_an_unfinished_training_says_so(tmp_path: Path) -> None:
    said = _found(tmp_path, lambda study: study.accuracy(epochs=12))
    assert "in XNOR form (after 12 of 20 epochs) against 99.54 % in float32 (after 12 of 20 epochs)" in said


@pytest.mark.parametrize(
    ("faster", "words"),
    [
        (1.0, "xnorkit is faster than the fastest float32 engine beside it on all 4 networks, 6.5 times."),
        (0.1, "xnorkit is slower than the fastest float32 engine on all 4 networks (0.65 times as fast)."),
    ],
)
def test_inference_is_faster_or_slower(tmp_path: Path, faster: float, words: str) -> None:
    assert words in _found(tmp_path, lambda study: study.inference(faster))


def test_a_network_that_is_slower_is_named(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        for engine in ("torch_f32", "onnxruntime_f32", "openvino_f32"):
            subject = {"model": "lenet5", "threads": 1, "batch": 1, "family": "float", "engine": engine}
            study.add("inference", f"lenet5/float/{engine}/t1/b1", subject, {"median_us": 11.5, "min_us": 11.0})

    assert "on 3 of 4 networks, 6.5 times, and slower on LeNet-5 (0.50 times as fast)." in _found(tmp_path, make)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(0, "all 37,000,000 integers of the binary layers are equal"), (5, "only 36,999,995 of 37,000,000 integers")],
)
def test_the_proof_agrees_or_does_not(tmp_path: Path, wrong: int, words: str) -> None:
    assert words in _found(tmp_path, lambda study: study.deployed(wrong))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda study: study.memory(20.9), "Does not hold: a model 32 times smaller. Whole files are 20.9 times"),
        (lambda study: study.memory(31.0), "Holds: a model 32 times smaller."),
        (lambda study: study.sweeps(), "Does not hold: convolutions 58 times as fast. The best that was measured"),
        (lambda study: study.sweeps(6.0), "Holds: convolutions 58 times as fast."),
        (lambda study: study.sweeps(), "Holds: speed-up grows with the channels. It goes from 0.31"),
        (lambda study: study.training(1.37), "Does not hold: training is no slower. A binary step takes 1.37 times"),
        (lambda study: study.training(0.8), "Holds: training is no slower. A binary step takes 0.80 times as long"),
        (lambda study: study.accuracy(0.0021), "Holds: accuracy within one point of float"),
        (lambda study: study.accuracy(0.03), "Does not hold: accuracy within one point of float"),
        (lambda study: study.comparisons(0.012), "Holds: the exact gradient trains best. It is 1.20 points better"),
        (lambda study: study.comparisons(-0.012), "Does not hold: the exact gradient trains best. It is 3.60 points"),
        (lambda study: study.comparisons(0.0005), "Undecided, as the seeds differ by more: the exact gradient"),
        (lambda study: study.comparisons(0.012, (0,)), "Undecided, by one seed: the exact gradient trains best."),
        (lambda study: study.peaks(), "10.7 times as fast as a float32 one that uses its registers equally well, less"),
        (lambda study: study.peaks(10.0), "registers equally well, which is no less than the paper's count."),
        (lambda study: study.inference(), "6.5 times as fast as the fastest float32 engine (batch size 1, 1 thread)."),
        (lambda study: study.inference(0.1), "LeNet-5 is not faster than float32 (0.65 times as fast)."),
    ],
)
def test_claims_are_decided_by_the_records(tmp_path: Path, make: Make, words: str) -> None:
    assert words in _discussed(tmp_path, make)


@pytest.mark.parametrize(
    ("busy", "reason"),
    [(None, "21.1 over 10.7: there the float32 engine is"), ("load", "19.0 over 10.7: other programs ran")],
)
def test_a_point_above_the_limit_is_explained(tmp_path: Path, busy: str | None, reason: str) -> None:
    def make(study: Synthetic) -> None:
        study.sweeps(2.0)
        study.peaks()

    assert f"A measured point lies above that limit, {reason}" in _discussed(tmp_path, make, busy=busy)


def test_what_other_programs_disturbed_decides_nothing(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.sweeps(6.0)
        study.training()

    said = _discussed(tmp_path, make, busy="other programs took 1.9 of 2 processors")
    assert "Undecided, as other programs ran while it was measured: convolutions 58 times as fast." in said
    assert "Undecided, as other programs ran while it was measured: training is no slower." in said
    assert "Holds: conv" not in said
    assert "Training gains nothing" not in said
    assert "Thin layers" not in said


def test_minima_speak_where_other_programs_ran(tmp_path: Path) -> None:
    said = _found(tmp_path, lambda study: study.inference(), busy="load")
    # 0.95 / 0.97 of the ratio of medians, 6.5
    assert "on all 4 networks, 6.4 times." in said


def test_the_advantage_of_integers_names_the_proof_or_its_absence(tmp_path: Path) -> None:
    assert "that proof was not run in this report." in _discussed(tmp_path / "a", lambda study: study.memory())
    assert "see the proof under accuracy." in _discussed(tmp_path / "b", lambda study: study.deployed())


def test_the_lead_over_batches_is_not_told_from_busy_records(tmp_path: Path) -> None:
    assert "with the batch:" in _discussed(tmp_path / "a", lambda study: study.inference())
    assert "with the batch:" not in _discussed(tmp_path / "b", lambda study: study.inference(), busy="load")


def test_the_fastest_of_some_engines_says_so(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        study.fault("openvino_f32", "RuntimeError: no kernel")

    said = _found(tmp_path / "a", make)
    assert "faster than the fastest float32 engine that was measured beside it on all 4 networks, 7.0 times." in said
    assert "as the fastest float32 engine that was measured (batch size" in _discussed(tmp_path / "b", make)
    assert "fastest float32 engine that was" not in _found(tmp_path / "c", lambda study: study.inference())


def test_no_engine_of_a_kind_gives_no_sentence_about_it(tmp_path: Path) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        study.fault("onnxruntime_int8", "wrong answer: relative error 0.52; required: at most 0.02")

    assert "int8" not in _found(tmp_path / "a", make)
    assert "fastest int8" not in _discussed(tmp_path / "b", make)


@pytest.mark.parametrize(("batches", "said"), [((1,), False), ((32,), False), ((1, 32), True)])
def test_the_lead_over_batches_is_told_of_the_same_engines(
    tmp_path: Path, batches: tuple[int, ...], said: bool
) -> None:
    def make(study: Synthetic) -> None:
        study.inference()
        study.fault("openvino_f32", "RuntimeError: no kernel", batches)

    assert ("with the batch:" in _discussed(tmp_path, make)) is said


@pytest.mark.parametrize("places", [range(1, 2), range(1, 2000)], ids=["at the smallest", "at all"])
def test_growth_is_undecided_where_an_engine_is_missing(tmp_path: Path, places: range) -> None:
    unmeasured = dict.fromkeys(places, "openvino_f32: wrong answer")
    said = _discussed(tmp_path, lambda study: study.sweeps(6.0, unmeasured))
    doubt = "Undecided, as not every float32 engine could be measured: "
    assert f"{doubt}speed-up grows with the channels." in said
    assert f"{doubt}speed-up grows with the size of the filter." in said
    assert (f"{doubt}convolutions 58 times as fast." in said) is (len(places) > 1)


def test_loads_are_one_range_and_dates_have_two_ends() -> None:
    assert (
        text(conditions.load(["other programs took 1.9 of 2 processors", "other programs took 0.4 of 2 processors"]))
        == "other programs took 0.4 to 1.9 of 2 processors"
    )
    assert text(conditions.dates(["2026-02-01", "2026-01-01"]).content) == "from 2026-01-01 to 2026-02-01"


@pytest.mark.parametrize(("make", "disturbed"), [(Synthetic.training, True), (Synthetic.accuracy, False)])
def test_other_programs_disturb_times_alone(tmp_path: Path, make: Make, disturbed: bool) -> None:
    make(Synthetic(tmp_path, busy="load"))
    assert bool(conditions.busy_experiments(Evidence(tmp_path))) is disturbed
