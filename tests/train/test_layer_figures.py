"""The callback of figures per layer: its numbers by hand, in a run and its resumption, in a trainer of one's own."""

import csv
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from xnorkit.callbacks import LayerFigures
from xnorkit.errors import InputError
from xnorkit.nn import BConfig, BinaryLinear
from xnorkit.ops import BasicInputBinarizer, XNORWeightBinarizer
from xnorkit.train import fit, load_recipe
from xnorkit.train._lightning import pl
from xnorkit.train.machine import Hardware
from xnorkit.train.run import quiet_trainer

BWN = BConfig(nn.Identity, weight_pre_process=XNORWeightBinarizer)
ONE_BIT = BConfig(BasicInputBinarizer, weight_pre_process=XNORWeightBinarizer)


class Module(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(BinaryLinear(4, 4, bconfig=BWN), BinaryLinear(4, 1, bconfig=ONE_BIT))
        self.seen: list[float] = []

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        return self.model(batch[0]).sum()

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        gradient: Any = self.model[1].weight.grad
        self.seen.append(gradient.norm().item())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def test_the_numbers_in_a_trainer_of_ones_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    images = torch.randn(12, 4)
    module, layers = Module(), LayerFigures(every=2)
    shares = (module.model[0](images) > 0).float().reshape(3, -1).mean(1).tolist()
    quiet: Any = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    logger = pl.loggers.CSVLogger(tmp_path, name="", version="")
    with quiet_trainer():
        trainer = pl.Trainer(max_epochs=2, accelerator="cpu", callbacks=[layers], logger=logger, **quiet)
        trainer.fit(module, DataLoader(TensorDataset(images), batch_size=4))
    assert [(row["epoch"], row["layer"]) for row in layers.rows] == [(1, "0"), (1, "1"), (2, "0"), (2, "1")]
    assert math.isnan(layers.rows[0]["share_of_ones"])
    assert layers.rows[0]["gradient_norm"] > 0
    assert layers.rows[1]["share_of_ones"] == pytest.approx((shares[0] + shares[2]) / 2)
    assert layers.rows[1]["gradient_norm"] == pytest.approx((module.seen[0] + module.seen[2]) / 2)
    assert not any(one._forward_pre_hooks for one in module.modules())
    logger.save()
    with (tmp_path / "metrics.csv").open() as file:
        (row, _) = csv.DictReader(file)
    assert float(row["share_of_ones/1"]) == pytest.approx(layers.rows[1]["share_of_ones"])
    assert "share_of_ones/0" not in row


def test_a_run_is_the_same_with_it_and_a_resumed_one_has_all_rows(tmp_path: Path) -> None:
    recipe = replace(load_recipe("lenet5-digits"), epochs=1)
    limits: Any = {"progress": False, "hardware": Hardware(limit_train_batches=12, limit_eval_batches=1)}
    plain = fit(recipe, output=tmp_path / "plain", **limits)
    first, second = LayerFigures(every=1), LayerFigures(every=1)
    watched = fit(recipe, output=tmp_path / "watched", callbacks=[first], **limits)
    assert watched.loss == plain.loss
    longer = replace(recipe, epochs=2)
    fit(longer, output=tmp_path / "watched", callbacks=[second], resume="last", **limits)
    names = ["block2.conv", "block3.linear"]
    assert [(row["epoch"], row["layer"]) for row in second.rows] == [(e, n) for e in (1, 2) for n in names]
    assert second.rows[:2] == first.rows
    assert all(0 < row["share_of_ones"] < 1 and row["gradient_norm"] > 0 for row in second.rows)


def test_the_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    layers = LayerFigures()
    with pytest.raises(InputError, match="Train an epoch"):
        layers.plot()
    layers.load_state_dict(
        {
            "rows": [
                {"epoch": epoch, "layer": f"layer{n}.conv", "share_of_ones": 0.4 + 0.01 * n, "gradient_norm": 0.1 * n}
                for epoch in (1, 2)
                for n in range(1, 21)
            ]
        }
    )
    figure = layers.plot()
    assert [len(axes.lines) for axes in figure.axes] == [21, 20]  # a half is a line, too
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["layer1.conv", "layer2.conv"]
    figure.savefig(tmp_path / "layers.png")


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="every=0, but it must be at least 1"):
        LayerFigures(every=0)
    layers = LayerFigures()
    layers.load_state_dict({"rows": [{"epoch": 1, "layer": "a", "share_of_ones": 0.5, "gradient_norm": 1.0}]})
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"Run pip install 'xnorkit\[report\]'"):
        layers.plot()
