"""An npm-shaped folder: the engine, the model, and an ES module with types that runs it."""

import json
import re

from xnorkit import __version__
from xnorkit.format import Graph
from xnorkit.format.file import to_bytes
from xnorkit.targets.web.module import engine_module, source

__all__ = ["package_files"]


def package_files(graph: Graph) -> dict[str, bytes]:
    """Return the files of a package that runs `graph`, by name: xnorkit.js, its types, the engine and the model."""
    texts = {
        "package.json": _package(graph),
        "xnorkit.js": source("xnorkit.js"),
        "xnorkit.d.ts": source("xnorkit.d.ts"),
    }
    return {
        **{name: text.encode() for name, text in texts.items()},
        "xnorkit.wasm": engine_module(),
        "model.xnor": to_bytes(graph),
    }


def _package(graph: Graph) -> str:
    """Return package.json. npm's names are lower case, of letters, digits, dots, hyphens and underscores."""
    name = re.sub(r"[^a-z0-9._-]+", "-", graph.name.lower()).strip("-._")[:200] or "model"
    files = ["xnorkit.js", "xnorkit.d.ts", "xnorkit.wasm", "model.xnor"]
    return (
        json.dumps(
            {
                "name": name,
                "version": __version__,
                "description": f"{graph.name}, a binary neural network on WebAssembly SIMD",
                "type": "module",
                "main": "xnorkit.js",
                "types": "xnorkit.d.ts",
                "exports": {
                    ".": {"types": "./xnorkit.d.ts", "default": "./xnorkit.js"},
                    **{f"./{file}": f"./{file}" for file in files[2:]},
                },
                "files": files,
                "private": True,
            },
            indent=2,
        )
        + "\n"
    )
