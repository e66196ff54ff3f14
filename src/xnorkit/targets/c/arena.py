"""Finds places in one block of memory for values with limited lifetimes."""

from collections.abc import Mapping, Sequence

__all__ = ["ALIGNMENT", "place"]

ALIGNMENT = 8


def place(sizes: Mapping[str, int], lives: Mapping[str, tuple[int, int]]) -> tuple[dict[str, int], int]:
    """Return the offset of each value and the size of the block, in bytes; values that live together do not overlap.

    The largest values are placed first, each at the lowest offset that is free during its life.

    Args:
        sizes: bytes of each value.
        lives: first and last step, both included, at which each value is in use.
    """
    offsets: dict[str, int] = {}
    for name in sorted(sizes, key=lambda n: (-sizes[n], n)):
        first, last = lives[name]
        others = [n for n in offsets if lives[n][0] <= last and first <= lives[n][1]]
        offsets[name] = _lowest(sizes[name], sorted((offsets[n], offsets[n] + sizes[n]) for n in others))
    end = max((offsets[name] + sizes[name] for name in sizes), default=0)
    return offsets, _aligned(end)


def _lowest(size: int, used: Sequence[tuple[int, int]]) -> int:
    offset = 0
    for begin, end in used:
        if offset + size <= begin:
            break
        offset = max(offset, _aligned(end))
    return offset


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
