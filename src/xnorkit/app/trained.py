"""A checkpoint with what packing needs: its recipe, mean and std of its pixels, and its data set if available."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorkit.errors import DataError, RecipeError
from xnorkit.format import InputSpec, Normalization, Preparation, in_words

if TYPE_CHECKING:
    from torch import nn

    from xnorkit.data import ImageData
    from xnorkit.export import Export
    from xnorkit.train import Checkpoint, Recipe

__all__ = ["Trained", "check_images", "load_trained", "prepared_by"]


@dataclass(frozen=True)
class Trained:
    """A trained module and what belongs to it.

    data: None if the files are not available. normalization: of pixels; None with a mean image and for prepared
    floats. preparation: None in an older checkpoint if only the data set knows it. reached: what the weights reached,
    for the metadata; empty in older checkpoints.
    """

    model: "nn.Module"
    recipe: "Recipe"
    normalization: Normalization | None
    preparation: Preparation | None
    data: "ImageData | None"
    reached: Mapping[str, Any]

    @property
    def input(self) -> InputSpec:
        """The module's input."""
        return InputSpec(self.input_shape, self.normalization, preparation=self.preparation or Preparation())

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images that the model was trained on."""
        from xnorkit.models import input_shape

        channels, height, width = input_shape(self.recipe.model.name)
        size = self.recipe.data.image_size
        return (channels, size or height, size or width)

    def pack(self, about: Mapping[str, Any] | None = None, **options: Any) -> "Export":
        """Return the packed program; its metadata say where it comes from, its classes if known, and `about`."""
        from xnorkit.export import export_model

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
            preparation=self.preparation,
            metadata={**metadata, **self.reached, **(about or {})},
            **options,
        )

    def _reads_photographs(self) -> bool:
        """Whether its images were cut from pictures of any size; without the data set, only if the recipe says so."""
        from xnorkit.data import PhotoData

        if self.data is None:
            return self.recipe.data.preprocessing != "modern"
        return isinstance(self.data, PhotoData)


def load_trained(checkpoint: Path, data_root: Path | None = None, *, data_needed: bool = False) -> Trained:
    """Return the content of a checkpoint, with its data set if that is in `data_root` or the default folder.

    Raises:
        InputError: the file does not exist or is not a checkpoint.
        DataError: the data set is not there, although it is needed or `data_root` was given.
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
    normalization, preparation = prepared_by(stored, data)
    return Trained(model, recipe, normalization, preparation, data, stored.evaluation)


def prepared_by(
    stored: "Checkpoint", data: "ImageData | None" = None
) -> tuple[Normalization | None, Preparation | None]:
    """Return how the images of a checkpoint's training were made, as far as it or its data set says.

    Older checkpoints, which do not hold this, have the preparation of their recipe's data set. The normalization is
    None with a mean image or prepared floats. The preparation is None if it is unknown: for an older checkpoint with a
    mean image without its data set, or one that holds no mean and std.
    """
    by = None
    if stored.mean is not None and stored.std is not None:
        by = Normalization(stored.mean, stored.std)
    elif data is not None:
        by = Normalization(tuple(data.mean), tuple(data.std))
    preparation = stored.preparation
    if preparation is None and data is not None:
        preparation = data.preparation
    if preparation is None:
        preparation = _of_old(stored.recipe)
    if preparation is None or (by is None and preparation.mean_image is None and preparation.prepared is None):
        return None, None
    floats = preparation.mean_image is not None or preparation.prepared is not None
    return (None if floats else by), preparation


def check_images(spec: InputSpec, data: "ImageData", what: str) -> None:
    """Check that `what` accepts the images of `data`; RecipeError says what the data are and what is needed."""
    word, wanted = data.preparation.prepared, spec.preparation.prepared
    if spec.takes_pixels if word is None else word == wanted:
        return
    gives = "pixels" if word is None else f"prepared floats ({word})"
    raise RecipeError(
        f"data '{data.name}' gives {gives}, and {what} takes {in_words(spec)}, but the data set must be prepared like "
        "that of its training."
    )


def _of_old(recipe: "Recipe") -> Preparation | None:
    """Return what a recipe's data set does to pictures; None if only its files say it."""
    if recipe.data.name == "cifar10-whitened":
        return Preparation(prepared="whitened")
    if recipe.data.name == "imagenet-lmdb" and recipe.data.preprocessing == "seed":
        return None
    return Preparation()


def _data_of(recipe: "Recipe", root: Path | None) -> "ImageData":
    """Return the data set of a recipe, with images of the size and preprocessing that its model was trained on."""
    from xnorkit.data import create_data
    from xnorkit.models import input_shape

    size = recipe.data.image_size or input_shape(recipe.model.name)[1]
    return create_data(recipe.data.name, root, replace(recipe.data.options(), image_size=size))
