"""A program for test_distributed: trains on several CPU processes and writes what each of them saw.

Arguments: output folder, number of processes, images per step of all processes together, model ("plain" or "lenet5").
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.data import ImageData, Split, create_data
from xnorkit.nn import BinaryLinear
from xnorkit.train import Hardware, fit, load_recipe
from xnorkit.train.averages import FinalAverage
from xnorkit.train.folder import process_rank
from xnorkit.train.module import TrainingModule

IMAGES = 96


def small(*args: object, **options: object) -> ImageData:
    data = create_data(*args, **options)
    data.train = Split(data.train.images[:IMAGES], data.train.labels[:IMAGES])
    data.test = Split(data.test.images[:50], data.test.labels[:50])
    return data


def plain(*_: object) -> nn.Module:
    """A network without BatchNorm, whose statistics are those of one process."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Hardtanh(), BinaryLinear(64, 32), nn.Linear(32, 10))


def main() -> None:
    output, processes, batch, model = sys.argv[1:]
    importlib.import_module("xnorkit.train.fit").create_data = small
    if model == "plain":
        importlib.import_module("xnorkit.train.module").build_model = plain
    training_step = TrainingModule.training_step
    seen: dict[str, list[list[float]]] = {"losses": [], "images": []}

    def watched(self: TrainingModule, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        loss = training_step(self, batch, index)
        seen["losses"].append([self.current_epoch, loss.item()])
        # The sum of an image's pixels tells it from the others, as nothing is shifted here.
        seen["images"] += [[self.current_epoch, value] for value in batch[0].double().sum((1, 2, 3)).tolist()]
        return loss

    TrainingModule.training_step = watched
    finish = FinalAverage.finish

    def finished(self: FinalAverage, *arguments: Any) -> None:
        finish(self, *arguments)
        seen["average"] = [value.double().flatten().tolist() for value in self.state()["average"].values()]

    FinalAverage.finish = finished
    fields = ["epochs=2", f"batch_size={batch}", "data.shift=0", "optimizer={name: sgd, lr: 0.1}", "swa={start: 0}"]
    recipe = load_recipe("lenet5-digits", fields)
    result = fit(recipe, output=output, progress=False, hardware=Hardware(processes, accelerator="cpu", threads=1))
    seen["result"] = [[result.loss, result.accuracy]]
    Path(output).with_suffix(f".{process_rank()}.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    main()
