"""What became of a random network: packed and equal, or refused by name; anything else is a fault of the exporter."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from random_forwards import random_forward

from xnorkit.errors import ExportError
from xnorkit.export import Proof, export_model, interpret, verify
from xnorkit.runtime import Model

__all__ = ["Tally", "compare"]

TOLERANCE = 2e-3  # of the largest logit, where no sign flipped


@dataclass
class Tally:
    """Counts of outcomes, and the faults themselves."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, seed: int, outcome: str) -> None:
        """Count the outcome of a seed; one that is neither equal nor refused is kept as a fault."""
        kind = outcome.partition(":")[0]
        self.counts[kind] += 1
        if kind not in ("equal", "refused"):
            self.faults.append(f"seed {seed}: {outcome}")


def compare(seed: int) -> str:
    """Return "equal", "refused: why", "wrong: how" or "exception: which" for the network of a seed."""
    model, shape = random_forward(seed)
    torch.manual_seed(seed)
    images = (torch.randn(4, *shape) * 8).round() / 8
    try:
        export = export_model(model, shape)
    except ExportError as error:
        return f"wrong: {error}" if "please report" in str(error) or "\n" in str(error) else f"refused: {error}"
    except Exception as error:
        return f"exception: {type(error).__name__}: {error}"
    try:
        packed = Model(export.graph)
        proof = verify(model, packed, images, strict=False)
        with torch.no_grad():
            wanted = model(images.clone()).numpy()
        got = packed(images).reshape(wanted.shape)
        interpreted = interpret(export.graph, images.numpy())[export.graph.output].transpose(0, 3, 1, 2)
    except Exception as error:
        return f"exception: after pack: {type(error).__name__}: {error}"
    fault = _fault(proof, wanted, got, interpreted.reshape(wanted.shape))
    if fault:
        return f"wrong: {fault}"
    return "equal: but for flipped signs" if proof.total_flips else "equal"


def _fault(proof: Proof, wanted: NDArray[Any], got: NDArray[Any], interpreted: NDArray[Any]) -> str:
    """Return what is wrong with the numbers of a packed program, or nothing."""
    if not (proof.binary_outputs_equal and proof.floats_within_bound):
        return "the proof fails"
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    if not proof.total_flips and not np.allclose(got, wanted, rtol=0, atol=allowed):
        return f"{np.abs(got - wanted).max():.2g} apart without a flipped sign"
    if not proof.total_flips and not np.allclose(got, interpreted, rtol=0, atol=allowed):
        return "the engine differs from the interpreter"
    return ""
