"""Equations as MathML, which browsers draw by themselves: no script, no fonts, nothing to fetch."""

import html
import logging
import re
from typing import Any

from latex2mathml.converter import convert

log = logging.getLogger("mkdocs.hooks.mathml")
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
LETTERS = re.compile(r'<mrow>((?:<mi mathvariant="normal">.</mi>){2,})</mrow>')
BEFORE = r"<mrow>|<mo[^>]*>[=,(\[\u2208\u2264\u2265]</mo>|<mi>{</mi>"
MENDED = (
    # Bold by its own character: browsers know no other mathvariant than normal.
    (re.compile(r'<mn mathvariant="bold">1</mn>'), "<mn>\U0001d7cf</mn>"),
    # |x| and ||x||: a bar is no operator between two values here, so nothing stands off from it.
    (re.compile(r"<mo>([|\u2016])</mo>"), r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'),
    # A sign at the beginning, or after a relation, a comma or a bracket, belongs to the number that follows.
    (re.compile(rf"({BEFORE})<mo>([+\u2212])</mo>"), r'\1<mo form="prefix">\2</mo>'),
    (re.compile(r"<mi>([{}])</mi>"), r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>'),
)


def mathml(latex: str, *, block: bool) -> str:
    """Return the MathML of an equation, with what the converter leaves to be mended for browsers."""
    result = convert(latex, display="block" if block else "inline")
    result = re.sub("&#x([0-9A-F]{5});", _character, result)
    result = LETTERS.sub(lambda match: f"<mi>{re.sub('<.*?>', '', match[1])}</mi>", result)
    for pattern, replacement in MENDED:
        result = pattern.sub(replacement, result)
    return result


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return match[0] if character in "<>&" else character


def on_page_content(text: str, page: Any, **_: Any) -> str:
    """Replace each equation that arithmatex marked; one with an unknown command is a warning (--strict: an error)."""

    def replaced(match: re.Match[str]) -> str:
        block, latex = match[1] == "div", html.unescape(match[2]).strip()
        result = mathml(latex, block=block)
        if "\\" in result:
            log.warning("%s: no MathML for %s", page.file.src_uri, latex)
        return f'<div class="equation">{result}</div>' if block else result

    return EQUATION.sub(replaced, text)
