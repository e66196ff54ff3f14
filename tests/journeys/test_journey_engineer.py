"""An engineer: docs/deploy.md on bare metal, with the compiler of this machine in place of the target's."""

import re
import shutil
from pathlib import Path

import pytest
from documents import commands, section, typed

from xnorkit.zoo import path


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("cc")), reason="needs make and cc")
def test_bare_metal(tmp_path: Path) -> None:
    lines = commands(section("docs/deploy.md", "## Bare metal"))
    assert [line.split()[0] for line in lines] == ["xnorkit", "make", "make", "make"]
    shutil.copy(path("lenet5-digits"), tmp_path / "digits.xnor")
    (tmp_path / "build").mkdir()
    for line in lines:
        host = re.sub(r"arm-none-eabi-(gcc|ar|size)", lambda tool: {"gcc": "cc"}.get(tool[1], tool[1]), line)
        host = host.replace(" -mcpu=cortex-m4 -mthumb", "")
        typed(host, tmp_path / "build" if "-f ../" in line else tmp_path)
    assert (tmp_path / "build" / "libdigits.a").is_file()
    assert "digits_run(" in (tmp_path / "digits-c" / "digits.h").read_text()
