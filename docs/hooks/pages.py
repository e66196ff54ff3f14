"""Pages of the site that lie outside of docs/, and those that commands write: measured results, model cards."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from xnorkit.format import read
from xnorkit.targets.web import page as page_of
from xnorkit.zoo import path as zoo_path

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/README.md", "benchmarks/NOTES.md")
NOTEBOOKS = ROOT / "build" / "notebooks"
RESULTS = "results/report.md"
CARDS = "zoo/*.md"
DEMOS = ("lenet5-mnist", "nin-cifar10", "resnet18-cifar10")
"""Trained models that the site runs in the reader's browser."""


def on_config(config: Any) -> Any:
    """Put what has been measured first in the section of results: the report, and a card of each trained model."""
    folder = Path(config.docs_dir)
    pages: list[dict[str, Any]] = [{"Report": RESULTS}] if (folder / RESULTS).is_file() else []
    cards = sorted(path.relative_to(folder).as_posix() for path in folder.glob(CARDS))
    if cards:
        pages.append({"Trained models": cards})
    next(entry for entry in config.nav if "Results" in entry)["Results"][:0] = pages
    return config


def on_nav(nav: Any, **_: Any) -> Any:
    """Let the heading of the results open the report: the theme opens the page of a section that is called index."""
    for page in nav.pages:
        if page.file.src_uri == RESULTS:
            page.file.name = "index"
    return nav


def on_files(files: Files, config: Any) -> Files:
    """Add the pages outside of docs/, the notebooks as `make docs` has run them, with their pictures, and the demos."""
    for path in OUTSIDE:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for page in sorted([*NOTEBOOKS.glob("*.md"), *NOTEBOOKS.glob("*_files/*")]):
        path = f"notebooks/{page.relative_to(NOTEBOOKS).as_posix()}"
        files.append(File.generated(config, path, abs_src_path=str(page)))
    for name in DEMOS:
        files.append(File.generated(config, f"demo/{name}.html", content=page_of(read(zoo_path(name)))))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links between docs/ and what stands outside into links within the site, which has docs/ at its top."""
    if page.file.src_uri.startswith("notebooks/"):
        name = Path(page.file.src_uri).with_suffix(".ipynb").name
        return markdown.replace("\n\n", f"\n\n[This page as a notebook]({name}), with what its cells printed.\n\n", 1)
    if page.file.src_uri in OUTSIDE:
        return re.sub(r"\]\((\.\./)?docs/", lambda match: f"]({match[1] or ''}", markdown)
    outside = "|".join(re.escape(path) for path in OUTSIDE)
    return re.sub(rf"\]\(((?:\.\./)*)\.\./({outside})", r"](\1\2", markdown)
