"""Decides which nodes run as one operation: a layer, the steps on each of its rows, and the packing of the result."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from xnorkit.format import Graph, Node, ValueSpec, operation_of

__all__ = ["Stage", "stages"]

WHOLE = ("concat",)
"""Operations that write their result themselves, not row by row."""


@dataclass
class Stage:
    """One call: `node`, then `steps` on its rows, then `pack`.

    stores: whether the float value after the steps is kept (under `value`, the name of the last step).
    """

    node: Node
    steps: list[Node] = field(default_factory=list)
    pack: Node | None = None
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
        packed = [self.pack.name] if self.pack else []
        return [*([self.value] if self.stores else []), *packed]


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
        taken |= {step.name for step in stage.steps} | ({stage.pack.name} if stage.pack else set())
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


def _fits(step: Node, value: str, specs: Mapping[str, ValueSpec]) -> bool:
    """True if the row that a step changes is that of its result: a smaller second operand cannot own the step."""
    return specs[value] == specs[step.name] and step.inputs != (value, value)
