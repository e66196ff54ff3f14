"""A recipe trained once for each of several seeds, and what the runs reached together."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from xnorkit.errors import InputError
from xnorkit.owned import write_whole
from xnorkit.train.fit import FitResult, fit
from xnorkit.train.folder import run_name
from xnorkit.train.recipe import Recipe

__all__ = ["SeedsResult", "fit_seeds"]

FILE = "seeds.json"


@dataclass(frozen=True)
class SeedsResult:
    """The results of a recipe by seed, in the order in which they were trained."""

    results: dict[int, FitResult]

    @property
    def accuracies(self) -> list[float]:
        """Top-1 of each seed."""
        return [result.accuracy for result in self.results.values()]

    @property
    def words(self) -> str:
        """Mean, sample standard deviation and range of top-1, as "97.50 % +- 0.42 (97.08 to 97.92 %, 3 seeds)"."""
        low, high = (f"{100 * value:.2f}" for value in (min(self.accuracies), max(self.accuracies)))
        centre = f"{100 * mean(self.accuracies):.2f} %"
        if len(self.accuracies) == 1:
            return f"{centre} (1 seed)"
        return f"{centre} +- {100 * stdev(self.accuracies):.2f} ({low} to {high} %, {len(self.accuracies)} seeds)"

    def to_json(self) -> dict[str, Any]:
        """Return mean, standard deviation (null for one seed) and the result of each seed as JSON values."""
        spread = stdev(self.accuracies) if len(self.accuracies) > 1 else None
        runs = [{"seed": seed, **result.to_json()} for seed, result in self.results.items()]
        return {"mean": mean(self.accuracies), "standard_deviation": spread, "runs": runs}


def fit_seeds(recipe: Recipe, seeds: Sequence[int], *, output: Path | str, **options: Any) -> SeedsResult:
    """Train `recipe` once for each seed, into `output/seed-N`, and write `output/seeds.json`.

    Args:
        recipe: its own seed is replaced.
        seeds: at least one, none twice.
        output: folder of the runs.
        options: as for `fit`. With `resume="last"`, a seed that has a checkpoint continues, and others begin.

    Raises:
        InputError: no seed, or one twice; a model, which the first seed would have trained already.
        XnorkitError: as `fit`.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"seeds={list(seeds)}, but there must be at least one, and none twice.")
    if options.get("model") is not None:
        raise InputError("several seeds would share the weights of the given model. Name it in the recipe instead.")
    folder = Path(output)
    results = {}
    for seed in seeds:
        place = folder / run_name({"seed": seed})
        more = dict(options)
        if more.get("resume") == "last" and not (place / "last.ckpt").is_file():
            more["resume"] = None
        results[seed] = fit(replace(recipe, seed=seed), output=place, **more)
    found = SeedsResult(results)
    if all(result.is_first_process for result in results.values()) and folder.is_dir():
        write_whole(folder / FILE, (json.dumps(found.to_json(), indent=2) + "\n").encode())
    return found
