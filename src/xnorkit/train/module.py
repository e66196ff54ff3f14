"""What one training step, one evaluation step and a checkpoint of a recipe are."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from xnorkit.errors import XnorkitError
from xnorkit.models import create_model
from xnorkit.nn import project_
from xnorkit.train._lightning import MulticlassAccuracy, pl
from xnorkit.train.checkpoint import KEY, describe
from xnorkit.train.optimizers import make_optimizer, make_schedule
from xnorkit.train.recipe import Recipe

__all__ = ["TrainingModule"]


class TrainingModule(pl.LightningModule):
    """Classification with cross entropy; latent weights are projected after each optimizer step.

    Logged per epoch: `train_loss`, `train_accuracy`, `test_loss`, `test_accuracy`. The evaluation split is only looked
    at: nothing is selected by it.
    """

    def __init__(self, recipe: Recipe, num_classes: int, steps_per_epoch: int) -> None:
        super().__init__()
        self.recipe, self.num_classes, self.steps_per_epoch = recipe, num_classes, steps_per_epoch
        self.model = create_model(recipe.model.name, num_classes, recipe.model.binarization)
        self.train_accuracy = MulticlassAccuracy(num_classes, average="micro")
        self.test_accuracy = MulticlassAccuracy(num_classes, average="micro")

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        return self.model(images)

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        """Return the mean loss of a batch; XnorkitError if it is not a finite number."""
        images, labels = batch
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)
        if not torch.isfinite(loss):
            raise XnorkitError(
                f"the loss is {loss.item()} in step {self.global_step} (epoch {self.current_epoch + 1}); required: a "
                f"finite number. {self._remedy()}"
            )
        self.train_accuracy(logits.detach(), labels)
        self._log_epoch("train", loss.detach(), self.train_accuracy, len(labels))
        return loss

    def on_train_epoch_end(self) -> None:
        """Raise XnorkitError if a weight or statistic is not finite, before the checkpoint is replaced.

        The loss alone does not tell: the sign of NaN is -1, so a binary layer hides a NaN that reaches it.
        """
        for name, value in self.model.state_dict().items():
            if not torch.isfinite(value).all():
                raise XnorkitError(
                    f"'{name}' holds NaN or infinity after epoch {self.current_epoch + 1}; required: finite numbers. "
                    f"{self._remedy()}"
                )

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        """Log loss (without label smoothing) and accuracy of the evaluation split."""
        images, labels = batch
        logits = self.model(images)
        self.test_accuracy(logits, labels)
        self._log_epoch("test", F.cross_entropy(logits, labels), self.test_accuracy, len(labels))

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then bring the latent weights back into [-1, 1]."""
        super().optimizer_step(*args, **kwargs)
        project_(self.model)

    def configure_optimizers(self) -> Any:
        """Return the recipe's optimizer and its schedule per step."""
        optimizer = make_optimizer(self.recipe.optimizer, self.model.parameters())
        schedule = make_schedule(self.recipe.schedule, optimizer, self.recipe.epochs, self.steps_per_epoch)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what `load_checkpoint` needs to build the model again."""
        checkpoint[KEY] = describe(self.recipe, self.num_classes)

    def _log_epoch(self, split: str, loss: Tensor, accuracy: Any, size: int) -> None:
        # The bar has room for two numbers: how training goes, and what it is good for.
        self.log(f"{split}_loss", loss, on_step=False, on_epoch=True, prog_bar=split == "train", batch_size=size)
        self.log(f"{split}_accuracy", accuracy, on_step=False, on_epoch=True, prog_bar=split == "test", batch_size=size)

    def _remedy(self) -> str:
        rate = self.recipe.optimizer.lr
        return f"Lower optimizer.lr (now {rate}) or check the data; last.ckpt still holds the epoch before."
