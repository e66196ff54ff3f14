"""Passes of the exporter, each with one job: first over values (`choose_bits`), then over the nodes made of them."""

from xnorkit.export.passes.choose_bits import choose_bits
from xnorkit.export.passes.drop_identities import drop_identities
from xnorkit.export.passes.drop_unread import drop_unread
from xnorkit.export.passes.fold_affine import fold_affine
from xnorkit.export.passes.half_weights import half_weights
from xnorkit.export.passes.share_nodes import share_nodes

__all__ = ["choose_bits", "drop_identities", "drop_unread", "fold_affine", "half_weights", "share_nodes"]
