"""The exceptions of xnorkit and its warning; imports nothing.

Every message says what was received, what is required, and what to do.
"""

__all__ = [
    "BinarizationWarning",
    "DataError",
    "EngineError",
    "ExportError",
    "FormatError",
    "InputError",
    "OutputError",
    "RecipeError",
    "XnorkitError",
]


class XnorkitError(Exception):
    """Base class of every error that xnorkit raises on purpose; a user's mistake, exit code 2 on the command line."""


class InputError(XnorkitError, ValueError):
    """An array, argument or option has the wrong shape, dtype or value."""


class OutputError(InputError):
    """A file or folder cannot be written: no permission, no space, or something else is in its place."""


class FormatError(XnorkitError):
    """A `.xnor` file is malformed, truncated, or of a version that this release cannot read."""


class DataError(XnorkitError):
    """A data folder or file is missing or damaged."""


class RecipeError(XnorkitError):
    """A recipe, model or field name is unknown, or a field has the wrong type."""


class ExportError(XnorkitError):
    """A module cannot be expressed on bits; names the module and says why."""


class EngineError(XnorkitError):
    """The compiled engine refused an operation, or the requested instruction set is not available."""


class BinarizationWarning(UserWarning):
    """A model became binary, but some of its layers cannot learn or stay float; lists them and what to do."""
