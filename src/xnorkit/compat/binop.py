"""`BinOp` of XNOR-Net-PyTorch, which binarizes the weights of an ordinary model around each training step."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional import GradientRule, center_, mean_abs, scaled_sign_gradient
from xnorkit.nn import BinaryConv2d, BinaryLinear

__all__ = ["BinOp"]

KINDS: dict[str, tuple[type[nn.Module], ...]] = {"conv": (nn.Conv2d,), "conv+linear": (nn.Conv2d, nn.Linear)}


class BinOp:
    """Swaps the weights of a model for alpha * sign(W) and back, and turns dC/dW~ into dC/dW.

    It applies to every `Conv2d` and `Linear` (or only `Conv2d`) except the first and the last in the order of
    `model.modules()`. One training step is

        bin_op.binarization()
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        bin_op.restore()
        bin_op.updateBinaryGradWeight()
        optimizer.step()

    and evaluation runs between `binarization()` and `restore()`. `binarization()` centres and clamps the master weights
    in place, even for evaluation. Two properties follow the reference and differ from the rest of xnorkit:
    sign(0) = 0, and the layers convolve with alpha * sign(W), so their rounding depends on the order of the sum.
    For deployment on bits, use `xnorkit.nn.BinaryConv2d` or `prepare_binary_model`.

    Args:
        model: any model of float layers, which may be wrapped in DataParallel or DistributedDataParallel.
        layers: "conv+linear", as in the reference's ImageNet and MNIST versions, or "conv", as in its CIFAR-10 version.
        rule: the gradient rule; see `xnorkit.functional.scaled_sign`.
        scale_1e9: multiply by 1e9, as in the reference's ImageNet version; only with the default rule.

    Attributes:
        bin_range: the positions of the binarized layers among the counted ones.
        target_modules: the weights of these layers, each once even if layers share it.
        saved_params: the master weights, while the model holds the binarized ones.
        num_of_params: the number of these weights.

    Raises:
        InputError: there is nothing to binarize, a layer has one input channel (centring would make all its
            weights 0), or a layer binarizes its weights itself.

    Source: Rastegari et al., XNOR-Net (ECCV 2016), algorithm 1, as in jiecaoyu/XNOR-Net-PyTorch, whose
    `updateBinaryGradWeight` has the factors n (1 - 1/C_in); see docs/how-xnor-net-works.md.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Literal["conv+linear", "conv"] = "conv+linear",
        rule: GradientRule = "xnor-net-pytorch",
        *,
        scale_1e9: bool = False,
    ) -> None:
        if layers not in KINDS:
            raise InputError(f"layers={layers!r}, but it must be 'conv+linear' or 'conv', which leaves Linear float.")
        counted = [(name, m) for name, m in model.named_modules() if isinstance(m, KINDS[layers])]
        self.bin_range = list(range(1, len(counted) - 1))
        if not self.bin_range:
            raise InputError(
                f"{type(model).__name__} has {len(counted)} layers of kind {layers}, but BinOp needs 3 or more: "
                "the first and the last stay float. Use xnorkit.nn.BinaryConv2d or BinaryLinear for single layers."
            )
        self.target_modules: list[Tensor] = []
        for name, module in (counted[index] for index in self.bin_range):
            weight = _checked_weight(name, module)
            if not any(weight is other for other in self.target_modules):
                self.target_modules.append(weight)
        self.rule, self.scale_1e9 = rule, scale_1e9
        scaled_sign_gradient(torch.ones(1, 2), torch.ones(1, 2), rule, scale_1e9=scale_1e9)  # refuses a wrong rule
        self.saved_params: list[Tensor] = []

    @property
    def target_params(self) -> list[nn.Parameter]:
        """Return copies of the master weights, as the reference keeps them beside the layers' own."""
        masters = self.saved_params or self.target_modules
        return [nn.Parameter(weight.detach().clone()) for weight in masters]

    @property
    def num_of_params(self) -> int:
        """The number of binarized weights."""
        return len(self.target_modules)

    @torch.no_grad()
    def binarization(self) -> None:
        """Centre the master weights over the input channels, clamp them to [-1, 1], save them, binarize the model.

        W <- clamp(W - mean of W over dimension 1, -1, 1); the model then holds W~ = alpha * sign(W), alpha = mean |W|
        per filter, sign(0) = 0.

        Raises:
            InputError: if the model is already binarized, because a second call would lose the master weights.
        """
        if self.saved_params:
            raise InputError(
                "binarization() needs the master weights in place, but the model is binarized: a second call would "
                "overwrite the saved master weights. Call restore() first."
            )
        self.meancenterConvParams()
        self.clampConvParams()
        self.save_params()
        self.binarizeConvParams()

    @torch.no_grad()
    def meancenterConvParams(self) -> None:  # noqa: N802 - the name in the reference
        """Centre the weights over the input channels, the first step of `binarization`."""
        for w in self.target_modules:
            center_(w)

    @torch.no_grad()
    def clampConvParams(self) -> None:  # noqa: N802 - the name in the reference
        """Clamp the weights to [-1, 1], the second step."""
        for w in self.target_modules:
            w.clamp_(-1, 1)

    @torch.no_grad()
    def save_params(self) -> None:
        """Save the weights as the master weights, the third step."""
        self.saved_params = [w.detach().clone() for w in self.target_modules]

    @torch.no_grad()
    def binarizeConvParams(self) -> None:  # noqa: N802 - the name in the reference
        """Replace the weights with alpha sign(W), the last step."""
        for w in self.target_modules:
            w.copy_(torch.sign(w) * mean_abs(w).view(-1, *[1] * (w.dim() - 1)))

    @torch.no_grad()
    def restore(self) -> None:
        """Put the saved master weights back, exactly as they were before the binarization.

        Raises:
            InputError: if the model is not binarized.
        """
        if not self.saved_params:
            raise InputError("restore() needs a binarized model, but this one is not. Call binarization() first.")
        for w, saved in zip(self.target_modules, self.saved_params, strict=True):
            w.copy_(saved)
        self.saved_params = []

    @torch.no_grad()
    def updateBinaryGradWeight(self) -> None:  # noqa: N802 - the name in the reference
        """Replace dC/dW~ in `.grad` of every binarized weight with dC/dW under the gradient rule.

        With the default rule, n weights per filter and s = sign(W), sign(0) = 0:
        dC/dW_i = n (1 - 1/C_in) ((1/n) s_i sum_j g_j s_j + alpha g_i 1(|W_i| <= 1)). Weights without a gradient (frozen
        or unused) are skipped.

        Raises:
            InputError: if the model is still binarized, or no weight has a gradient.
        """
        if self.saved_params:
            raise InputError(
                "updateBinaryGradWeight() needs the master weights in place, but the model is binarized. Call "
                "restore() first."
            )
        trained = list(self._with_gradient())
        if not trained:
            raise InputError(
                "updateBinaryGradWeight() needs gradients, but no binarized weight has one. Call loss.backward() first."
            )
        for w, grad in trained:
            terms = scaled_sign_gradient(w, grad, self.rule, scale_1e9=self.scale_1e9, signs=torch.sign(w))
            grad.copy_(terms[0] + terms[1])

    def _with_gradient(self) -> Iterator[tuple[Tensor, Tensor]]:
        return ((w, w.grad) for w in self.target_modules if w.grad is not None)


def _checked_weight(name: str, module: nn.Module) -> Tensor:
    if isinstance(module, BinaryConv2d | BinaryLinear):
        raise InputError(
            f"BinOp needs float layers, but layer '{name}' is a {type(module).__name__}, which binarizes its own "
            "weights. Train such a model without BinOp."
        )
    weight = module.weight
    assert isinstance(weight, Tensor)
    if weight.shape[1] == 1:
        raise InputError(
            f"layer '{name}' has a weight of shape {tuple(weight.shape)}, but BinOp needs at least 2 input channels "
            "(dimension 1), because centring over one makes every weight 0. Use prepare_binary_model with "
            "XNORWeightBinarizer(center_weights=False) for such a model."
        )
    return weight
