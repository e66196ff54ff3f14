"""Passes of the exporter, each with one job: first over values (`choose_bits`), then over the nodes made from them."""

from xnorkit.compile.passes.choose_bits import choose_bits
from xnorkit.compile.passes.drop_identities import drop_identities
from xnorkit.compile.passes.drop_unread import drop_unread
from xnorkit.compile.passes.fold_affine import fold_affine
from xnorkit.compile.passes.half_weights import half_weights
from xnorkit.compile.passes.share_nodes import share_nodes

__all__ = ["choose_bits", "drop_identities", "drop_unread", "fold_affine", "half_weights", "share_nodes"]
