"""What is measured in which mode, as data."""

from dataclasses import dataclass

from xnorkit.errors import InputError

__all__ = ["PLANS", "Inference", "Plan", "RunSpec", "Training", "Variants"]


@dataclass(frozen=True)
class RunSpec:
    """A training of the accuracy table.

    recipe, overrides: what trains it. dataset, model, family: what it is then, family being the name of the
    binarization. hours: of training on two cores, roughly. deployed: pack its checkpoint and prove it.
    """

    recipe: str
    dataset: str
    model: str
    family: str
    overrides: tuple[str, ...] = ()
    hours: float = 0.0
    deployed: bool = False

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.recipe}-{self.family}" if self.overrides else self.recipe

    @property
    def key(self) -> str:
        """Of its records."""
        return f"{self.dataset}/{self.model}/{self.family}"


@dataclass(frozen=True)
class Inference:
    """A network whose time per call is measured: seconds of measurement per batch."""

    model: str
    batches: tuple[int, ...]
    seconds: float
    cost: float


@dataclass(frozen=True)
class Training:
    """A network whose training step is measured; epoch_images: of the epoch that its time is also given for."""

    model: str
    batch: int
    epoch_images: int
    seconds: float


@dataclass(frozen=True)
class Variants:
    """Equal budget of the comparison of gradient rules and of the ablation. seconds: of one training."""

    recipe: str
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """All experiments of a mode.

    channels and filters are those of Figure 4 of the XNOR-Net paper, the others those of the second convolution of
    LeNet-5. kernel_seconds: of measurement per point. proof_images: most images of the deployment proof. trains: the
    missing runs without being asked to.
    """

    mode: str
    runs: tuple[RunSpec, ...]
    memory: tuple[tuple[str, str], ...]
    training: tuple[Training, ...]
    inference: tuple[Inference, ...]
    paper_models: tuple[str, ...]
    channels: tuple[int, ...]
    filters: tuple[int, ...]
    lenet_channels: tuple[int, ...]
    lenet_filters: tuple[int, ...]
    kernel_seconds: float
    variants: Variants
    proof_images: int
    pictures: tuple[str, ...]
    trains: bool

    def spec(self, key: str) -> RunSpec:
        """Return the run `dataset/model/family`; InputError if it is not in the plan."""
        for spec in self.runs:
            if spec.key == key:
                return spec
        raise InputError(f"run '{key}'; required: one of {', '.join(spec.key for spec in self.runs)}.")


PAPER_MODELS = ("AlexNet", "VGG-19", "ResNet-18")

QUICK = Plan(
    mode="quick",
    runs=(
        RunSpec("lenet5-digits-float", "digits", "lenet5", "float", hours=0.003),
        RunSpec("lenet5-digits", "digits", "lenet5", "bwn", ("model.binarization=bwn",), hours=0.003, deployed=True),
        RunSpec("lenet5-digits", "digits", "lenet5", "xnor", hours=0.003, deployed=True),
    ),
    memory=(("lenet5", "float"), ("lenet5", "bwn"), ("lenet5", "xnor")),
    training=(Training("lenet5", 64, 1437, 2.0),),
    inference=(Inference("lenet5", (1, 32), 1.0, 20.0),),
    paper_models=PAPER_MODELS,
    channels=(1, 16, 64, 256, 1024),
    filters=(1, 3, 5, 10),
    lenet_channels=(10, 50, 256, 1024),
    lenet_filters=(1, 3, 5, 8),
    kernel_seconds=0.3,
    variants=Variants("lenet5-digits", 6, 3.0),
    proof_images=360,
    pictures=("digits/lenet5/xnor",),
    trains=True,
)

FULL = Plan(
    mode="full",
    runs=(
        RunSpec("lenet5-mnist-float", "mnist", "lenet5", "float", hours=0.15),
        RunSpec("lenet5-mnist-bwn", "mnist", "lenet5", "bwn", hours=0.15, deployed=True),
        RunSpec("lenet5-mnist", "mnist", "lenet5", "xnor", hours=0.15, deployed=True),
        RunSpec("resnet20-cifar10-float", "cifar10", "resnet20-cifar10", "float", hours=1.0),
        RunSpec("resnet20-cifar10", "cifar10", "resnet20-cifar10", "react", hours=1.2, deployed=True),
        RunSpec("nin-cifar10-float", "cifar10", "nin-cifar10", "float", hours=60),
        RunSpec("nin-cifar10-float", "cifar10", "nin-cifar10", "bwn", ("model.binarization=bwn",), hours=70),
        RunSpec("nin-cifar10", "cifar10", "nin-cifar10", "xnor", hours=70, deployed=True),
        RunSpec("resnet18-cifar10-float", "cifar10", "resnet18-cifar10", "float", hours=45),
        RunSpec("resnet18-cifar10", "cifar10", "resnet18-cifar10", "bwn", ("model.binarization=bwn",), hours=60),
        RunSpec("resnet18-cifar10", "cifar10", "resnet18-cifar10", "xnor", hours=60, deployed=True),
    ),
    memory=(
        *(("lenet5", family) for family in ("float", "bwn", "xnor")),
        *(("resnet20-cifar10", family) for family in ("float", "react")),
        *(("nin-cifar10", family) for family in ("float", "bwn", "xnor")),
        *(("resnet18-cifar10", family) for family in ("float", "bwn", "xnor")),
    ),
    training=(
        Training("lenet5", 128, 60_000, 5.0),
        Training("nin-cifar10", 32, 50_000, 15.0),
        Training("resnet18-cifar10", 32, 50_000, 20.0),
    ),
    inference=(
        Inference("lenet5", (1, 32), 3.0, 25.0),
        Inference("nin-cifar10", (1, 32), 4.0, 60.0),
        Inference("resnet18-cifar10", (1, 32), 6.0, 80.0),
        Inference("alexnet", (1,), 6.0, 60.0),
        Inference("resnet18", (1,), 6.0, 60.0),
    ),
    paper_models=PAPER_MODELS,
    channels=(1, 2, 3, 4, 8, 16, 24, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024),
    filters=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 17, 20),
    lenet_channels=(10, 30, 50, 128, 512, 1024),
    lenet_filters=(1, 2, 3, 4, 5, 6, 7, 8),
    kernel_seconds=1.0,
    variants=Variants("lenet5-mnist", 3, 40.0),
    proof_images=1000,
    pictures=("mnist/lenet5/xnor", "cifar10/resnet20-cifar10/react"),
    trains=False,
)

PLANS = {plan.mode: plan for plan in (QUICK, FULL)}
