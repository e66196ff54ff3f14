"""Rewrite an old checkpoint as one of this library, which every command accepts."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xnorkit.compat.legacy_checkpoint import LegacyReport, loaded
from xnorkit.compat.legacy_file import read_legacy_file
from xnorkit.compat.legacy_inputs import chosen_input, normalized_by, with_data_of
from xnorkit.compat.legacy_layouts import layout_of
from xnorkit.errors import InputError
from xnorkit.train import load_recipe
from xnorkit.train.checkpoint import write_weights
from xnorkit.train.load_recipe import overridden

__all__ = ["convert_checkpoint"]


def convert_checkpoint(
    path: Path | str,
    output: Path | str,
    *,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    images: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> LegacyReport:
    """Write `output`, a checkpoint with the weights of the old one at `path` and the recipe of its network.

    The new checkpoint can be evaluated, exported and inspected, and a run can start with its weights (`pretrained`). It
    has no optimizer state to resume from. Everything else is as in `load_legacy_checkpoint`.

    Args:
        path: the old checkpoint.
        output: the file to write, which is replaced atomically.
        recipe: the name or YAML file of the recipe to store in it; by default the one of its layout.
        overrides: fields of that recipe to change, such as "data.name=imagenet-lmdb".
        images: the inputs of NIN on CIFAR-10: "whitened" floats, "plain" pixels, or "transposed" pixels, whose height
            and width are swapped; by default whitened, as documented by XNOR-Net-PyTorch. The report lists assumptions.
        mean: the mean of the normalisation of plain or transposed pixels, per channel; by default that of ImageNet.
        std: the standard deviation, like `mean`.

    Raises:
        InputError: as in `load_legacy_checkpoint`; `output` is the old file, ends in .xnor, or cannot be written; or
            the network has no choice of `images`, `mean` or `std`, or they do not fit the data set.
        RecipeError: the recipe or a field is unknown.
    """
    path, output = Path(path), Path(output)
    file = read_legacy_file(path)
    layout = layout_of(file.weights, str(path))
    own, assumed = layout.recipe(file.weights) if recipe is None else (load_recipe(recipe), ())
    if images is not None and images not in layout.inputs:
        need = (
            f"the input must be one of {', '.join(layout.inputs)}."
            if layout.inputs
            else "only NIN on CIFAR-10 has a choice of inputs. Select another data set with data.name=…"
        )
        raise InputError(f"input {images} for {layout.title}, but {need}")
    if images is not None:
        own = with_data_of(layout.inputs[images], own)
    chosen = overridden(own, overrides)
    fed: dict[str, Any] = {"mean": layout.mean, "std": layout.std}
    if layout.inputs:
        kind, guess = chosen_input(layout.inputs, images, chosen)
        kind, norm = normalized_by(kind, mean, std)
        assumed = (*assumed, *filter(None, (guess, norm)))
        fed = {"mean": kind.mean, "std": kind.std, "preparation": kind.preparation}
    elif mean is not None or std is not None:
        raise InputError(f"mean and std for {layout.title}, but they are for NIN on CIFAR-10. Omit them.")
    model, chosen, report = loaded(chosen, file, layout, assumed)
    if output.suffix == ".xnor" or output.is_dir() or (output.exists() and output.samefile(path)):
        raise InputError(
            f"output {output} must be another file, such as converted.ckpt. `xnorkit export` then creates .xnor files "
            "from it."
        )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent) as folder:
            draft = Path(folder) / "draft.ckpt"
            write_weights(draft, model, chosen, layout.num_classes(file.weights), **fed)
            draft.replace(output)
    except OSError as error:
        raise InputError(
            f"output {output} cannot be written ({error.strerror}). Choose a file in a writable folder."
        ) from error
    return report
