"""One HTML file that holds the engine and a model: a drawing area or pictures in, the most likely classes out."""

import html
import re
from base64 import b64encode

from xnorkit import __version__
from xnorkit.errors import ExportError
from xnorkit.format import Graph, Total, in_words, infer_shapes, summarize
from xnorkit.format.file import to_bytes
from xnorkit.targets.web.module import engine_module, source

__all__ = ["page"]

INPUTS = {1: "draw.html", 3: "picture.html"}
_HOLE = re.compile(r"\{\{(\w+)\}\}")


def page(graph: Graph) -> str:
    """Return the HTML of a page that classifies with `graph` in the browser, without a server or a network.

    A model of one channel gets a drawing area, one of three channels gets pictures and the camera.

    Args:
        graph: a valid graph whose output is one number per class.

    Raises:
        ExportError: the graph takes no pixels, has neither one nor three channels, or returns no classes.
    """
    _check(graph)
    _, height, width = graph.input.shape
    size = {"width": str(width), "height": str(height)}
    module, file = engine_module(), to_bytes(graph)
    return _filled(
        source("page.html"),
        producer=f"xnorkit {__version__}",
        name=html.escape(graph.name),
        style=source("page.css"),
        input=_filled(source(INPUTS[graph.input.shape[0]]), **size),
        facts=_facts(graph, len(file), len(module)),
        engine=b64encode(module).decode(),
        model=b64encode(file).decode(),
        library=source("xnorkit.js"),
        script=source("page.js"),
    )


def _check(graph: Graph) -> None:
    channels = graph.input.shape[0]
    output = infer_shapes(graph)[graph.output]
    for rule, received, expected in (
        (graph.input.takes_pixels, f"takes {in_words(graph.input)}", "take pixels"),
        (channels in INPUTS, f"reads {channels} channels", "read 1, for drawings, or 3, for pictures"),
        (output.height == output.width == 1, f"returns {output.height} x {output.width} positions", "return one"),
    ):
        if not rule:
            raise ExportError(
                f"'{graph.name}' {received}, but for a page it must {expected}. A folder for a page of your own has no "
                "such limit."
            )


def _filled(template: str, **values: str) -> str:
    """Return a template with every {{name}} replaced; what is put in is not read again."""
    return _HOLE.sub(lambda hole: values[hole[1]], template)


def _facts(graph: Graph, file_bytes: int, module_bytes: int) -> str:
    total = summarize(graph, packed_bytes=file_bytes).total
    channels, height, width = graph.input.shape
    colours = {1: "grey", 3: "red, green, blue"}[channels]
    facts = {
        "Input": f"{width} × {height} pixels, {colours}",
        "Multiply-adds per image": _multiply_adds(total),
        "Model": f"{_bytes(file_bytes)}; its {total.params:,} parameters in float32: {_bytes(total.float_bytes)}",
        "Engine": f"WebAssembly SIMD, one thread, {_bytes(module_bytes)}",
    }
    return "".join(f"<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>\n" for name, value in facts.items())


def _multiply_adds(total: Total) -> str:
    kinds = (("1-bit", total.macs_1bit), ("8-bit", total.macs_8bit), ("float", total.macs_32bit))
    return ", ".join(f"{_count(macs)} {kind}" for kind, macs in kinds if macs)


def _count(number: int) -> str:
    """Return three digits, such as 0.31 million."""
    return f"{number / 1e6:.3g} million" if number >= 1e5 else f"{number:,}"


def _bytes(number: int) -> str:
    return f"{number / 1e6:.2f} MB" if number >= 1e6 else f"{number / 1e3:.1f} KB"
