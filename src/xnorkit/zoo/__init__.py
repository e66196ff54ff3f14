"""Trained models that ship with the package: packed files, their cards and a few images; needs only NumPy."""

from xnorkit.zoo.cards import Card, Run, Series
from xnorkit.zoo.files import card, find, list_pretrained, path
from xnorkit.zoo.samples import Sample, sample

__all__ = ["Card", "Run", "Sample", "Series", "card", "find", "list_pretrained", "path", "sample"]
