"""What a file may ask of its reader, and the error that names the limit to raise."""

from dataclasses import dataclass, fields

from xnorkit.errors import FormatError, InputError

__all__ = ["DEFAULT", "Limits"]

ENDLESS = 2**500  # more does not fit in a float, and bounds nothing


@dataclass(frozen=True)
class Limits:
    """Bounds on what reading, planning and running a file may cost, for one image of the size that it was made for.

    They are checked before anything is built. Images of another size, given to a model of dynamic size, may
    cost more in proportion to their pixels. For a file that you trust, raise one: `limits=Limits(work=2**36)`.

    Attributes:
        header: bytes of the header, that is, of all text.
        nodes: operations.
        padding: pixels that one operation adds on one side.
        values: bytes of the values that are alive at once, and of an operation's own scratch memory.
        plan: bytes that the engine keeps besides the weights: places of pixels and taps, widened weights of groups,
            and what weights in whole blocks of channels take beyond twice their bytes in the file.
        work: multiply-adds of float32, or work that takes as long.
    """

    header: int = 2**21
    nodes: int = 4096
    padding: int = 4096
    values: int = 2**27
    plan: int = 2**26
    work: int = 2**35

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"limit {field.name}={value!r}, but it must be an integer of at least 1.")

    def check(self, name: str, received: int, what: str, scale: float = 1.0) -> None:
        """Raise FormatError if `received`, described by `what`, is more than `scale` times the limit `name`."""
        allowed = int(min(getattr(self, name), ENDLESS) * scale)
        if received > allowed:
            raise FormatError(
                f"{what}, but the limit is {allowed:,}. If you trust the file, raise the limit: "
                f"limits=xnorkit.Limits({name}={-int(-received // scale)})."
            )


DEFAULT = Limits()
"""Enough for every network of this library, and for the usual float32 networks, at 224 x 224."""
