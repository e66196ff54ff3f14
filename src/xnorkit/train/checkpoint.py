"""Reading a training checkpoint without executing anything in it, and writing one of weights alone."""

import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.format import Preparation
from xnorkit.own import check_trust, own_names
from xnorkit.train.load_recipe import recipe_from_dict
from xnorkit.train.recipe import Recipe
from xnorkit.train.stages import StageSwitch, build_model, stage_at

__all__ = [
    "EMA",
    "GIVEN",
    "KEY",
    "REACHED",
    "SWA",
    "Checkpoint",
    "describe",
    "load_checkpoint",
    "read_checkpoint",
    "write_weights",
]

KEY = "xnorkit"
EMA = "ema"  # under KEY: the moving average of the weights, where the recipe keeps one
SWA = "swa"  # under KEY: the mean of the weights of the last epochs, where the recipe takes one
GIVEN = "given"  # under KEY: true where `fit` was given the model, which the recipe does not make
REACHED = "evaluation"  # under KEY: what the weights reached
PREPARATION = "preparation"  # under KEY: what was done to pictures besides a normalisation
PREFIX = "model."
SHOWN = 3
MANY_CLASSES = 2**20  # more of them need a layer as wide in the file; a model of any number would fill the memory


@dataclass(frozen=True)
class Checkpoint:
    """Content of a training checkpoint: weights by parameter name, what they are of, and how far the run had come.

    `mean` and `std`, per channel, are what images were normalised by, and `preparation` is what was done to pictures
    beside that; None in older files. Where the recipe averages
    the weights, these are the averaged ones, which the run's figures are of. `resumable` where it holds the state of an
    optimizer, too. `evaluation` is of the weights' epoch: `split`, `images`, `top1`, `top5` where there are 5 classes;
    empty in older files. `given` where the model is not the recipe's but one that `fit` was given.
    """

    weights: dict[str, Tensor]
    recipe: Recipe
    num_classes: int
    epochs_done: int
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    preparation: Preparation | None = None
    resumable: bool = True
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    given: bool = False


def describe(
    recipe: Recipe,
    num_classes: int,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    preparation: Preparation | None = None,
) -> dict[str, Any]:
    """Return what a checkpoint holds under `KEY`, plain values and tensors only."""
    own: dict[str, Any] = {"recipe": recipe.to_dict(), "num_classes": num_classes}
    if mean is not None and std is not None:
        own |= {"mean": list(mean), "std": list(std)}
    if preparation is not None:
        image = preparation.mean_image
        own[PREPARATION] = {
            "order": preparation.order,
            "transposed": preparation.transposed,
            "mean_image": None if image is None else torch.from_numpy(image),
            "prepared": preparation.prepared,
        }
    return own


def write_weights(
    path: Path,
    model: nn.Module,
    recipe: Recipe,
    num_classes: int,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    preparation: Preparation | None = None,
) -> None:
    """Write a checkpoint of weights alone, as of a finished run of `recipe`; it cannot be resumed."""
    state = {f"{PREFIX}{name}": value for name, value in model.state_dict().items()}
    own = describe(recipe, num_classes, mean, std, preparation)
    torch.save({"epoch": recipe.epochs - 1, "state_dict": state, KEY: own}, path)


def load_checkpoint(path: Path | str, model: nn.Module | None = None) -> tuple[nn.Module, Recipe]:
    """Return the model of a checkpoint, in the stage it was saved in, on the CPU in evaluation mode, and its recipe.

    Args:
        path: the checkpoint.
        model: a new one of the kind that `fit` was given, whose weights the checkpoint holds; by default, the recipe
            makes it.

    Raises:
        InputError: no such file, not a checkpoint of this library, or weights that do not fit its model; code that is
            not part of xnorkit and not trusted (`xnorkit.own`); a model that was given to `fit`, without `model`.
    """
    content = read_checkpoint(Path(path))
    check_trust(own_names(content.recipe.to_dict()), path)
    if content.given and model is None:
        raise InputError(
            f"{path} holds the weights of a model that fit was given and that its recipe does not make, but the model "
            "must be given here too. Call load_checkpoint(path, model=...) with a new model of the same kind."
        )
    model = build_model(content.recipe, content.num_classes, given=model)
    stages = content.recipe.all_stages()
    StageSwitch(model, stages).enter(stage_at(stages, content.epochs_done - 1)[0])
    if wrong := _misfit(model.state_dict(), content.weights):
        raise InputError(
            f"the weights in {path} do not fit model '{content.recipe.model.name}': {wrong}, but they must come "
            "from a last.ckpt as `xnorkit train` writes it."
        )
    model.load_state_dict(content.weights)
    return model.eval(), content.recipe


