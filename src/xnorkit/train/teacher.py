"""The networks that a recipe names: its teacher and the source of its first weights, loaded or trained first."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from xnorkit.data import ImageData
from xnorkit.errors import RecipeError
from xnorkit.models import input_shape
from xnorkit.train.checkpoint import load_checkpoint, read_checkpoint
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.recipe import Recipe
from xnorkit.train.specs import InitialiseSpec, TeacherSpec

__all__ = ["load_teacher", "source_checkpoint"]


def source_checkpoint(
    field: str, spec: TeacherSpec | InitialiseSpec | None, train: Callable[[Recipe], Path]
) -> Path | None:
    """Return the checkpoint that a field of a recipe names, or None if the recipe lacks the field.

    Args:
        field: `teacher` or `initialise`, for errors.
        spec: the value of the field.
        train: trains a recipe and returns its checkpoint; called if `spec` names a recipe.

    Raises:
        RecipeError: the named recipe needs another network itself.
    """
    if spec is None or spec.checkpoint is not None:
        return None if spec is None else Path(spec.checkpoint or "")
    own = load_recipe(spec.recipe or "")
    for needed in ("teacher", "initialise"):
        if getattr(own, needed) is not None:
            raise RecipeError(
                f"{field}.recipe={spec.recipe} has the field {needed} itself; required: a recipe without one. Train it "
                f"first, and name its checkpoint: {field}.checkpoint=PATH."
            )
    return train(own)


def load_teacher(recipe: Recipe, data: ImageData, train: Callable[[Recipe], Path]) -> nn.Module | None:
    """Return the teacher of `recipe`, or None if it has none.

    Args:
        recipe: that of the student.
        data: that of the student.
        train: trains a recipe and returns its checkpoint; called if the teacher is named by its recipe.

    Raises:
        RecipeError: as `source_checkpoint`, or the teacher is for other images or classes, or for images that were
            prepared otherwise.
    """
    checkpoint = source_checkpoint("teacher", recipe.teacher, train)
    if checkpoint is None:
        return None
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
