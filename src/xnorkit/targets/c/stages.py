"""Decides which nodes run as one operation: a layer, the steps on each of its rows, and the packing of the result."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from xnorkit.format import Graph, Node, ValueSpec, operation_of, window_of

__all__ = ["Stage", "stages"]

WHOLE = ("concat",)
"""Operations that write their result themselves, not row by row."""
MOVES = ("concat", "gather_channels", "pad_bits", "max_pool_bits")
"""Operations on bits that have no sink."""


@dataclass
class Stage:
    """One call: `node`, then `steps` on its rows, then `pack`, then `pool` of the bits.

    stores: whether the float value after the steps is kept (under `value`, the name of the last step).
    """

    node: Node
    steps: list[Node] = field(default_factory=list)
    pack: Node | None = None
    pool: Node | None = None
    stores: bool = True

    @property
    def value(self) -> str:
        """Name of the node whose value is stored."""
        return self.steps[-1].name if self.steps else self.node.name

    @property
    def reads(self) -> list[str]:
        """Names of all values that the call reads."""
        inside = {self.node.name, *(step.name for step in self.steps)}
        names = [*self.node.inputs, *(name for step in self.steps for name in step.inputs)]
        return [name for name in dict.fromkeys(names) if name not in inside]

    @property
    def makes(self) -> list[str]:
        """Names of the values that the call stores."""
        packed = [self.pack] if self.pack else []
        last = [self.pool] if self.pool else packed
        return [*([self.value] if self.stores else []), *(node.name for node in last)]


def stages(graph: Graph, specs: Mapping[str, ValueSpec]) -> list[Stage]:
    """Return the calls in order.

    If the only reader of a float value is a step, the step joins the value's call, provided that the step's other
    operand is complete by then: a call runs in the place of its last step, and graphs are in order of execution. The
    first `pack` that reads the result also becomes part of the call.
    """
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in dict.fromkeys(node.inputs):
            readers.setdefault(name, []).append(node)
    order = {node.name: index for index, node in enumerate(graph.nodes)}
    taken: set[str] = set()
    found: list[tuple[int, Stage]] = []
    for node in graph.nodes:
        if node.name in taken:
            continue
        stage = Stage(node)
        if specs[node.name].kind == "f32" and node.op not in WHOLE:
            _take(stage, graph, specs, readers, taken)
        _take_pool(stage, graph, specs, readers)
        taken |= {node.name for node in (*stage.steps, stage.pack, stage.pool) if node}
        found.append((order[stage.value], stage))
    return [stage for _, stage in sorted(found, key=lambda item: item[0])]


def _take(
    stage: Stage,
    graph: Graph,
    specs: Mapping[str, ValueSpec],
    readers: Mapping[str, list[Node]],
    taken: Collection[str],
) -> None:
    """Give `stage` the steps that follow it; a sum belongs to the first of its two operands."""
    while stage.value != graph.output:
        after = readers[stage.value]
        if len(after) != 1 or not operation_of(after[0]).step or after[0].name in taken:
            break
        if not _fits(after[0], stage.value, specs):
            break
        stage.steps.append(after[0])
    packs = [node for node in readers.get(stage.value, []) if node.op == "pack"]
    if packs:
        stage.pack = packs[0]
        stage.stores = stage.value == graph.output or len(readers[stage.value]) > 1


def _take_pool(stage: Stage, graph: Graph, specs: Mapping[str, ValueSpec], readers: Mapping[str, list[Node]]) -> None:
    """Give `stage` the max-pool that alone reads its bits, if no two of its windows share a pixel."""
    name = stage.pack.name if stage.pack else stage.node.name
    after = readers.get(name, [])
    if specs[name].kind != "bits" or stage.node.op in MOVES or name == graph.output or len(after) != 1:
        return
    pool, source = after[0], specs[name]
    if pool.op != "max_pool_bits":
        return
    window, output = window_of(pool.attributes, source), specs[pool.name]
    whole = (source.height // window.kernel[0], source.width // window.kernel[1])
    if window.kernel != window.stride or any(window.padding) or tuple(window.dilation) != (1, 1):
        return
    if (output.height, output.width) == whole:
        stage.pool, stage.stores = pool, stage.pack is not None and stage.stores


def _fits(step: Node, value: str, specs: Mapping[str, ValueSpec]) -> bool:
    """True if the row that a step changes is that of its result: a smaller second operand cannot own the step."""
    return specs[value] == specs[step.name] and step.inputs != (value, value)