def _misfit(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str:
    """Return in words the first tensors that are missing, not known, or of another shape; empty if all fit."""
    shapes = {name: tuple(value.shape) for name, value in ours.items()}
    other = [
        f"{name} {tuple(value.shape)}, not {shapes[name]}"
        for name, value in theirs.items()
        if name in shapes and tuple(value.shape) != shapes[name]
    ]
    groups = {
        "it lacks": sorted(shapes.keys() - theirs.keys()),
        "it has besides": sorted(theirs.keys() - shapes.keys()),
        "of another shape": other,
    }
    return "; ".join(
        f"{what} {', '.join(names[:SHOWN])}{f' and {len(names) - SHOWN} more' if len(names) > SHOWN else ''}"
        for what, names in groups.items()
        if names
    )


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the content of a checkpoint; only tensors and plain values are read, nothing in it is executed.

    Raises:
        InputError: as `load_checkpoint`.
    """
    try:
        there = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise InputError(
            f"there is no checkpoint at {path} ({error.strerror}), but it must be a last.ckpt as `xnorkit train` "
            "writes it."
        ) from error
    if not there:
        raise InputError(f"{path} is not a file, but it must be a last.ckpt as `xnorkit train` writes it.")
    refusal = (
        f"{path} is not a checkpoint of this library, or is damaged, but it must be a last.ckpt that `xnorkit train` "
        "wrote. `xnorkit convert` makes one from an old checkpoint (.pth.tar, .pth) of XNOR-Net-PyTorch or bnn."
    )
    try:
        # torch.load does not compare the checksums that the archive holds.
        with zipfile.ZipFile(path) as archive:
            whole = archive.testzip() is None
    except PermissionError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}), but it must be a readable file.") from error
    except Exception:  # a damaged archive may fail anywhere
        whole = False
    if not whole:
        raise InputError(refusal)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        ours, state = content[KEY], content["state_dict"]
        weights = {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
        if EMA in ours:
            weights = ours[EMA]["average"]
        if ours.get(SWA, {}).get("ready"):
            weights = ours[SWA]["average"]
        recipe = recipe_from_dict({"clamp": "closed", **ours["recipe"]}, str(path))  # files without it: clamped so
        pixels: dict[str, Any] = {key: tuple(map(float, ours[key])) for key in ("mean", "std") if key in ours}
        pixels["preparation"] = _preparation(ours.get(PREPARATION))
        resumable = "optimizer_states" in content
        done = int(content["epoch"]) + 1
        evaluation = dict(ours.get(REACHED, {}))
        classes = int(ours["num_classes"])
        figures = all(isinstance(value, str | int | float) for value in evaluation.values())
        many = not 1 <= classes <= MANY_CLASSES and not any(
            len(value) == classes for value in weights.values() if value.dim()
        )
        if not figures or many:
            raise ValueError(f"no layer of {classes} classes")  # else a model of them would fill the memory
        return Checkpoint(
            weights,
            recipe,
            classes,
            done,
            **pixels,
            resumable=resumable,
            evaluation=evaluation,
            given=bool(ours.get(GIVEN)),
        )
    except Exception as error:  # a damaged file may fail anywhere inside the unpickler
        raise InputError(refusal) from error


def _preparation(stored: Mapping[str, Any] | None) -> Preparation | None:
    if stored is None:
        return None
    image = stored["mean_image"]
    return Preparation(**{**stored, "mean_image": None if image is None else image.numpy()})
