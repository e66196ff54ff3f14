"""The engine as a WebAssembly module, and the files around it; `tools/build_web.py` builds the module."""

from importlib import resources

__all__ = ["engine_module", "source"]

_FOLDER = resources.files("xnorkit.targets.web")


def engine_module() -> bytes:
    """Return the module: the engine with WebAssembly SIMD, for one thread."""
    return _FOLDER.joinpath("xnorkit.wasm").read_bytes()


def source(name: str) -> str:
    """Return the text of one of the files around the module, such as xnorkit.js."""
    return _FOLDER.joinpath("sources", name).read_text(encoding="utf-8")
