"""Names of the trained models that ship, and their files: NAME.xnor, the card NAME.json, the images NAME.npz."""

import difflib
import os
from fnmatch import fnmatchcase
from pathlib import Path

from xnorkit.errors import InputError

__all__ = ["FOLDER", "find", "list_pretrained", "path"]

FOLDER = Path(__file__).parent
LONGEST = 4096
"""Most characters in a path; no system that we know of opens longer ones."""


def list_pretrained(pattern: str | None = None) -> list[str]:
    """Return the sorted names of the trained models, or those that match a shell pattern such as `*cifar10`."""
    names = sorted(file.stem for file in FOLDER.glob("*.xnor"))
    return [name for name in names if pattern is None or fnmatchcase(name, pattern)]


def path(name: str) -> Path:
    """Return the `.xnor` file of a trained model.

    Raises:
        InputError: unknown name; lists the known ones.
    """
    if name not in list_pretrained():
        raise InputError(f"there is no trained model '{name}'. {_hint(name)}")
    return FOLDER / f"{name}.xnor"


def find(what: str | os.PathLike[str]) -> Path:
    """Return the file that a user means: an existing file, a path, or the trained model of that plain name.

    A plain name has neither folder nor suffix; a file of exactly that name takes precedence.

    Raises:
        InputError: a plain name that is neither, an empty path, or something that is not a path.
    """
    text = os.fspath(what) if isinstance(what, str | os.PathLike) else ""
    if not isinstance(text, str) or not text:
        raise InputError(f"model={what!r}, but it must be the path of a file, or the name of a trained model.")
    if len(text) > LONGEST:
        raise InputError(
            f"model={text[:40]!r}... has {len(text):,} characters, but it must be the path of a file, of at most "
            f"{LONGEST:,} characters, or the name of a trained model."
        )
    given = Path(text)
    if _is_file(given) or given.suffix or len(given.parts) != 1 or not given.name:
        return given
    if given.name not in list_pretrained():
        raise InputError(
            f"there is no file '{what}', and no trained model has that name. {_hint(given.name)} An architecture of "
            "`xnorkit models` has no weights: train it, then export it, and name that file."
        )
    return path(given.name)


def _is_file(path: Path) -> bool:
    """Whether the file exists; False if the system refuses to look, such as for a name that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def _hint(name: str) -> str:
    known = list_pretrained()
    near = difflib.get_close_matches(name.lower(), known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"The trained models are: {', '.join(known)}." if known else "This installation has none."
