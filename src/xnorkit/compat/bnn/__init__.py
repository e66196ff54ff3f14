"""The names of the `bnn` package (binary-networks-pytorch): change `bnn` to `xnorkit.compat.bnn` in the imports.

After a ReLU, the signs of the original are 0 and 1, because its sign(0) is 0. They are 0 and 1 here too
(`activations="auto"` of `xnorkit.nn.prepare_binary_model`), and run on bits.

These differences from the original are intentional: sign(0) = +1 where numbers of both signs occur; `_first_` and
`_last_` are the first and the last layer; a name that does not exist is an InputError (which is also a ValueError), and
so is an instance in a BConfig; every alias of a shared layer is swapped; a second preparation keeps learned scales; the
gradient of the XNOR weights also passes through their scale, unless you use
`XNORWeightBinarizer.with_args(gradient="ste")`, the rule of the original; a layer computes
op(pre(x), sign(W)) * alpha + bias, as when deployed, instead of op(pre(x), alpha sign(W)) + bias.
"""

from functools import partial

from xnorkit import nn
from xnorkit.nn import BConfig, Identity

__all__ = ["BConfig", "Identity", "convert", "prepare_binary_model"]

prepare_binary_model = partial(nn.prepare_binary_model, activations="auto")
convert = partial(nn.convert, activations="auto")
