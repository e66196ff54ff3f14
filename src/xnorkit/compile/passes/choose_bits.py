"""Chooses where bits flow: every sign moves as far up as thresholds allow, and max-pools move after it."""

from dataclasses import dataclass, replace

import numpy as np

from xnorkit.compile.chain import Bits, Chain, MaxPoolBits
from xnorkit.compile.layers import Rescale
from xnorkit.compile.operations import Flatten, Layer, MaxPool
from xnorkit.compile.pointwise import Pointwise, Sign
from xnorkit.compile.thresholds import Thresholds
from xnorkit.compile.values import Network, Value
from xnorkit.errors import ExportError

__all__ = ["choose_bits"]


def choose_bits(network: Network) -> Network:
    """Return the network with every `Sign` as thresholds (`Bits`) on the value where its chain begins.

    A chain begins after the nearest value that is needed as floats anyway (it feeds a sum, a pool of floats, the
    output), or at the integer sums of a layer that nothing else needs. If the chain is not monotone, or pools
    before something that differs by position, it begins after that: the value stays float up to there, and is then
    compared with thresholds. Notes say what was done for every sign.

    Raises:
        ExportError: not even the sign's own input can be thresholded.
    """
    search = _Search(network)
    search.settle()
    return search.rewritten()


@dataclass
class _Placed:
    chain: Chain
    thresholds: Thresholds
    reason: str = ""


class _Search:
    """`needed` are the values that must exist as floats; it only grows, and `settle` ends when it stops growing."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.needed: set[Value] = set()
        self.signs = [value for value in network.values if isinstance(value.operation, Sign)]
        self.placed: dict[Value, _Placed] = {}
        self.reasons: dict[Value, str] = {}
        self._require(network.output)
        for value in network.values:  # a layer is computed whether or not its sums stay integers
            if isinstance(value.operation, Layer) and value.operation.form != "binary":
                self._require_inputs(value)

    def settle(self) -> None:
        before = -1
        while before != len(self.needed):
            before = len(self.needed)
            for sign in self.signs:
                self._place(sign)
            self._keep_one_epilogue()

    def _require(self, value: Value) -> None:
        if value not in self.needed:
            self.needed.add(value)
            self._require_inputs(value)

    def _require_inputs(self, value: Value) -> None:
        for source in value.inputs:
            if not isinstance(source.operation, Sign):
                self._require(source)

    def _place(self, sign: Value) -> None:
        """Find the chain of a sign; the value where it begins becomes needed unless it is a layer's integers."""
        chain = self._walk(sign)
        known = self.placed.get(sign)
        if known is not None and known.chain == chain:
            return
        while True:
            cut = self._pool_before_positions(chain)
            if cut is None:
                try:
                    thresholds = chain.thresholds()
                    for pool in chain.pools:
                        chain.falling(pool, thresholds)
                    break
                except ExportError as error:
                    self.reasons[sign] = str(error)
                    cut = chain.turning()
                    if cut is None:
                        cut = len(chain.steps) - 2
            if cut < 0:
                raise ExportError(f"'{sign.name}' cannot become thresholds: {self.reasons.get(sign, '')}")
            chain = Chain(chain.steps[cut], chain.steps[cut + 1 :])
        self.placed[sign] = _Placed(chain, thresholds, self.reasons.get(sign, ""))
        if chain.start.kind != "integer":
            self._require(chain.start)

    def _walk(self, sign: Value) -> Chain:
        steps, value = [sign], sign.inputs[0]
        while value not in self.needed and _passable(value):
            steps.insert(0, value)
            value = value.inputs[0]
        return Chain(value, tuple(steps))

    def _pool_before_positions(self, chain: Chain) -> int | None:
        """Return the position of the last pool if the chain treats every position separately."""
        if chain.pools and chain.wide:
            self.reasons[chain.steps[-1]] = f"'{chain.steps[chain.pools[-1]].name}' pools before it"
            return chain.pools[-1]
        return None

    def _keep_one_epilogue(self) -> None:
        """Keep one epilogue per layer: if its signs differ, its sums become floats and are packed for each sign."""
        starts: dict[Value, list[Value]] = {}
        for sign, placed in self.placed.items():
            starts.setdefault(placed.chain.start, []).append(sign)
        for start, signs in starts.items():
            first = self.placed[signs[0]].thresholds
            if start.kind == "integer" and any(not _equal(first, self.placed[s].thresholds) for s in signs[1:]):
                for sign in signs:
                    self._require(self.placed[sign].chain.steps[0])
                    self.reasons[sign] = f"'{start.name}' is read by signs with other thresholds"

    def rewritten(self) -> Network:
        """Return the network with chains instead of signs."""
        values: list[Value] = []
        now: dict[Value, Value] = {}
        notes: dict[str, list[str]] = {"thresholds": [], "pools on bits": []}
        for value in self.network.values:
            if value in self.placed:
                made = self._bits(value, self.placed[value], now, notes)
                values += made
                now[value] = made[-1]
            else:
                now[value] = replace(value, inputs=tuple(now[source] for source in value.inputs), original=value)
                values.append(now[value])
        network = Network(values, now[self.network.output], {**self.network.notes, **notes})
        network.values = list(network.live())
        return network

    def _bits(self, sign: Value, placed: _Placed, now: dict[Value, Value], notes: dict[str, list[str]]) -> list[Value]:
        chain = placed.chain
        start = chain.start
        torch_shape = start.shape if chain.pools else sign.torch_shape
        operation = Bits(chain, placed.thresholds, torch_shape)
        made = [Value(sign.name, operation, (now[start],), start.shape, torch_shape)]
        what = "integer sums" if start.kind == "integer" else "float value"
        skipped = ", ".join(step.operation.describe() for step in chain.steps[:-1])
        number = "per position" if placed.thresholds.threshold.ndim > 1 else "per channel"
        why = f"; not further up: {placed.reason}" if placed.reason else ""
        notes["thresholds"].append(
            f"'{sign.name}': {number}, on the {what} of '{start.name}'"
            f"{f', in place of {skipped}' if skipped else ''}{why}"
        )
        for index in chain.pools:
            step = chain.steps[index]
            assert isinstance(step.operation, MaxPool)
            last = index == chain.pools[-1]
            shape = sign.torch_shape if last else step.shape
            pool = MaxPoolBits(step.operation, chain.falling(index, placed.thresholds), shape)
            made.append(Value(step.name, pool, (made[-1],), step.shape, shape))
            notes["pools on bits"].append(f"'{step.name}' moved after the sign of '{sign.name}'")
        made[-1].original = sign
        return made


def _passable(value: Value) -> bool:
    """True if a sign can move before the operation that makes `value`; bits have no dilated pools."""
    operation = value.operation
    if isinstance(operation, MaxPool):
        return bool(operation.attributes["dilation"] == [1, 1])
    if isinstance(operation, Rescale):  # float sums have no node of their own: they end where their scale does
        return value.inputs[0].kind == "integer"
    return isinstance(operation, Pointwise | Flatten)


def _equal(a: Thresholds, b: Thresholds) -> bool:
    return np.array_equal(a.threshold, b.threshold) and np.array_equal(a.flip, b.flip)
