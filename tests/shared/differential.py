"""What became of a random network: packed and equal, or refused by name; anything else is a fault of the exporter."""

import re
import subprocess
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from exact_graphs import exact_graph, images_of
from numpy.typing import NDArray
from random_forwards import random_forward

from xnorkit.errors import BinarizationWarning, ExportError
from xnorkit.export import Proof, export_model, verify
from xnorkit.format import Graph, operation_of
from xnorkit.runtime import Model
from xnorkit.targets.c import write_c
from xnorkit.targets.onnx import to_onnx

__all__ = ["Tally", "compare", "compare_c", "unproved"]

TOLERANCE = 2e-3  # of the largest logit, where no sign flipped


@dataclass
class Tally:
    """Counts of outcomes, and the faults themselves."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, seed: int, outcome: str) -> None:
        """Count the outcome of a seed; one that is neither equal nor refused is kept as a fault."""
        kind = outcome.partition(":")[0]
        self.counts[kind] += 1
        if kind not in ("equal", "refused"):
            self.faults.append(f"seed {seed}: {outcome}")


def compare(seed: int, *, onnx: bool = False) -> str:
    """Return "equal", "refused: why", "wrong: how" or "exception: which" for the network of a seed.

    With `onnx` the program also runs as ONNX, in a default session of ONNX Runtime.
    """
    model, shape = random_forward(seed)
    torch.manual_seed(seed)
    images = (torch.randn(4, *shape) * 8).round() / 8
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BinarizationWarning)  # many of these networks have dead signs
            export = export_model(model, shape)
    except ExportError as error:
        return f"wrong: {error}" if "please report" in str(error) or "\n" in str(error) else f"refused: {error}"
    except Exception as error:
        return f"exception: {type(error).__name__}: {error}"
    try:
        packed = Model(export.graph)
        proof = verify(model, packed, images, strict=False)
        with torch.no_grad():
            wanted = model(images.clone()).numpy()
        found = {"the engine": packed(images)}
        if onnx:
            found["ONNX Runtime"] = _onnx_runtime(export.graph, images.numpy())
    except Exception as error:
        return f"exception: after pack: {type(error).__name__}: {error}"
    fault = unproved(proof, export.graph) or _fault(proof, wanted, found)
    if fault:
        return f"wrong: {fault}"
    return "equal: but for flipped signs" if proof.total_flips else "equal"


def compare_c(seed: int, folder: Path) -> str:
    """Return what became of the C program of a random graph whose every step has one exact answer.

    Args:
        seed: of the graph.
        folder: where to compile; the operations are compiled once.
    """
    graph = exact_graph(seed)
    write_c(folder, graph, images=images_of(graph, 3, seed))
    done = subprocess.run(["make", "-s", "-C", str(folder), "CFLAGS=-O1"], capture_output=True, text=True, check=False)
    counts = re.findall(r"(\d+) of (\d+) outputs equal bit for bit", done.stdout)
    return "equal" if counts and counts[0][0] == counts[0][1] else f"wrong: as C: {done.stdout}{done.stderr}"


def _onnx_runtime(graph: Graph, images: NDArray[np.float32]) -> NDArray[np.float32]:
    import onnxruntime

    content = to_onnx(graph).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"images": images})[0]
    return found


def unproved(proof: Proof, graph: Graph) -> str:
    """Return which node of a graph the proof leaves out, or nothing."""
    layers = {layer.name: layer for layer in proof.layers}
    for node in graph.nodes:
        if node.name not in proof.order:
            return f"'{node.name}' ({node.op}) is not in the proof"
        if operation_of(node).integer and not layers[node.name].integers:
            return f"the integers of '{node.name}' ({node.op}) are not in the proof"
    return ""


def _fault(proof: Proof, wanted: NDArray[Any], found: dict[str, NDArray[Any]]) -> str:
    """Return what is wrong with the numbers of a packed program, or nothing."""
    if not (proof.binary_outputs_equal and proof.floats_within_bound):
        return "the proof fails"
    allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    for who, logits in found.items():
        apart = float(np.abs(logits.reshape(wanted.shape) - wanted).max())
        if not proof.total_flips and not apart <= allowed:
            return f"{who} is {apart:.2g} apart without a flipped sign"
    return ""
