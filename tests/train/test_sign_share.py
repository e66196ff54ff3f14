"""Training says when the signs of a layer have one value alone, and is silent where they have two."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from xnorkit.nn import BConfig, BinaryConv2d
from xnorkit.ops import BasicInputBinarizer, SteHeavisideBinarizer, XNORWeightBinarizer
from xnorkit.train import fit, load_recipe
from xnorkit.train import module as module_file
from xnorkit.train.sign_share import SignShare


def net(process: Any, norm: bool = False) -> nn.Sequential:
    bconfig = BConfig(process, weight_pre_process=XNORWeightBinarizer)
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8) if norm else nn.Identity()),
        *(BinaryConv2d(8, 8, 3, bconfig=bconfig), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)),
    )


@pytest.mark.parametrize(
    ("model", "share"),
    [
        (lambda: net(BasicInputBinarizer), "100.0%"),
        (lambda: net(SteHeavisideBinarizer), None),
        (lambda: net(BasicInputBinarizer, norm=True), None),
    ],
)
def test_one_line(
    model: Any,
    share: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module_file, "build_model", lambda *_: model())
    recipe = replace(load_recipe("lenet5-digits"), epochs=1)
    fit(recipe, output=tmp_path / "run", progress=False)
    lines = [line for line in capsys.readouterr().err.splitlines() if "signs" in line]
    if share is None:
        assert lines == []
        return
    (line,) = lines
    assert f"4 ({share} are +1: ReLU '2')" in line
    for remedy in ("BatchNorm", "SteHeavisideBinarizer", "InputBiasBinarizer"):
        assert remedy in line


@pytest.mark.parametrize(("sign", "dead"), [(1.0, True), (-1.0, True), (0.0, False)])
def test_a_reason_that_no_graph_shows(sign: float, dead: bool, capsys: pytest.CaptureFixture[str]) -> None:
    class Trainer:
        current_epoch, num_training_batches, is_global_zero = 0, 2, True

    class Module:
        model = nn.Sequential(BinaryConv2d(2, 2, 1))
        stages = load_recipe("lenet5-digits").all_stages()

    watch = SignShare()
    watch.on_train_epoch_start(Trainer(), Module())  # type: ignore[arg-type]
    for index in range(3):
        Module.model(torch.randn(4, 2, 3, 3) + 100 * sign)
        watch.on_train_batch_end(Trainer(), Module(), None, None, index)  # type: ignore[arg-type]
    text = capsys.readouterr().err
    assert ("its inputs have one sign" in text) == dead
    assert not any(module._forward_hooks for module in Module.model.modules())
    assert set(watch.shares) == {"0"}


def test_dropout_behind_the_signs_is_not_counted() -> None:
    from xnorkit.models.dropped_signs import DroppedSigns

    class Module:
        model = nn.Sequential(BinaryConv2d(2, 2, 1))
        stages = load_recipe("lenet5-digits").all_stages()

    class Trainer:
        current_epoch, num_training_batches, is_global_zero = 0, 1, False

    Module.model[0].activation_pre_process = DroppedSigns(BasicInputBinarizer(), 0.5)
    watch = SignShare()
    watch.on_train_epoch_start(Trainer(), Module())  # type: ignore[arg-type]
    Module.model(torch.ones(1, 2, 3, 3))
    assert watch.shares == {"0": 1.0}
    watch.on_exception(Trainer(), Module(), ValueError())  # type: ignore[arg-type]
    assert not Module.model[0].activation_pre_process.binarizer._forward_hooks
