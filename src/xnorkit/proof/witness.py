"""Runs the model as its user does, and compares it with its capture: both must give the same numbers, bit for bit."""

from typing import Any

import torch
from torch import Tensor, nn

from xnorkit.compile.frontend.capture import Captured, Ref
from xnorkit.compile.frontend.model_copy import copied, first_line
from xnorkit.errors import ExportError

__all__ = ["Witness", "not_finite", "same"]


class Witness:
    """An unchanged copy of a model: hooks, patched methods and state are those of the model.

    Captured calls are a pure function of the image. A model that is not (it keeps state, draws random numbers, or reads
    the gradient mode) gives different numbers in one of its calls, and is refused.

    Args:
        model: any module.

    Raises:
        ExportError: the model cannot be copied.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = copied(model)

    def check(self, captured: Captured, *, gradients: bool = False) -> None:
        """Run the model on the captured images and compare its results with the captured ones.

        Args:
            captured: of the same model.
            gradients: run with gradients, as in a call without `torch.no_grad()`.

        Raises:
            ExportError: they differ; names the first layer that gives different numbers.
        """
        assert isinstance(captured.result, Ref)
        wanted = captured.tensor(captured.result)
        try:
            found = self._run(captured.images, gradients)
        except Exception as error:
            if gradients:  # writes with out= and the like run only without gradients
                return
            raise ExportError(f"the model fails when it is run again: {first_line(error)}. {REMEDY}") from error
        if not same(found, wanted):
            for call in captured.calls:
                if not all(bool(output.isfinite().all()) for output in call.outputs):
                    raise not_finite(call.name)
            raise ExportError(
                f"the model gives different numbers when it is run again{self._first(captured, gradients)}. {REMEDY}"
            )

    def _run(self, images: Tensor, gradients: bool) -> Any:
        with torch.set_grad_enabled(gradients):
            result = self.model(images.clone())
        return result.detach() if isinstance(result, Tensor) else result

    def _first(self, captured: Captured, gradients: bool) -> str:
        """Return the first layer whose output differs from the captured one, in words."""
        seen: dict[str, Any] = {}
        handles = [
            module.register_forward_hook(lambda _module, _inputs, output, path=path: seen.setdefault(path, output))
            for path, module in self.model.named_modules()
        ]
        try:
            self._run(captured.images, gradients)
        finally:
            for handle in handles:
                handle.remove()
        layers = [call for call in captured.calls if call.layer is not None and call.name in seen]
        for call in layers:
            if not same(seen[call.name], call.outputs[0]):
                return f", first in '{call.name}' ({type(call.layer).__name__})"
        return f", after its last layer '{layers[-1].name}'" if layers else ""


REMEDY = (
    "Let its forward depend only on the image: not on random numbers, on state that it keeps or on the gradient mode."
)


def not_finite(name: str) -> ExportError:
    """Return the error for a value of the trained model that cannot be compared."""
    return ExportError(
        f"'{name}' of the trained model gives infinity or NaN on these images, but its numbers must be finite. Check "
        "its weights, and the range of its images."
    )


def same(a: Any, b: Tensor) -> bool:
    """Return whether two tensors are equal, NaN included."""
    return isinstance(a, Tensor) and a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())
