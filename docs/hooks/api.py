"""The reference is complete: every name that a package exports has its place on the page of that package."""

import ast
import logging
import re
from pathlib import Path
from typing import Any

log = logging.getLogger("mkdocs.hooks.api")
SOURCE = Path(__file__).resolve().parents[2] / "src" / "xnorkit"


def exported(package: str) -> set[str]:
    """Return the names in `__all__` of xnorkit.PACKAGE, read from its source."""
    folder = SOURCE / package
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def on_page_content(text: str, page: Any, **_: Any) -> str:
    """Warn of each name that the page of a package lacks; an error with --strict."""
    for package in re.findall(r"^::: xnorkit\.([a-z_]+)$", page.markdown, re.MULTILINE):
        names = {name.rpartition(".")[2] for name in re.findall(r'id="(xnorkit\.[\w.]+)"', text)}
        for name in sorted(exported(package) - names):
            log.warning("%s: xnorkit.%s exports %s, which is not on the page", page.file.src_uri, package, name)
    return text
