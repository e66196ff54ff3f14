"""The teacher of a recipe: loaded, or trained first."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from xnorkit.data import ImageData
from xnorkit.errors import RecipeError
from xnorkit.models import input_shape
from xnorkit.train.checkpoint import load_checkpoint, read_checkpoint
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.recipe import Recipe

__all__ = ["load_teacher"]


def load_teacher(recipe: Recipe, data: ImageData, train: Callable[[Recipe], Path]) -> nn.Module | None:
    """Return the teacher of `recipe`, or None if it has none.

    Args:
        recipe: that of the student.
        data: that of the student.
        train: trains a recipe and returns its checkpoint; called if the teacher is named by its recipe.

    Raises:
        RecipeError: the teacher's recipe has a teacher itself, or the teacher is for other images or classes, or for
            images that were prepared otherwise.
    """
    spec = recipe.teacher
    if spec is None:
        return None
    if spec.checkpoint is not None:
        checkpoint = Path(spec.checkpoint)
    else:
        own = load_recipe(spec.recipe or "")
        if own.teacher is not None:
            raise RecipeError(f"teacher.recipe={spec.recipe} has a teacher itself; required: a recipe without one.")
        checkpoint = train(own)
    teacher, own = load_checkpoint(checkpoint)
    stored = read_checkpoint(checkpoint)
    classes = stored.num_classes
    shape = input_shape(own.model.name)
    if (shape[0], classes) != (data.input_shape[0], data.num_classes):
        raise RecipeError(
            f"recipe '{recipe.name}': the teacher has images {shape} and {classes} classes; required: "
            f"{data.input_shape} and {data.num_classes}, those of '{data.name}'. Choose another teacher."
        )
    if stored.preparation is not None and stored.preparation != data.preparation:
        raise RecipeError(
            f"recipe '{recipe.name}': the teacher's images were prepared otherwise than those of '{data.name}' (order "
            "of channels, transposition, mean image or whitening), and it sees the student's; required: the same. "
            "Choose another teacher."
        )
    return teacher
