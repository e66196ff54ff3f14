"""The report of the literature's tables and figures: `study` measures them, `page` draws them."""
