"""A folder with a program: the operations, the network, and a test that compares stored outputs bit for bit."""

import os
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xnorkit import __version__
from xnorkit.errors import ExportError, InputError
from xnorkit.format import INPUT, Graph, ValueSpec, infer_shapes
from xnorkit.runtime import Model
from xnorkit.targets.c.arena import place
from xnorkit.targets.c.arrays import Constants
from xnorkit.targets.c.calls import Calls, scratch_words
from xnorkit.targets.c.inputs import comments, input_call
from xnorkit.targets.c.stages import Stage, stages

__all__ = ["CProgram", "write_c"]

PREFIX = "model"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
NAMING = ("main.c", "Makefile")
BYTES = {"f32": 4, "u8": 1}


@dataclass(frozen=True)
class CProgram:
    """The written program: its folder, bytes of RAM for values, bytes of constants (without code: see `make size`)."""

    folder: Path
    ram_bytes: int
    constant_bytes: int


def write_c(
    folder: str | os.PathLike[str],
    graph: Graph,
    *,
    images: NDArray[np.float32] | None = None,
    prefix: str = PREFIX,
    ram: int | None = None,
    flash: int | None = None,
) -> CProgram:
    """Write a self-contained C99 program of `graph` into a folder: model.h, model.c, xk*.c, a test and a Makefile.

    `model_run(const float *image, float *outputs)` takes one image (C, H, W), prepared as in training. `model_run_u8`
    takes pixels (red, green, blue), if the graph says how to prepare them; model.h says which exist. The program
    allocates nothing: values live in one static block. `make` builds and runs the test, which checks that the outputs
    of `images` equal those of the engine's scalar reference, bit for bit.

    Args:
        folder: made if absent; files of the same name are replaced.
        graph: a valid graph, for one size of images.
        images: (N, C, H, W) float32 for the test; two random ones by default.
        prefix: in place of "model" in the names of files, functions and macros, so that several networks link into one
            program: `digits_run`, `DIGITS_OUTPUTS`, digits.h, `make libdigits.a`.
        ram: the most bytes that the values of the network may take; the stack and the caller's image are not counted.
        flash: the most bytes that the constants may take; the code, some kilobytes, is not counted.

    Raises:
        ExportError: the graph is for images of any size, reads pixels and has no normalisation, or needs more memory
            than `ram` or `flash`. Nothing is written then.
        InputError: the folder cannot be written, or `prefix` cannot begin these names.
    """
    if not NAME.fullmatch(prefix) or prefix.startswith(("xk", "test")) or prefix in ("main", "size", "clean", "lib"):
        raise InputError(
            f"prefix={prefix!r}, but it must be a small letter, then at most 62 small letters, digits and _, such as "
            "digits; not xk..., test..., main, size, clean or lib, which the program uses itself."
        )
    if graph.input.dynamic:
        raise ExportError(
            f"'{graph.name}' is for images of any size, but for C, whose memory is fixed, it must be for one size."
        )
    if graph.input.kind == "u8" and graph.input.normalization is None:
        raise ExportError(f"'{graph.name}' reads pixels without a normalization, but for C it must have one.")
    if images is None:
        images = _random_images(graph)
    model = _model(graph)
    _check_memory(graph.name, "RAM for its values", model.ram_bytes, ram)
    _check_memory(graph.name, "flash for its constants", model.constant_bytes, flash)
    outputs = Model(graph, isa="reference")(images).reshape(len(images), -1)
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for source in resources.files("xnorkit.targets.c").joinpath("sources").iterdir():
            if source.name == "xk_function.c" and all(node.op != "activation" for node in graph.nodes):
                continue  # it needs a mathematical library, which a board may not have
            text = source.read_text(encoding="utf-8")
            named = _named(text, prefix) if source.name in NAMING else text
            (target / source.name).write_text(named, encoding="utf-8")
        (target / f"{prefix}.h").write_text(_named(model.header, prefix), encoding="utf-8")
        (target / f"{prefix}.c").write_text(_named(model.source, prefix), encoding="utf-8")
        (target / "test_vector.h").write_text(_test_vector(images, outputs), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}), but it must be a writable folder.") from error
    return CProgram(target, model.ram_bytes, model.constant_bytes)


def _check_memory(name: str, what: str, needed: int, budget: int | None) -> None:
    if budget is not None and needed > budget:
        raise ExportError(
            f"'{name}' needs {needed:,} bytes of {what}, but the budget is {budget:,}. Use a smaller network or "
            "image, or a board with more memory."
        )


@dataclass(frozen=True)
class _Model:
    header: str
    source: str
    ram_bytes: int
    constant_bytes: int


