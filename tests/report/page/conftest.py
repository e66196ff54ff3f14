"""A page drawn from synthetic records, and its numbers read back."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the page needs the report extra")
pytest.importorskip("jinja2", reason="the page needs the report extra")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folder of the records of a whole study, and folder of its page."""
    from synthetic_records import Synthetic

    from xnorkit.report.page import write_page

    folder = tmp_path_factory.mktemp("report")
    Synthetic(folder / "records").whole()
    write_page(folder / "records", folder / "page")
    return folder / "records", folder / "page"
