"""A callback that follows the binary layers of a training one by one, and draws what it saw."""

import copy
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.optim import binary_layers
from xnorkit.train._lightning import pl
from xnorkit.train.sign_share import sign_processes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LayerFigures"]

PANELS = {
    "share_of_ones": ("share of +1 among the binary inputs", "linear"),
    "gradient_norm": ("norm of the gradient of the latent weights", "log"),
}


class LayerFigures(pl.Callback):
    """Collects, per epoch and binary layer, the share of +1 among its inputs and the norm of its weight's gradient.

    It serves `fit(callbacks=[...])` and any trainer of Lightning; the trainer's loggers receive the figures too. It
    changes nothing and draws no random number. With several processes, the share is that of the first one's images.

    Args:
        every: only every that many steps is looked at, because looking takes time.

    Attributes:
        rows: a dict per epoch and layer: `epoch` (from 1), `layer` (its dotted name), `share_of_ones` (0 to 1; of 1,
            where inputs are 0 and 1; NaN where inputs are not binary), `gradient_norm` (the mean over the steps of the
            2-norm before clipping; NaN where weights are not binary).

    Raises:
        InputError: `every` is below 1.
    """

    def __init__(self, every: int = 10) -> None:
        if every < 1:
            raise InputError(f"every={every}, but it must be at least 1.")
        self.every = every
        self.rows: list[dict[str, Any]] = []
        self._ones: dict[str, list[Tensor]] = {}
        self._norms: dict[str, list[Tensor]] = {}
        self._handles: list[Any] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start to count."""
        self._ones, self._norms = {}, {}

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Look at the signs of this step, if it is its turn."""
        if batch_idx % self.every == 0:
            self._handles = [
                layer.register_forward_pre_hook(partial(self._count, name, process))
                for name, layer, process in sign_processes(_model(pl_module))
            ]

    @torch.no_grad()
    def _count(self, name: str, process: nn.Module, _layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # A copy: a hook on the process itself would take the layer off the bits, and its gradients round differently.
        with torch.random.fork_rng():
            signs = copy.deepcopy(process)(inputs[0])
        self._ones.setdefault(name, []).append((signs > 0).float().mean())

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        """Look at the gradients of this step, if it is its turn."""
        if trainer.global_step % self.every == 0:
            for name, layer in binary_layers(_model(pl_module)):
                gradient = layer.weight.grad
                if isinstance(gradient, Tensor):
                    self._norms.setdefault(name, []).append(gradient.detach().float().norm())

    def on_train_batch_end(self, *_: Any) -> None:
        """Stop looking."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def on_exception(self, *_: Any) -> None:
        """Stop looking."""
        self.on_train_batch_end()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Add the rows of the epoch, and log them."""
        found = self._ones.keys() | self._norms.keys()
        layers = [name for name, _ in _model(pl_module).named_modules() if name in found]
        rows = [
            {
                "epoch": trainer.current_epoch + 1,
                "layer": layer,
                "share_of_ones": _mean(self._ones.get(layer, [])),
                "gradient_norm": _mean(self._norms.get(layer, [])),
            }
            for layer in layers
        ]
        self.rows += rows
        figures = {f"{value}/{row['layer']}": row[value] for row in rows for value in PANELS}
        figures = {name: value for name, value in figures.items() if not math.isnan(value)}
        for logger in trainer.loggers if figures else []:
            logger.log_metrics(figures, step=trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows, so that a resumed run has those of all epochs."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the rows of the epochs before."""
        self.rows = list(state_dict["rows"])

    def plot(self) -> "Figure":
        """Return a matplotlib figure with a line per layer over the epochs, for `plot().savefig("layers.png")`.

        Raises:
            InputError: there are no rows, because no epoch is over, or no layer is binary.
            ModuleNotFoundError: matplotlib is not installed.
        """
        if not self.rows:
            raise InputError("there are no rows, but there must be at least one. Train an epoch with a binary layer.")
        try:
            import matplotlib as mpl  # noqa: PLC0415 - only the plot needs it
            from matplotlib.figure import Figure  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "plot needs matplotlib, but it is not installed. Run pip install 'xnorkit[report]'.", name="matplotlib"
            ) from error

        layers = list(dict.fromkeys(row["layer"] for row in self.rows))
        colours = mpl.colormaps["viridis"].resampled(len(layers))
        figure = Figure(figsize=(9, max(3.6, 0.22 * len(layers) + 0.8)), layout="constrained")
        for axes, (value, (title, scale)) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
            axes.set(title=title, xlabel="epoch", yscale=scale)
            axes.title.set_fontsize("medium")
            axes.xaxis.get_major_locator().set_params(integer=True)
            for number, layer in enumerate(layers):
                points = _points(self.rows, layer, value)
                axes.plot(*points, marker=".", color=colours(number), label=layer)
        figure.axes[0].axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
        handles, labels = figure.axes[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper", fontsize="small")
        return figure


def _model(module: pl.LightningModule) -> nn.Module:
    """Return the network of a Lightning module: its attribute `model`, as that of a recipe has it, or itself."""
    model = getattr(module, "model", None)
    return model if isinstance(model, nn.Module) else module


def _mean(values: Sequence[Tensor]) -> float:
    return torch.stack(list(values)).mean().item() if values else math.nan


def _points(rows: Sequence[dict[str, Any]], layer: str, value: str) -> tuple[list[int], list[float]]:
    mine = [row for row in rows if row["layer"] == layer]
    return [row["epoch"] for row in mine], [row[value] for row in mine]
