"""Several optimizers that act as one."""

from collections.abc import Callable
from typing import Any

import torch

from xnorkit.errors import InputError

__all__ = ["CaseOptimizer"]


class CaseOptimizer(torch.optim.Optimizer):
    """Steps several optimizers, each with its own parameters, as one: Bop for binary weights, say, Adam for the rest.

    `param_groups` holds the groups of all, in order, and `state` the state of all: schedulers, gradient scalers,
    `state_dict` and trainers that know one optimizer see nothing special. Do not step the members on their own.

    Args:
        optimizers: at least one; no parameter in two of them.

    Raises:
        InputError: no optimizer, or a parameter in two of them.

    Examples:
        >>> binary, rest = split_parameters(model)
        >>> CaseOptimizer(torch.optim.Adam(binary, lr=1e-2), torch.optim.SGD(rest, lr=0.1, weight_decay=1e-4))

    Source: the idea is that of Larq's CaseOptimizer, which chooses by predicates; here the parameters are split first.
    """

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        owned = [id(p) for group in groups for p in group["params"]]
        if not groups or len(owned) != len(set(owned)):
            raise InputError(
                f"CaseOptimizer: {len(optimizers)} optimizers with {len(owned) - len(set(owned))} parameters in more "
                "than one; required: at least one optimizer, each parameter in one. Split them by split_parameters."
            )
        state = {key: value for optimizer in optimizers for key, value in optimizer.state.items()}
        self.optimizers = optimizers
        super().__init__(groups, {})
        self.param_groups = groups
        self.state.update(state)
        self._share()

    def _share(self) -> None:
        """Make the members use the groups and the state of this optimizer."""
        start = 0
        for optimizer in self.optimizers:
            stop = start + len(optimizer.param_groups)
            optimizer.param_groups = self.param_groups[start:stop]
            optimizer.state = self.state
            start = stop

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Also the last act of load_state_dict, which has made new groups and a new state.
        super().__setstate__(state)
        self._share()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "optimizers": self.optimizers}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refuse, but for those of the constructor: a group belongs to a member."""
        if len(self.param_groups) == sum(len(optimizer.param_groups) for optimizer in self.optimizers):
            raise InputError("CaseOptimizer: add_param_group; required: the optimizer it is for. Make a new one.")
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step every member; return what `closure`, which is called once, returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss
