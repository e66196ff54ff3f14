"""The page of `xnorkit report`, whose tables, figures and text come from the stored records alone."""

from xnorkit.report.page.headline import headline, place_headline
from xnorkit.report.page.write import PagePaths, write_page

__all__ = ["PagePaths", "headline", "place_headline", "write_page"]
