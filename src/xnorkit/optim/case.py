"""Several optimizers that act as one."""

from collections.abc import Callable
from typing import Any

import torch

from xnorkit.errors import InputError

__all__ = ["CaseOptimizer"]


class CaseOptimizer(torch.optim.Optimizer):
    """Steps several optimizers, each with its own parameters, as one, such as Bop for binary weights, Adam for others.

    `param_groups` holds the groups of all members, in order, and `state` the state of all. Schedulers, gradient
    scalers, `state_dict` and trainers thus work as with any single optimizer. Do not step the members on their own.

    Args:
        optimizers: at least one; no parameter may be in two of them.

    Raises:
        InputError: no optimizer, or a parameter in two of them.

    Examples:
        >>> binary, rest = split_parameters(model)
        >>> CaseOptimizer(torch.optim.Adam(binary, lr=1e-2), torch.optim.SGD(rest, lr=0.1, weight_decay=1e-4))

    Source: the idea is from Larq's CaseOptimizer, which chooses by predicates; here you split the parameters first.
    """

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        owned = [id(p) for group in groups for p in group["params"]]
        if not groups or len(owned) != len(set(owned)):
            raise InputError(
                f"CaseOptimizer: {len(optimizers)} optimizers have {len(owned) - len(set(owned))} parameters in more "
                "than one, but there must be at least one optimizer, and each parameter must be in only one. Split "
                "them with split_parameters."
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
        # load_state_dict also ends with this call, after it has made new groups and a new state.
        super().__setstate__(state)
        self._share()

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "optimizers": self.optimizers}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refuse any group except those of the constructor: a group belongs to a member."""
        if len(self.param_groups) == sum(len(optimizer.param_groups) for optimizer in self.optimizers):
            raise InputError(
                "CaseOptimizer: add_param_group does not say which optimizer the group is for, but each group must be "
                "in one optimizer. Make a new CaseOptimizer."
            )
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
