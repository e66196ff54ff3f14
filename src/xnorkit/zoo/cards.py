"""What is known about a trained model that ships: how it was made, on which data, and what it reached."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xnorkit.zoo.files import path

__all__ = ["Card", "Run", "Series", "card"]

EMBEDDED = "digits"  # the data set that needs no folder


@dataclass(frozen=True)
class Run:
    """One training run after its last epoch.

    Attributes:
        seed: of the recipe.
        top1: accuracy on the evaluation split; in a card's own series that of the packed file on the engine, in a twin
            that of PyTorch at the end of training.
        top1_pytorch: what PyTorch measured at the end of training.
        seconds: time of all epochs, including evaluation.
    """

    seed: int
    top1: float
    top1_pytorch: float
    seconds: float


@dataclass(frozen=True)
class Series:
    """The runs of one recipe that differ only in their seed, in ascending order of the seed.

    Attributes:
        recipe: a name from `xnorkit recipes`.
        overrides: the fields that the runs changed, as `key=value`.
        binarization: of the model.
        epochs: epochs of each run.
        epochs_planned: epochs of the recipe as it ships.
        runs: at least one.
    """

    recipe: str
    overrides: tuple[str, ...]
    binarization: str
    epochs: int
    epochs_planned: int
    runs: tuple[Run, ...]

    @property
    def mean(self) -> float:
        """Mean top-1 over the seeds."""
        return sum(run.top1 for run in self.runs) / len(self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest top-1."""
        accuracies = [run.top1 for run in self.runs]
        return min(accuracies), max(accuracies)

    @property
    def words(self) -> str:
        """Mean and range as text, such as "99.38 % (99.35 to 99.41 %, 3 seeds)"."""
        low, high = (f"{100 * accuracy:.2f}" for accuracy in self.spread)
        mean = f"{100 * self.mean:.2f} %"
        return f"{mean} (1 seed)" if len(self.runs) == 1 else f"{mean} ({low} to {high} %, {len(self.runs)} seeds)"

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Series":
        """Return the series from fields that `asdict` made."""
        runs = tuple(Run(**run) for run in fields["runs"])
        return cls(**{**fields, "overrides": tuple(fields["overrides"]), "runs": runs})


@dataclass(frozen=True)
class Card:
    """A trained model that ships.

    Attributes:
        name: of the model, and of its files.
        description: one line.
        model: the architecture, a name from `xnorkit models`.
        input_shape: (C, H, W) of one image.
        classes: names of the outputs.
        data, data_title, data_source, data_license: the data set's name, title, origin and terms.
        split: the split of the accuracies; nothing was selected on it.
        images: number of images in that split.
        top1, top5: accuracy of the file that ships, as `xnorkit evaluate` prints it.
        seed: seed of the run that ships; fixed before the runs, not chosen by their accuracy.
        series: the runs of the recipe, including the one that ships.
        twins: the same architecture in other binarizations ("float", "bwn"), trained on the same data.
        proof: of the file against the trained model: `images`, `predictions_equal`, `binary_outputs_equal`,
            `max_logit_difference`.
        hardware: the machine of the runs.
        commit: of the sources that wrote the file.
        bytes, sha256: of the file.
    """

    name: str
    description: str
    model: str
    input_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    data: str
    data_title: str
    data_source: str
    data_license: str
    split: str
    images: int
    top1: float
    top5: float | None
    seed: int
    series: Series
    twins: tuple[Series, ...]
    proof: Mapping[str, float]
    hardware: str
    commit: str
    bytes: int
    sha256: str

    def twin(self, binarization: str) -> Series | None:
        """Return the runs in another binarization, or None."""
        return next((series for series in self.twins if series.binarization == binarization), None)

    def command(self, series: Series) -> str:
        """Return the command that trains the first run of one of its series again."""
        seed = series.runs[0].seed
        folder = [] if self.data == EMBEDDED else ["--data DIR"]
        return " ".join(["xnorkit train", series.recipe, *folder, *series.overrides, *([f"seed={seed}"] * bool(seed))])

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Card":
        """Return the card from fields that `to_json` made."""
        twins: Sequence[Mapping[str, Any]] = fields["twins"]
        made = {
            "input_shape": tuple(fields["input_shape"]),
            "classes": tuple(fields["classes"]),
            "series": Series.from_json(fields["series"]),
            "twins": tuple(Series.from_json(twin) for twin in twins),
        }
        return cls(**{**fields, **made})


def card(name: str) -> Card:
    """Return the card of a trained model; InputError as in `path`."""
    return Card.from_json(json.loads(path(name).with_suffix(".json").read_text(encoding="utf-8")))