def _model(graph: Graph) -> _Model:
    specs = infer_shapes(graph)
    order = stages(graph, specs)
    offsets, size = _memory(graph, order, specs)
    output = specs[graph.output]
    constants = Constants()

    def where(name: str) -> str:
        kind = specs[name].kind
        pointer = {"f32": "float *", "bits": "uint32_t *", "u8": "uint8_t *"}[kind]
        return f"({pointer})(void *)(block + {offsets[name]})"

    def scratch(stage: Stage) -> str:
        return f"(void *)(block + {offsets[_scratch(stage)]})"

    calls = Calls(specs, constants, where, scratch)
    body = [line for stage in order for line in calls.write(stage)]
    inputs = [input_call(graph.input, constants, where(INPUT), pixels=pixels) for pixels in (False, True)]
    # A value with several positions is returned as (C, H, W), as in every runtime of the graph.
    result = [
        f"const float *value = {where(graph.output)};",
        f"for (int32_t p = 0; p < {output.height * output.width}; ++p)",
        f"  for (int32_t c = 0; c < {output.channels}; ++c)",
        f"    outputs[c * {output.height * output.width} + p] = value[p * {output.channels} + c];",
    ]
    source = [
        f"/* Written by xnorkit {__version__}: the network '{_plain(graph.name)}'. */",
        '#include "model.h"',
        '#include "xk.h"',
        "",
        *constants.text,
        "",
        f"static uint64_t storage[{max(1, size // 8)}];",
        "",
        "static void run(float *outputs) {",
        "  uint8_t *block = (uint8_t *)storage;",
        *(f"  {line}" for line in [*body, *result]),
        "}",
    ]
    for name, kind, text in (("model_run", "float", inputs[0]), ("model_run_u8", "uint8_t", inputs[1])):
        if text:
            lines = [f"void {name}(const {kind} *image, float *outputs) {{", "  uint8_t *block = (uint8_t *)storage;"]
            source += ["", *lines, f"  {text}", "  run(outputs);", "}"]
    header = [
        f"/* Written by xnorkit {__version__}: the network '{_plain(graph.name)}'. */",
        "#ifndef MODEL_H",
        "#define MODEL_H",
        "",
        "#include <stdint.h>",
        "",
        f'#define MODEL_NAME "{_plain(graph.name)}"',
        f"#define MODEL_INPUTS {specs[INPUT].size} /* one image {' x '.join(map(str, graph.input.shape))} */",
        f"#define MODEL_OUTPUTS {output.size}",
        f"#define MODEL_RAM_BYTES {size}",
        f"#define MODEL_CONSTANT_BYTES {constants.bytes}",
        "",
        *comments(graph.input, pixels=bool(inputs[1])),
        "void model_run(const float *image, float *outputs);",
        *(["void model_run_u8(const uint8_t *image, float *outputs);"] if inputs[1] else []),
        "",
        "#endif",
    ]
    return _Model("\n".join(header) + "\n", "\n".join(source) + "\n", size, constants.bytes)


def _memory(graph: Graph, order: list[Stage], specs: dict[str, ValueSpec]) -> tuple[dict[str, int], int]:
    """Return the offsets of values and the size of the block; step 0 is the input, the last one copies the output."""
    lives = {INPUT: (0, 0)}
    for step, stage in enumerate(order, start=1):
        for name in stage.makes:
            lives[name] = (step, step)
        for name in stage.reads:
            lives[name] = (lives[name][0], step)
    lives[graph.output] = (lives[graph.output][0], len(order) + 1)
    sizes = {name: _bytes(specs[name]) for name in lives}
    for step, stage in enumerate(order, start=1):
        if words := scratch_words(stage, specs):
            lives[_scratch(stage)], sizes[_scratch(stage)] = (step, step), 4 * words
    return place(sizes, lives)


def _scratch(stage: Stage) -> str:
    """Return the name of a stage's scratch memory, which no value has."""
    return f"{stage.node.name}\n"


def _bytes(spec: ValueSpec) -> int:
    return spec.height * spec.width * 4 * spec.words if spec.kind == "bits" else spec.size * BYTES[spec.kind]


def _random_images(graph: Graph) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((2, *graph.input.shape), dtype=np.float32)


def _test_vector(images: NDArray[np.float32], outputs: NDArray[np.float32]) -> str:
    constants = Constants()
    constants.add(images.astype(np.float32))
    constants.add(outputs.view(np.uint32))
    texts = constants.text
    return "\n".join(
        [
            "/* Images, and the bits of the outputs of the engine's scalar reference. */",
            f"#define TEST_IMAGES {len(images)}",
            texts[0].replace(" c0[", " test_images["),
            texts[1].replace(" c1[", " test_outputs["),
            "",
        ]
    )


def _named(text: str, prefix: str) -> str:
    """Return the text of a program with another prefix than "model"."""
    text = re.sub(r"\bMODEL(?=_[A-Z])", prefix.upper(), text)
    return re.sub(r"\bmodel(?=_run|\.[cho]\b|$)", prefix, text, flags=re.MULTILINE)


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name)
