"""The engines for comparison, and which of them are installed."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from xnorkit.bench.machine import adds_bytes_exactly
from xnorkit.errors import InputError

__all__ = ["ALL", "HOLD", "KERNEL_ENGINES", "MODEL_ENGINES", "REMEDY", "Choice", "Engine", "Note", "choose", "silent"]

Note = Callable[[str], None]
ALL = ("all",)
REMEDY = "pip install 'xnorkit[bench]'"


@dataclass(frozen=True)
class Engine:
    """name: as in the rows; family: the word that chooses it; needs: modules; tolerance: allowed error of its answer.

    The error is ||y - y'|| / ||y'||, with y' the answer of PyTorch float32 to the same input. holdable: it takes its
    instruction set from the variables of `HOLD`.
    """

    name: str
    family: str
    needs: tuple[str, ...]
    tolerance: float = 1e-3
    holdable: bool = True

    def held_to(self) -> str | None:
        """Return the instruction set that this process holds it to, or None if it takes what it finds."""
        if not self.holdable:
            return None
        return next((isa for isa, wanted in HOLD.items() if wanted.items() <= os.environ.items()), None)

    def weight_bits(self) -> int:
        """Return the number of bits of a quantized weight: 8, or 7 if this engine's sums of bytes would saturate."""
        return 8 if adds_bytes_exactly(holdable=self.holdable) else 7

    def remark(self) -> str | None:
        """Return the remark that its time needs, or None."""
        return "weights of 7 bits, because sums of bytes saturate without VNNI" if self.reduced else None

    @property
    def reduced(self) -> bool:
        """Whether its weights are quantized to fewer than 8 bits."""
        return self.is_int8 and self.weight_bits() < 8

    @property
    def is_int8(self) -> bool:
        """Whether it computes in 8 bits."""
        return self.name.endswith("int8")

    def missing(self) -> str | None:
        """Return the first of its modules that is not installed, or None."""
        return next((module for module in self.needs if not _installed(module)), None)


@dataclass(frozen=True)
class Choice:
    """engines: chosen and installed; asked: names that the user named one by one; absent: of these, name -> why not."""

    engines: Sequence[Engine]
    asked: frozenset[str]
    absent: Mapping[str, str]


_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
HOLD = {"avx2": _AVX2, "avx2_vnni": {**_AVX2, "ONEDNN_MAX_CPU_ISA": "AVX2_VNNI"}}
"""Variables that hold libraries to an instruction set, if they are set before these are loaded: oneDNN (in PyTorch and
OpenVINO), PyTorch's own kernels and its compiler, MKL. ONNX Runtime has none."""
INT8 = 0.25
ONNX = ("onnx", "onnxscript")
MODEL_ENGINES = (
    Engine("torch_f32", "torch", ("torch",)),
    Engine("torch_compile_f32", "torch-compile", ("torch",)),
    Engine("onnxruntime_f32", "onnxruntime", ("onnxruntime", *ONNX), holdable=False),
    Engine("onnxruntime_int8", "onnxruntime", ("onnxruntime", *ONNX), INT8, holdable=False),
    Engine("openvino_f32", "openvino", ("openvino", *ONNX)),
    Engine("openvino_int8", "openvino", ("openvino", "onnxruntime", *ONNX), INT8),
)
KERNEL_ENGINES = (
    Engine("torch_f32", "torch", ("torch",)),
    Engine("onnxruntime_f32", "onnxruntime", ("onnxruntime", "onnx"), holdable=False),
    Engine("onnxruntime_int8", "onnxruntime", ("onnxruntime", "onnx"), 0.02, holdable=False),
    Engine("openvino_binary_node", "openvino", ("openvino",)),
    Engine("openvino_binary_model", "openvino", ("openvino",)),
    Engine("openvino_binary_model_nhwc", "openvino", ("openvino",)),
    Engine("openvino_f32", "openvino", ("openvino", "onnx")),
)


def silent(_: str) -> None:
    """Take a note and do nothing."""


def choose(against: Sequence[str], engines: Sequence[Engine], note: Note = silent) -> Choice:
    """Return the engines to measure.

    Args:
        against: families or names of engines; `ALL` takes every installed engine and notes the missing ones.
        engines: the table to choose from.
        note: a function that takes one line per family that was left out.

    Raises:
        InputError: a word is unknown.
    """
    words = [word for word in against if word not in ALL]
    known = list(dict.fromkeys([*(e.family for e in engines), *(e.name for e in engines)]))
    for word in words:
        if word not in known:
            raise InputError(f"against '{word}', but it must be any of {', '.join([*ALL, *known])}, or none.")
    asked = frozenset(engine.name for engine in engines if engine.family in words or engine.name in words)
    chosen, absent, left_out = [], dict[str, str](), dict[str, None]()
    for engine in engines:
        if engine.name not in asked and len(words) == len(against):
            continue
        missing = engine.missing()
        if missing is None:
            chosen.append(engine)
        elif engine.name in asked:
            absent[engine.name] = f"{missing} is not installed; {REMEDY}"
        else:
            left_out[f"{engine.family}: {missing} is not installed; {REMEDY}"] = None
    for line in left_out:
        note(line)
    return Choice(chosen, asked, absent)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # ValueError: a module in memory without a specification
        return False
