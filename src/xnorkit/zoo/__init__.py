"""Trained models that ship with the package: packed files, their cards and a few images; needs only NumPy.

Whoever loads a model needs only its file: cards and images are imported when they are first used.
"""

import typing

from xnorkit.lazy import attach as _attach
from xnorkit.zoo.files import find, list_pretrained, path

if typing.TYPE_CHECKING:
    from xnorkit.zoo.cards import Card, Run, Series, card
    from xnorkit.zoo.samples import Sample, sample

__all__ = ["Card", "Run", "Sample", "Series", "card", "find", "list_pretrained", "path", "sample"]

if not typing.TYPE_CHECKING:  # a name that does not exist is an error for type checkers
    __getattr__, __dir__ = _attach(
        __name__, {"cards": ("Card", "Run", "Series", "card"), "samples": ("Sample", "sample")}
    )
