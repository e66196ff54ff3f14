"""Weights of an earlier run as the start of a new one."""

from pathlib import Path

from torch import nn

from xnorkit.errors import InputError
from xnorkit.format import Preparation
from xnorkit.nn._latent import LatentWeight
from xnorkit.train.checkpoint import read_checkpoint

__all__ = ["find_checkpoint", "load_pretrained"]


def find_checkpoint(name: str, logs: Path) -> Path:
    """Return the checkpoint that `name` means: a file, or a run in the folder `logs`, its best epoch before its last.

    Raises:
        InputError: neither is there.
    """
    places = [Path(name), logs / name / "best.ckpt", logs / name / "last.ckpt"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise InputError(
            f"no checkpoint '{name}'; required: a file, or a run in {logs}. Looked at {', '.join(map(str, places))}."
        )
    return found


def load_pretrained(
    model: nn.Module, path: Path, preparation: Preparation | None = None, option: str = "pretrained"
) -> str:
    """Copy the weights of a checkpoint into `model` where name and shape agree, and say in a line what was copied.

    The line names the tensors of either side that have no counterpart, and says where the images of the checkpoint's
    training were prepared otherwise than `preparation`, that of the data to come. What the checkpoint lacks keeps its
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
            f"{option}={path}: none of its {len(theirs)} tensors has a name and shape of this model's {len(ours)}; "
            "required: a checkpoint of the same architecture."
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
