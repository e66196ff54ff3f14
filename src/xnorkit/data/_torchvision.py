"""Import torchvision, even next to a torch that its compiled part was not built for."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

import torch

from xnorkit.errors import DataError

__all__ = ["import_torchvision", "import_transforms", "repair_torchvision"]

# A torchvision wheel built for CUDA cannot register its operators in a CPU torch; its import then fails, because it
# refers to operators that do not exist. Declaring them makes everything in Python work, but not the operators.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_libraries: list[Any] = []  # the declarations of a library live as long as the object


def repair_torchvision() -> None:
    """Make an installed torchvision importable beside a torch of another build; call it before you import either.

    The package index has torchvision built for CUDA, which cannot be imported beside a torch built for the CPU, and so
    neither can torchmetrics and Lightning. Their Python parts then work; the compiled operators, as `nms`, do not.
    Nothing is installed, and where torchvision can be imported, or is not there, nothing is done.
    """
    if importlib.util.find_spec("torchvision") is not None:
        import_torchvision()


def import_torchvision() -> ModuleType:
    """Return the module torchvision; a missing installation is a DataError."""
    try:
        return _import()
    except ModuleNotFoundError as error:
        raise DataError(
            f"downloads and RandAugment need torchvision, but its import failed: {error}. Install xnorkit[train]."
        ) from error


def import_transforms() -> ModuleType:
    """Return the module torchvision.transforms.v2; a missing installation is a DataError."""
    import_torchvision()
    return importlib.import_module("torchvision.transforms.v2")


def _import() -> ModuleType:
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _libraries:
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    _libraries.append(library)
    for schema in SCHEMAS:
        library.define(schema)
    return importlib.import_module("torchvision")
