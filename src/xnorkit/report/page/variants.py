"""Trainings that differ in one thing: rules for the gradient, parts of the binarization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from xnorkit.report.page.evidence import Seeds, seeds
from xnorkit.report.records import Record

__all__ = ["FULL", "RULES", "TRUE_RULE", "Variant", "variants"]

TRUE_RULE, FULL = "exact", "full xnor"
"""What the other rules, and the other changes, are compared with."""
RULES: Mapping[str, str] = MappingProxyType(
    {
        "exact": "exact",
        "paper": "as the paper prints",
        "seeds": "XNOR-Net-PyTorch",
        "ste": "straight-through alone",
    }
)


@dataclass(frozen=True)
class Variant:
    """One way of training: its stored name and its accuracies and losses over seeds."""

    name: str
    top1: Seeds
    loss: Seeds | None


def variants(records: Sequence[Record], key: str) -> list[Variant]:
    """Return the variants of one data set, network and budget, in order of writing."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(str(record.subject[key]), []).append(record)
    found = [(name, seeds(group, "top1"), seeds(group, "train_loss")) for name, group in groups.items()]
    return [Variant(name, top1, loss) for name, top1, loss in found if top1]
