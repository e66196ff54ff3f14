"""Read files that older code for binary networks wrote with torch.save, without executing anything in them."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from xnorkit.errors import InputError
from xnorkit.train.checkpoint import KEY

__all__ = ["LegacyFile", "read_legacy_file"]

STATES = ("state_dict", "net")
ACCURACIES = ("acc", "best_acc", "best_prec1", "best_acc1")  # in percent
EXPECTED = "must be a dictionary of tensors by name, or hold one under 'state_dict', as torch.save writes it"
REFUSED = re.compile(r"GLOBAL (?P<name>[\w.]+)")


@dataclass(frozen=True)
class LegacyFile:
    """The content of an old checkpoint.

    Attributes:
        path: the file.
        weights: the tensors by name, without the parts `module` that DataParallel inserts.
        top1: the accuracy that its code measured, as a fraction, or None if the file does not record it.
        epochs: the number of epochs of its training, or None if the file does not record it.
    """

    path: Path
    weights: dict[str, Tensor]
    top1: float | None = None
    epochs: int | None = None


def read_legacy_file(path: Path | str) -> LegacyFile:
    """Return the tensors and figures of an old checkpoint, on the CPU, without optimizer states.

    Files of PyTorch before 1.6 and of Python 2 are readable too.

    Raises:
        InputError: the file does not exist, is damaged, names anything but tensors, is a checkpoint of this library, or
            holds no weights; or two names differ only in `module`.
    """
    path = Path(path)
    content = _load(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} {EXPECTED}, but it holds a {type(content).__name__}.")
    if KEY in content:
        raise InputError(
            f"{path} must be a checkpoint of older code, but it is one of this library. Use this file directly."
        )
    state = next((content[key] for key in STATES if isinstance(content.get(key), Mapping)), content)
    strange = [str(name) for name, value in state.items() if not isinstance(value, Tensor)]
    if not state or strange:
        found = f"no tensor under {', '.join(sorted(strange)[:5])}" if strange else "nothing"
        raise InputError(f"{path} {EXPECTED}, but it holds {found}.")
    weights: dict[str, Tensor] = {}
    for name, value in state.items():
        plain = ".".join(part for part in str(name).split(".") if part != "module")
        if plain in weights:
            raise InputError(f"{path} holds '{plain}' with and without 'module', but names must differ. Remove one.")
        weights[plain] = value
    epoch = content.get("epoch")
    return LegacyFile(path, weights, _share(content), epoch if isinstance(epoch, int) and epoch > 0 else None)


def _load(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path} is not a file, but it must be one of the older code, such as nin.best.pth.tar.")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:  # torch.load does not compare the checksums
                if archive.testzip() is not None:
                    raise ValueError("the checksum of a part of it is wrong")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.load warns about old protocols
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may fail anywhere inside the unpickler
        if refused := REFUSED.search(str(error)):
            raise InputError(
                f"{path} {EXPECTED}, but it names {refused['name']}, which weights do not need. Nothing in it was "
                "executed. If it holds a whole model, load it with its own code and save model.state_dict()."
            ) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        if "weights_only" in reason:  # PyTorch's own message advises loading the file unsafely
            reason = "it was not written by torch.save, or is damaged"
        raise InputError(f"{path} {EXPECTED}, but reading it failed: {reason[:200]}. Fetch it again.") from error


def _share(content: Mapping[str, Any]) -> float | None:
    value = next((content[key] for key in ACCURACIES if key in content), None)
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return value / 100 if isinstance(value, int | float) else None
