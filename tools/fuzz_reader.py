"""Coverage-guided fuzzing of the reader of `.xnor` files with atheris (pip install atheris).

    python tools/fuzz_reader.py -atheris_runs=100000 CORPUS_FOLDER

The files that `tools/fuzz_files.py` alters fill the folder, and atheris writes its findings beside them. The
length of the header is corrected and the checksum accepted, so that mutations reach the graph. Anything but a graph
or a FormatError is a crash, whose input atheris keeps. Only the reader runs, without the engine.
"""

import contextlib
import struct
import sys
from pathlib import Path
from typing import Any

import atheris
import numpy as np

# atheris does not count modules that the finder of an editable installation loads.
sys.meta_path = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("_editable")]
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

with atheris.instrument_imports(include=["xnorkit"]):
    import xnorkit.format.file as reader
    from xnorkit.errors import FormatError

__all__ = ["main"]

UNPACK = reader.unpack


class _Right:
    """A checksum that equals that of every file."""

    dtype = np.dtype(np.uint32)
    shape = (1,)

    def __getitem__(self, _: int) -> "_Right":
        return self

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def unpack_right(content: Any, limits: Any) -> Any:
    """Return the content of the container, with a correct checksum."""
    metadata, arrays = UNPACK(content, limits)
    return metadata, {**arrays, "crc32": _Right()}


def one_input(content: bytes) -> None:
    """Read a file unchanged, then once more with a fitting header length and a correct checksum."""
    for unpack in (UNPACK, unpack_right):
        reader.unpack = unpack
        with contextlib.suppress(FormatError):
            reader.from_bytes(content)
        end = content.rfind(b"}}") + 2
        content = struct.pack("<Q", max(0, end - 8)) + content[8:]


def main() -> None:
    """Fill the corpus and fuzz."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
    folders = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    from mutations import corpus

    for folder in folders:
        folder.mkdir(exist_ok=True, parents=True)
        for index, (_, content) in enumerate(corpus()):
            if len(content) < 5000:
                (folder / f"case-{index}").write_bytes(content)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
