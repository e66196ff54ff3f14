"""What one training step, one evaluation step and a checkpoint of a recipe are."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xnorkit.errors import XnorkitError
from xnorkit.format import Preparation
from xnorkit.nn import project_
from xnorkit.optim import WeightProjection, split_parameters
from xnorkit.train._lightning import pl
from xnorkit.train.averages import FinalAverage, MovingAverage
from xnorkit.train.checkpoint import EMA, GIVEN, KEY, REACHED, SWA, describe
from xnorkit.train.distill import Distillation
from xnorkit.train.metrics import FlipRatio, Tally
from xnorkit.train.optimizers import make_model_optimizer, make_schedule
from xnorkit.train.recipe import Recipe, StageSpec
from xnorkit.train.saving import check_state
from xnorkit.train.specs import OptimizerSpec, ScheduleSpec
from xnorkit.train.stages import StageSwitch, averages_from, build_model, image_side, set_progress, stage_at

__all__ = ["EVALUATION", "SELECTION", "TrainingModule"]

EVALUATION, SELECTION = 0, 1  # numbers of the loaders that the trainer validates on
CHECK_EVERY = 50  # steps between looks at the loss on an accelerator, which has to be waited for


class TrainingModule(pl.LightningModule):
    """Classification in the stages of a recipe; latent weights are projected after each optimizer step.

    The loss is cross entropy, or with a teacher that of `Distillation`. A new stage begins with a new optimizer and
    schedule. Binarizers with a schedule are told the progress of the stage at the start of each epoch, 0 in the first.

    `figures` holds, after the evaluation of an epoch: `train_loss`, `train_accuracy`, `train_top5`, the same of `eval_`
    and, with a selection split, of `select_`; and `flip_ratio`, the share of binary weights whose sign the epoch
    changed, NaN without binary weights; `reached` what a checkpoint says of the evaluation split. That is only looked
    at: nothing is selected by it.

    Args:
        recipe: see `load_recipe`.
        num_classes: of the data.
        steps_per_epoch: number of optimizer steps.
        teacher: for recipes with a teacher.
        mean, std: of the data, for recipes with an 8-bit first layer.
        preparation: what else the data set does to pictures, for the checkpoints.
        split: name of the evaluation split, for the checkpoints.
        model: trained in place of the recipe's.
    """

    def __init__(
        self,
        recipe: Recipe,
        num_classes: int,
        steps_per_epoch: int,
        *,
        teacher: nn.Module | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        preparation: Preparation | None = None,
        split: str = "",
        model: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.num_classes, self.steps_per_epoch = recipe, num_classes, steps_per_epoch
        self.mean, self.std, self.preparation, self.split = mean, std, preparation, split
        self.given = model is not None
        self.model = build_model(recipe, num_classes, mean, std, model)
        self.stages = recipe.all_stages()
        self.switch = StageSwitch(self.model, self.stages)
        self.switch.enter(0)
        self.distillation = _distillation(recipe, self.model, teacher)
        self.ema = MovingAverage(recipe.ema_decay) if recipe.ema_decay else None
        self.swa = FinalAverage() if recipe.swa else None
        self.side: int | None = None  # of the training images in this epoch; None: as they are
        self.flips = FlipRatio()
        self.training_tally = Tally()
        self.tallies = {EVALUATION: Tally(), SELECTION: Tally()}
        self.figures: dict[str, float] = {}
        self.reached: dict[str, str | int | float] = {}

    @property
    def stage(self) -> StageSpec:
        """The stage that the model is in."""
        return self.stages[self.switch.entered]

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return self.model(self._laid_out(images))

    def _laid_out(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last) if self.recipe.channels_last else images

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the mean loss of a batch; XnorkitError if it is not a finite number."""
        images, labels = batch
        if self.side is not None:
            images = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        smoothing = self.recipe.label_smoothing
        if self.distillation is not None and self.stage.teacher:
            loss, logits = self.distillation(images, labels, smoothing)
        else:
            logits = self(images)
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if (self.device.type == "cpu" or index % CHECK_EVERY == 0) and not torch.isfinite(loss):
            raise XnorkitError(
                f"the loss is {loss.item()} in step {self.global_step} (epoch {self.current_epoch + 1}), but it "
                f"must be finite. {self._remedy()}"
            )
        self.training_tally.add(loss, logits, labels)
        return loss

    def on_fit_start(self) -> None:
        """Lay the weights out as the recipe says."""
        if self.recipe.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def on_train_epoch_start(self) -> None:
        """Enter the stage of the epoch, set the progress of binarizers, and look at the signs of the weights."""
        self._seed(0)
        index, first = stage_at(self.stages, self.current_epoch)
        if index != self.switch.entered:
            self.switch.enter(index)
            self.model.train().to(self.device)
            self.trainer.strategy.setup_optimizers(self.trainer)
        self.side = image_side(self.stage, self.current_epoch - first)
        set_progress(self.model, (self.current_epoch - first) / self.stage.epochs)
        self.training_tally.reset()
        self._look()
        self.flips.reset()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed the random numbers of the step, those of dropout and of stochastic binarizers."""
        self._seed(1 + batch_idx)

    def _seed(self, position: int) -> None:
        # As the order of the data, random numbers depend on (seed, epoch, step) only: a resumed run draws the same.
        # Once an epoch is not enough, as the trainer draws some itself, at other times when it resumes.
        entropy = (self.recipe.seed, self.current_epoch, position, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]))

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take the weights of an epoch into the final average, and finish that after the last epoch."""
        if self.swa is None or self.recipe.swa is None or not self.trainer.is_last_batch:
            return
        first = averages_from(self.stages, self.recipe.swa.start)
        if self.current_epoch == first:
            self.swa.restart()
        if self.current_epoch >= first:
            self.swa.update(self.model, self._flipped())
        if self.current_epoch == self.recipe.epochs - 1:
            with self.trainer.precision_plugin.train_step_context():
                self.swa.finish(self._training_images(), lambda x: self.trainer.strategy.reduce(x, reduce_op="mean"))

    def _training_images(self) -> Iterator[Tensor]:
        """Yield the training images of the epoch again, as they are evaluated: on the device, of whole size."""
        batches: Any = self.trainer.train_dataloader
        for images, _ in islice(batches, int(self.trainer.num_training_batches)):
            yield self._laid_out(images.to(self.device))

    def on_validation_epoch_start(self) -> None:
        """Put the averaged weights in, if the recipe averages."""
        for tally in self.tallies.values():
            tally.reset()
        for average in (self.ema, self.swa):
            if average is not None:
                average.enter(self.model)

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int, dataloader_idx: int = EVALUATION) -> None:
        """Count loss (without label smoothing) and hits of the evaluation or the selection split."""
        images, labels = batch
        logits = self(images)
        if self.recipe.test_flip:
            transposed = self.preparation is not None and self.preparation.transposed
            logits = (logits.float() + self(images.flip(2 if transposed else 3)).float()) / 2
        self.tallies[dataloader_idx].add(F.cross_entropy(logits, labels), logits, labels)

    def on_validation_epoch_end(self) -> None:
        """Put the trained weights back, and gather the figures of the epoch."""
        for average in (self.ema, self.swa):
            if average is not None:
                average.leave(self.model)
        self._look()
        self.figures = {"flip_ratio": self.flips.compute().item() if self.flips.update_called else float("nan")}
        named = {"train": self.training_tally, "eval": self.tallies[EVALUATION], "select": self.tallies[SELECTION]}
        for split, tally in named.items():
            if tally.sums is not None:
                found = tally.figures(self._sum)
                self.figures |= {f"{split}_loss": found.loss, f"{split}_accuracy": found.top1}
                top5 = {"top5": found.top5} if self.num_classes >= 5 else {}
                self.figures |= {f"{split}_{figure}": share for figure, share in top5.items()}
                if split == "eval":
                    self.reached = {"split": self.split, "images": found.images, "top1": found.top1, **top5}

    def _sum(self, value: Tensor) -> Tensor:
        """Return the sum over all processes."""
        total: Tensor = self.trainer.strategy.reduce(value, reduce_op="sum")
        return total

    def _look(self) -> None:
        weights = split_parameters(self.model)[0]
        if weights:
            self.flips.update(weights)

    def on_train_epoch_end(self) -> None:
        """Raise XnorkitError if a weight or statistic is not finite, before the checkpoint is replaced.

        The loss alone does not tell: the sign of NaN is -1, so a binary layer hides a NaN that reaches it.
        """
        for name, value in self.model.state_dict().items():
            if not torch.isfinite(value).all():
                raise XnorkitError(
                    f"'{name}' holds NaN or infinity after epoch {self.current_epoch + 1}, but its numbers must be "
                    f"finite. {self._remedy()}"
                )

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then bring the latent weights back into (-1, 1) or [-1, 1]; a stage that is all float is left alone."""
        super().optimizer_step(*args, **kwargs)
        if self.recipe.center_weights:
            WeightProjection(split_parameters(self.model)[0], clip=None, center=True)()
        if "binary" in (self.stage.activations, self.stage.weights):
            project_(self.model, closed=self.recipe.clamp == "closed")
        if self.ema is not None:
            self.ema.update(self.model, self._flipped())

    def _flipped(self) -> set[str]:
        """Return the names of the weights that Bop flips."""
        spec = self.stage.binary_optimizer
        latent = {id(w) for w in split_parameters(self.model)[0]} if spec is not None and spec.name == "bop" else set()
        return {name for name, parameter in self.model.named_parameters() if id(parameter) in latent}

    def configure_optimizers(self) -> Any:
        """Return the optimizer of the stage and its schedule per step."""
        stage = self.stage
        optimizer = make_model_optimizer(stage.optimizer or OptimizerSpec(), stage.binary_optimizer, self.model)
        schedule = make_schedule(stage.schedule or ScheduleSpec(), optimizer, stage.epochs, self.steps_per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what `load_checkpoint` needs to build the model again."""
        checkpoint[KEY] = describe(self.recipe, self.num_classes, self.mean, self.std, self.preparation)
        checkpoint[KEY][REACHED] = self.reached
        if self.given:
            checkpoint[KEY][GIVEN] = True
        if self.ema is not None:
            checkpoint[KEY][EMA] = self.ema.state()
        if self.swa is not None:
            checkpoint[KEY][SWA] = self.swa.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Bring the model into the stage that the checkpoint was written in, before its weights are loaded."""
        check_state(checkpoint)
        self.switch.enter(stage_at(self.stages, checkpoint["epoch"])[0])
        if self.ema is not None and EMA in checkpoint[KEY]:
            self.ema.restore(checkpoint[KEY][EMA])
        if self.swa is not None:
            self.swa.restore(self.model, checkpoint[KEY].get(SWA, {}))

    def _remedy(self) -> str:
        rate = (self.stage.optimizer or OptimizerSpec()).lr
        before = "; last.ckpt still holds the epoch before" if self.current_epoch else ""
        return f"Lower optimizer.lr (now {rate}) or check the data{before}."


def _distillation(recipe: Recipe, model: nn.Module, teacher: nn.Module | None) -> Distillation | None:
    spec = recipe.teacher
    if spec is None or teacher is None:
        return None
    return Distillation(
        model,
        teacher,
        weight=spec.weight,
        temperature=spec.temperature,
        attention=spec.attention,
        layers=spec.attention_layers,
        bfloat16=spec.precision == "bf16-mixed",
    )
