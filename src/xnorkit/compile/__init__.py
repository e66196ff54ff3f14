"""Trained module -> graph: the front end captures it, passes choose where bits flow, and the emitter writes nodes."""

from xnorkit.compile.lower import Export, lower, rounded_to_half

__all__ = ["Export", "lower", "rounded_to_half"]
