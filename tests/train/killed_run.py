"""A program for test_killed: trains a small recipe, prints the loss of every step, and kills itself if told to.

Arguments: recipe, output folder, 100 * epoch + step at which the process ends (or -1), then "resume" or "new".
"""

import importlib
import os
import signal
import sys

from torch import Tensor

from xnorkit.data import ImageData, Split, create_data
from xnorkit.train import fit, load_recipe
from xnorkit.train.module import TrainingModule

OVERRIDES = {
    "lenet5-digits": ["epochs=3", "batch_size=48", "ema_decay=0.9", "data.selection=0.25", "data.mixup=0.2"],
    "lenet5-digits-staged": [
        *(
            "batch_size=48",
            "teacher=null",
            "accumulate=2",
            "clip_gradient=1.0",
            "binary_optimizer={name: bop, lr: 0.1}",
            "optimizer.groups=[{match: batchnorm, weight_decay: 0}, {match: bias, lr_factor: 4}]",
            "schedule.name=one-cycle",
            "swa.start=0",
            "test_flip=true",
        ),
        *(f"stages.{index}.epochs=1" for index in range(3)),
    ],
}


def small(*args: object, **options: object) -> ImageData:
    data = create_data(*args, **options)
    data.train = Split(data.train.images[:256], data.train.labels[:256])
    data.test = Split(data.test.images[:50], data.test.labels[:50])
    return data


def main() -> None:
    name, output, step, how = sys.argv[1:]
    importlib.import_module("xnorkit.train.fit").create_data = small
    training_step = TrainingModule.training_step

    def watched(self: TrainingModule, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        if self.current_epoch * 100 + index == int(step):
            os.kill(os.getpid(), signal.SIGKILL)
        loss = training_step(self, batch, index)
        print(self.current_epoch, index, loss.item().hex(), flush=True)
        return loss

    TrainingModule.training_step = watched
    resume = "last" if how == "resume" else None
    fit(load_recipe(name, OVERRIDES[name]), output=output, resume=resume, progress=False, threads=1)


if __name__ == "__main__":
    main()
