"""The bar and the line of an epoch fit a terminal of 80 columns, and count epochs from 1."""

import io
import math
from types import SimpleNamespace

import torch
from rich.console import Console

from xnorkit.train.log import _line
from xnorkit.train.metrics import Tally
from xnorkit.train.progress import EpochBar


def test_bar() -> None:
    stream = io.StringIO()
    bar = EpochBar(Console(file=stream, width=80, force_terminal=True, color_system=None))
    trainer = SimpleNamespace(is_global_zero=True, current_epoch=99, max_epochs=320, num_training_batches=1250)
    tally = Tally()
    tally.add(torch.tensor(2.34567), torch.eye(10), torch.arange(10))
    module = SimpleNamespace(training_tally=tally, figures={"flip_ratio": 0.1234}, num_classes=10)
    bar.on_train_epoch_start(trainer, module)
    for index in (0, 1240):
        bar.on_train_batch_end(trainer, module, None, None, index)
    bar.on_train_epoch_end(trainer, module)
    lines = [line for part in stream.getvalue().split("\r") for line in part.split("\n")]
    last = next(line for line in reversed(lines) if "1241/1250" in line)
    assert "epoch 100/320" in last
    assert "loss 2.346 top-1 100.0% top-5 100.0% flips 12.34%" in last
    assert max(len(line.replace("\x1b[2K", "").replace("\x1b[?25l", "")) for line in lines) <= 80


def test_line_of_an_epoch() -> None:
    trainer = SimpleNamespace(current_epoch=319, max_epochs=320)
    figures = {"train_loss": 12.34567, "train_accuracy": 0.999, "eval_accuracy": 0.9999, "eval_top5": 0.999}
    line = _line(trainer, {**figures, "flip_ratio": 0.5}, 1234.5)
    assert line == "epoch 320/320 loss 12.346 train 99.9% eval 99.99% top-5 99.9% flips 50.00% 1234s"
    assert len(line) == 80
    flipped = _line(trainer, {**figures, "flip_ratio": 0.5}, 1234.5, test_flip=True)
    assert "% (with flip) flips" in flipped
    assert len(flipped) == 80
    del figures["eval_top5"]
    assert (
        _line(trainer, {**figures, "flip_ratio": math.nan}, 9.96)
        == "epoch 320/320 loss 12.346 train 99.9% eval 99.99% 10.0s"
    )
