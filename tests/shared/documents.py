"""What documents say: the commands and the blocks of code on a page, to be run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "blocks", "commands", "section", "typed"]

ROOT = Path(__file__).resolve().parents[2]


def section(page: str, heading: str) -> str:
    """Return the text of a page from a heading up to the next one of that level or above."""
    text = (ROOT / page).read_text(encoding="utf-8")
    start = text.index(f"{heading}\n") + len(heading)
    level = len(heading.split(maxsplit=1)[0])
    end = re.search(rf"^#{{1,{level}}} ", text[start:], re.MULTILINE)
    return text[start : start + end.start()] if end else text[start:]


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return the lines of the blocks of bash, without comments."""
    lines = [line.partition(" #")[0].strip() for block in blocks(text, "bash") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as somebody types it in `folder`, who has `xnorkit` on the path; it must succeed."""
    xnorkit = f"{shlex.quote(sys.executable)} -m xnorkit.cli.main"
    line = re.sub(r"(^|[ ;])xnorkit(?= )", rf"\1{xnorkit}", line)
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done
