"""Runs a model's WebAssembly module in Node.js, which has the engine of Chromium."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xnorkit.errors import ExportError
from xnorkit.targets.web.module import source

__all__ = ["node_version", "outputs_in_node"]


def node_version() -> str:
    """Return the version of Node.js on this machine, such as "v20.20.2"; empty if there is none."""
    path = shutil.which("node")
    if path is None:
        return ""
    return subprocess.run([path, "-p", "process.version"], capture_output=True, text=True, check=False).stdout.strip()


def outputs_in_node(files: Mapping[str, bytes], images: NDArray[Any]) -> NDArray[np.float32]:
    """Return the outputs of a package's model for images (N, C, H, W), uint8 or float32, as (N, numbers).

    Raises:
        ExportError: the package does not run; holds what Node.js says.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        (folder / "run.mjs").write_text(source("run.mjs"), encoding="utf-8")
        np.ascontiguousarray(images).tofile(folder / "images")
        command = ["node", str(folder / "run.mjs"), str(images.dtype)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip()[-600:] or "it says nothing"
            raise ExportError(
                f"the module does not run in Node.js {node_version()}: {said}. It must, because it checks the export. "
                "Update Node.js, or take it out of PATH."
            )
        return np.fromfile(folder / "outputs", np.float32).reshape(len(images), -1)
