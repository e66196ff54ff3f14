"""How a cited number is written: its unit, its decimals, and the factor between them and the stored value."""

from xnorkit.report.page.cited import Cited
from xnorkit.report.page.document import Number

__all__ = [
    "amount",
    "bytes_",
    "count_",
    "decimal",
    "gmacs",
    "mebibytes",
    "milliseconds",
    "percent",
    "points",
    "seconds",
    "short",
    "times",
    "us",
]

MINUS = "−"


def percent(cited: Cited, decimals: int = 2) -> Number:
    """Show a fraction of one in per cent."""
    return _number(cited, 100, decimals, "%")


def points(cited: Cited, *, signed: bool = False) -> Number:
    """Show a difference of two fractions in percentage points."""
    return _number(cited, 100, 2, "points", signed=signed)


def times(cited: Cited) -> Number:
    """Show a ratio, with more decimals the smaller it is: 0.53, 5.7, 130."""
    size = abs(cited.value)
    return _number(cited, 1, 2 if size < 2 else 1 if size < 100 else 0, "")


def decimal(cited: Cited, decimals: int = 2) -> Number:
    """Show a number without a unit."""
    return _number(cited, 1, decimals, "")


def count_(cited: Cited) -> Number:
    """Show a whole number with separators of thousands."""
    return _number(cited, 1, 0, "")


def short(cited: Cited) -> Number:
    """Show a count of parameters in thousands or millions."""
    return _stepped(cited, [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")])


def bytes_(cited: Cited) -> Number:
    """Show a size in B, KB, MB or GB of powers of 1000."""
    return _stepped(cited, [(1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B")])


def mebibytes(cited: Cited) -> Number:
    """Show a size stored in MiB (of 1024 x 1024 bytes) in MB or GB of powers of 1000."""
    return _stepped(cited, [(1e9 / 2**20, "GB"), (1e6 / 2**20, "MB")])


def us(cited: Cited) -> Number:
    """Show microseconds in µs, ms or s."""
    return _stepped(cited, [(1e6, "s"), (1e3, "ms"), (1, "µs")])


def milliseconds(cited: Cited) -> Number:
    """Show milliseconds in ms or s."""
    return _stepped(cited, [(1e3, "s"), (1, "ms")])


def seconds(cited: Cited) -> Number:
    """Show seconds in ms, s, min or h."""
    return _stepped(cited, [(3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")])


def amount(cited: Cited, unit: str) -> Number:
    """Show a number of about three digits with its unit."""
    return _number(cited, 1, _decimals(cited.value), unit)


def gmacs(cited: Cited) -> Number:
    """Show multiply-adds per second, stored in 1e9 per second, without decimals."""
    return _number(cited, 1, 0, "GMAC/s")


def _stepped(cited: Cited, steps: list[tuple[float, str]]) -> Number:
    size, unit = next((step for step in steps if abs(cited.value) >= step[0]), steps[-1])
    whole = size == 1 and unit in ("", "B")
    return _number(cited, 1 / size, 0 if whole else _decimals(cited.value / size), unit)


def _decimals(value: float) -> int:
    """Decimals that leave about three digits."""
    size = abs(value)
    return 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3


def _number(cited: Cited, scale: float, decimals: int, unit: str, *, signed: bool = False) -> Number:
    scaled = cited.value * scale
    text = f"{abs(scaled):,.{decimals}f}"
    if any(digit in text for digit in "123456789"):
        text = (MINUS if scaled < 0 else "+" if signed else "") + text
    return Number(text, unit, cited.value, cited.source)
