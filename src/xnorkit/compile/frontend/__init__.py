"""Trained module -> values and the operations between them, from the calls of one forward pass."""
