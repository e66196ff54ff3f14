"""`with_args`, which stores a class and some of its keyword arguments to build instances later."""

import functools
import inspect
from typing import Any

from xnorkit.errors import InputError

__all__ = ["Factory", "WithArgs"]


class Factory(functools.partial[Any]):
    """Builds instances of a class with stored keyword arguments; `with_args` adds more, and later values win.

    It is a `functools.partial`, and `inspect.signature`, `copy` and `pickle` treat it as one; `func` is the class and
    `keywords` are the stored arguments.

    Examples:
        >>> XNORWeightBinarizer.with_args(center_weights=True).with_args(compute_alpha=False)()
        XNORWeightBinarizer(compute_alpha=False, center_weights=True)
    """

    def with_args(self, **kwargs: Any) -> "Factory":
        """Return a factory with these keyword arguments added to its own."""
        return _factory(self.func, {**self.keywords, **kwargs})


class WithArgs:
    """Mixin that gives a class the classmethod `with_args`."""

    @classmethod
    def with_args(cls, **kwargs: Any) -> Factory:
        """Return a factory of this class with these keyword arguments stored.

        Raises:
            InputError: for an argument that the constructor does not have; this call raises it, not the preparation.
        """
        return _factory(cls, kwargs)


def _factory(target: Any, kwargs: dict[str, Any]) -> Factory:
    try:
        inspect.signature(target).bind_partial(**kwargs)
    except TypeError as error:
        known = ", ".join(inspect.signature(target).parameters) or "none"
        raise InputError(
            f"{target.__name__}.with_args: {error}, but the keyword arguments must be those of its constructor. "
            f"Choose among them: {known}."
        ) from error
    return Factory(target, **kwargs)
