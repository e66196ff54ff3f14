"""Trained module -> values and the operations between them, from the calls that one forward pass makes."""
