"""The networks that a run reads: its teacher and the source of its first weights, loaded or trained first."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from xnorkit.data import ImageData
from xnorkit.errors import InputError, RecipeError
from xnorkit.format import Preparation
from xnorkit.models import input_shape
from xnorkit.nn._latent import LatentWeight
from xnorkit.train.checkpoint import load_checkpoint, read_checkpoint
from xnorkit.train.load_recipe import load_recipe
from xnorkit.train.recipe import Recipe
from xnorkit.train.specs import InitialiseSpec, TeacherSpec

__all__ = ["find_checkpoint", "load_pretrained", "load_teacher", "source_checkpoint"]


def find_checkpoint(name: str, logs: Path) -> Path:
    """Return the checkpoint that `name` means: a file, or a run in the folder `logs`, its best epoch before its last.

    Raises:
        InputError: neither is there.
    """
    places = [Path(name), logs / name / "best.ckpt", logs / name / "last.ckpt"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(
            f"there is no checkpoint '{name}', but it must be a file, or a run in {logs}. Looked at "
            f"{', '.join(map(str, places))}."
        )
    return found


def load_pretrained(
    model: nn.Module, path: Path, preparation: Preparation | None = None, option: str = "pretrained"
) -> str:
    """Copy the weights of a checkpoint into `model` where name and shape agree, and say in a line what was copied.

    The line names the tensors of either side that have no counterpart, and says where the images of the checkpoint's
    training were prepared differently from `preparation`, that of the new data. What the checkpoint lacks keeps its
    random start: a classifier for other classes, say, or learned binarizers. Binary weights of exactly +1 and -1 move
    inside the bounds of their gradient (`xnorkit.nn.project_`).
    `option` is how the user named the checkpoint.

    Raises:
        InputError: no readable checkpoint, or nothing in it fits.
    """
    stored = read_checkpoint(path)
    theirs, ours = stored.weights, model.state_dict()
    fitting = {name: value for name, value in theirs.items() if name in ours and ours[name].shape == value.shape}
    if not fitting:
        raise InputError(
            f"{option}={path}: none of its {len(theirs)} tensors has a name and shape of this model's {len(ours)}, but "
            "it must be a checkpoint of the same architecture."
        )
    model.load_state_dict(fitting, strict=False)
    for module in model.modules():
        if isinstance(module, LatentWeight):
            module.project_()  # weights of +1 and -1, as some are published, would get no gradient
    left = [name for name in ours if name not in fitting]
    unused = [name for name in theirs if name not in fitting]
    rest = f"; new: {', '.join(left)}" if left else ""
    rest += f"; not used: {', '.join(unused)}" if unused else ""
    if None not in (stored.preparation, preparation) and stored.preparation != preparation:
        rest += "; its images were prepared otherwise (order of channels, transposition, mean image or whitening)"
    return f"{option}: {len(fitting)} of {len(ours)} tensors from {path}{rest}"


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
                f"{field}.recipe={spec.recipe} has the field {needed} itself, but it must have none. Train it "
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
            f"recipe '{recipe.name}': the teacher has images {shape} and {classes} classes, but it must have "
            f"{data.input_shape} and {data.num_classes}, those of '{data.name}'. Choose another teacher."
        )
    if stored.preparation is not None and stored.preparation != data.preparation:
        raise RecipeError(
            f"recipe '{recipe.name}': the teacher's images were prepared differently from those of '{data.name}' "
            "(order of channels, transposition, mean image or whitening), but they must be prepared alike, because it "
            "sees the student's. Choose another teacher."
        )
    return teacher
