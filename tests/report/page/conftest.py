"""A page drawn from synthetic records."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _drawing() -> None:
    pytest.importorskip("matplotlib", reason="the page needs the report extra")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folder of the records of a whole study, and folder of its page."""
    from synthetic_records import Synthetic

    from xnorkit.report.page import write_page

    folder = tmp_path_factory.mktemp("report")
    Synthetic(folder / "records").whole()
    write_page(folder / "records", folder / "page")
    return folder / "records", folder / "page"
