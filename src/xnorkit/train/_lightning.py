"""Lightning and torchmetrics, imported after an installed torchvision has been made importable for them."""

from xnorkit.data._torchvision import repair_torchvision

repair_torchvision()

import lightning.pytorch as pl  # noqa: E402 - must follow the repair
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment  # noqa: E402
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO  # noqa: E402
from lightning.fabric.utilities.exceptions import MisconfigurationException  # noqa: E402
from torchmetrics import Metric  # noqa: E402

__all__ = ["Metric", "MisconfigurationException", "SLURMEnvironment", "TorchCheckpointIO", "pl"]
