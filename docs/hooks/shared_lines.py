"""Attributes that share a line of a docstring ("mean, std: per channel") are several names, not a name and a type."""

import re
from typing import Any

import griffe

SHARED = re.compile(r"^ +\w+(?:, \w+)+(?=: )", re.MULTILINE)


class SharedLines(griffe.Extension):
    """Joins such names with non-breaking spaces: whatever follows the first ordinary space counts as the type."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the names in the docstring of `obj`."""
        if obj.docstring:
            obj.docstring.value = SHARED.sub(lambda match: match[0].replace(", ", ",\u00a0"), obj.docstring.value)
