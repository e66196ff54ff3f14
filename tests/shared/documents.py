"""What documents say: the commands and the blocks of code on a page, to be run as they stand."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "blocks", "commands", "examples", "section", "shape", "shown", "typed"]

ROOT = Path(__file__).resolve().parents[2]


def section(page: str, heading: str) -> str:
    """Return the text of a page from a heading up to the next one of that level or above."""
    text = (ROOT / page).read_text(encoding="utf-8")
    start = text.index(f"{heading}\n") + len(heading)
    level = len(heading.split(maxsplit=1)[0])
    # A comment in code looks like a heading.
    prose = re.sub(r"^```.*?^```", lambda code: " " * len(code[0]), text[start:], flags=re.MULTILINE | re.DOTALL)
    end = re.search(rf"^#{{1,{level}}} ", prose, re.MULTILINE)
    return text[start : start + end.start()] if end else text[start:]


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return the lines of the blocks of bash, without comments."""
    lines = [line.partition(" #")[0].strip() for block in blocks(text, "bash") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def examples(text: str) -> list[tuple[str, str]]:
    """Return (command, output) of each block of bash that a block of text follows."""
    return re.findall(r"^```bash\n(.*?)\n```\n\n```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def shape(output: str) -> list[str]:
    """Return what an output has on every machine: its words in any order, because numbers decide where lines break."""
    alike = output.replace("took less than", "took")  # the load by other programs
    alike = re.sub(r"\b(avx\w+|neon|neon_dot|portable|amx)\b", "SET", alike)
    alike = re.sub(r"\d[\d.,e-]*", "#", re.sub("─+", "", alike))
    return sorted(alike.split())


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as somebody types it in `folder`, who has `xnorkit` on the path; it must succeed."""
    done = subprocess.run(_own(line), shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done


def shown(line: str, folder: Path) -> str:
    """Run a line as `typed` does, and return what it prints on a terminal of 80 columns."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", closefd=True) as terminal:
        environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
        with subprocess.Popen(
            _own(line), shell=True, cwd=folder, env=environment, stdout=theirs, stderr=subprocess.PIPE, text=True
        ) as process:
            os.close(theirs)
            output = b""
            while True:
                try:
                    part = os.read(terminal.fileno(), 4096)
                except OSError:
                    # Linux reports the end of a terminal as an error.
                    break
                if not part:
                    break
                output += part
            errors = process.communicate()[1]
    text = output.decode().replace("\r\n", "\n")
    assert process.returncode == 0, f"{line}\n{text}{errors}"
    return text


def _own(line: str) -> str:
    """Return a line whose `xnorkit` is the one that is tested."""
    return re.sub(r"(^|[ ;])xnorkit(?= )", rf"\1{shlex.quote(sys.executable)} -m xnorkit.cli.main", line)
