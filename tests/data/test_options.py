"""Options out of range are refused by their names."""

import pytest

from xnorkit.data import DataOptions, create_data
from xnorkit.errors import RecipeError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": -1}, "data.workers=-1, but it must be at least 0"),
        ({"mixup": -0.1}, "data.mixup=-0.1, but it must be at least 0"),
        ({"cutmix": float("inf")}, "data.cutmix=inf"),
        ({"randaugment_level": 31}, "data.randaugment_level=31, but it must be from 0 to 30"),
        ({"selection": 1.0}, "data.selection=1.0, but it must be at least 0 and below 1"),
        ({"min_crop": 0.0}, "data.min_crop=0.0, but it must be above 0"),
        ({"preprocessing": "new"}, "data.preprocessing=new, but it must be 'modern' or 'seed'"),
        ({"image_size": 0}, "data.image_size=0, but it must be at least 1"),
        ({"rank": 1}, "or None for both"),
        ({"rank": 2, "world_size": 2}, "a rank below the world_size"),
    ],
)
def test_wrong_values(options: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        DataOptions(**options)


def test_unknown_options_have_near_matches() -> None:
    with pytest.raises(RecipeError, match=r"'worker' is not a data option\. Did you mean workers"):
        create_data("digits", worker=2)
    with pytest.raises(RecipeError, match="Choose one of batch_size, seed"):
        create_data("digits", zzz=2)


def test_fields_change_the_options_given() -> None:
    data = create_data("digits", None, DataOptions(batch_size=7, shift=1), seed=3)
    assert data.options == DataOptions(batch_size=7, shift=1, seed=3)
