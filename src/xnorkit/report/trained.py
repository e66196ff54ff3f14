"""A checkpoint with what packing it needs: its recipe, mean and std of its pixels, and its data set if at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit.errors import DataError
from xnorkit.export import Export, export_model
from xnorkit.format import Normalization

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.data import ImageData
    from xnorkit.train import Recipe

__all__ = ["Trained", "load_trained"]


@dataclass(frozen=True)
class Trained:
    """A trained module and what belongs to it.

    data: None where the files are not at hand. normalization: None in a checkpoint of before they held it, without
    `data`. reached: what the weights reached, for the metadata; empty in older checkpoints.
    """

    model: "nn.Module"
    recipe: "Recipe"
    normalization: Normalization | None
    data: "ImageData | None"
    reached: Mapping[str, Any]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images that the model was trained on."""
        from xnorkit.models import input_shape

        channels, height, width = input_shape(self.recipe.model.name)
        size = self.recipe.data.image_size
        return (channels, size or height, size or width)

    def pack(self, about: Mapping[str, Any] | None = None, **options: bool) -> Export:
        """Return the packed program; its metadata say where it is from, its classes where known, and `about`."""
        recipe, data = self.recipe, self.data
        metadata: dict[str, Any] = {"recipe": recipe.name, "data": recipe.data.name}
        if data is not None:
            metadata["classes"] = list(data.classes)
        if self._reads_photographs():
            metadata["preprocessing"] = recipe.data.preprocessing
        return export_model(
            self.model,
            self.input_shape,
            name=recipe.model.name,
            normalization=self.normalization,
            metadata={**metadata, **self.reached, **(about or {})},
            **options,
        )

    def _reads_photographs(self) -> bool:
        """Whether its images were cut from pictures of any size; without the data set, only where the recipe says."""
        from xnorkit.data import PhotoData

        if self.data is None:
            return self.recipe.data.preprocessing != "modern"
        return isinstance(self.data, PhotoData)


def load_trained(checkpoint: Path, data_root: Path | None = None, *, data_needed: bool = False) -> Trained:
    """Return what a checkpoint holds, with its data set if that is in `data_root` or where data usually are.

    Raises:
        InputError: no such file, or no checkpoint.
        DataError: the data set is not there, though it is needed, or `data_root` was given.
    """
    from xnorkit.train import load_checkpoint, read_checkpoint

    model, recipe = load_checkpoint(checkpoint)
    stored = read_checkpoint(checkpoint)
    data = None
    try:
        data = _data_of(recipe, data_root)
    except DataError:
        if data_needed or data_root is not None:
            raise
    normalization = None
    if stored.mean is not None and stored.std is not None:
        normalization = Normalization(stored.mean, stored.std)
    elif data is not None:
        normalization = Normalization(tuple(data.mean), tuple(data.std))
    return Trained(model, recipe, normalization, data, stored.evaluation)


def _data_of(recipe: "Recipe", root: Path | None) -> "ImageData":
    """Return the data set of a recipe, with images of the size and preprocessing that its model was trained on."""
    from xnorkit.data import create_data
    from xnorkit.models import input_shape

    size = recipe.data.image_size or input_shape(recipe.model.name)[1]
    return create_data(recipe.data.name, root, replace(recipe.data.options(), image_size=size))
