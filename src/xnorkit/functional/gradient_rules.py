"""How the gradient rules of the scaled sign differ for a given weight and upstream gradient."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xnorkit.errors import InputError
from xnorkit.functional.scaled_sign import GRADIENT_RULES, scaled_sign_gradient

__all__ = ["GradientComparison", "RuleGradient", "compare_gradient_rules"]

THROUGH_CENTERING = "exact-through-centering"


@dataclass(frozen=True)
class RuleGradient:
    """How the gradient of one rule compares with that of the rule `exact`.

    `cosine` is the cosine of the angle between the two gradients (0 if one of them is 0), `norm_ratio` is the ratio of
    their norms, and `max_difference` is the largest |difference| of an element. `alpha_share` and `sign_share` are the
    norms of the terms through alpha and through the sign, each divided by their sum, so they add up to 1 unless both
    are 0.
    """

    rule: str
    cosine: float
    norm_ratio: float
    max_difference: float
    alpha_share: float
    sign_share: float


@dataclass(frozen=True)
class GradientComparison:
    """The outcome of `compare_gradient_rules`: one `RuleGradient` per rule, and the shape of the weight.

    `str()` returns a table, and `comparison["paper"]` returns one rule.
    """

    shape: tuple[int, ...]
    rules: tuple[RuleGradient, ...]

    def __getitem__(self, rule: str) -> RuleGradient:
        for row in self.rules:
            if row.rule == rule:
                return row
        raise KeyError(rule)

    def __str__(self) -> str:
        title = f"gradient rules for a weight of shape {self.shape}, against exact"
        head = f"{'rule':<24}{'cosine':>9}{'norm ratio':>13}{'max difference':>16}{'alpha term':>12}{'sign term':>11}"
        rows = (
            f"{r.rule:<24}{r.cosine:>9.4f}{r.norm_ratio:>13.5g}{r.max_difference:>16.3g}"
            f"{r.alpha_share:>12.1%}{r.sign_share:>11.1%}"
            for r in self.rules
        )
        return "\n".join([title, head, *rows])


@torch.no_grad()
def compare_gradient_rules(weight_or_layer: Tensor | nn.Module, upstream_gradient: Tensor) -> GradientComparison:
    """Return how the gradients dC/dW of all rules differ from the exact one, computed in float64.

    The last row, `exact-through-centering`, is the exact gradient minus its mean over the input channels. It is the
    gradient of `scaled_sign(center(W))` if W is already centred (`center_`). If C_in = 1, the table omits that row and
    `xnor-net-pytorch`, because both gradients are 0.

    Args:
        weight_or_layer: W (O, ...), or a layer that has it as `weight`.
        upstream_gradient: g = dC/dW~, of the same shape: the gradient of the loss with respect to `scaled_sign(W)`.

    Raises:
        InputError: for a layer without a weight, or for different shapes.

    Examples:
        >>> layer = nn.Conv2d(8, 4, 3)
        >>> binary = scaled_sign(layer.weight).detach().requires_grad_()
        >>> nn.functional.conv2d(torch.randn(2, 8, 6, 6).sign(), binary).square().sum().backward()
        >>> print(compare_gradient_rules(layer, binary.grad))
    """
    weight = getattr(weight_or_layer, "weight", None) if isinstance(weight_or_layer, nn.Module) else weight_or_layer
    if not isinstance(weight, Tensor):
        raise InputError(
            f"{type(weight_or_layer).__name__} has no tensor `weight`, but the argument must be a weight (O, ...) or a "
            "layer with one. Pass the tensor itself."
        )
    w, g = weight.double(), upstream_gradient.double()
    terms = scaled_sign_gradient(w, g)
    exact = terms[0] + terms[1]
    dies = w.shape[1] == 1
    rows = []
    for rule in GRADIENT_RULES:
        if not (dies and rule == "xnor-net-pytorch"):
            rows.append(_against(exact, rule, *scaled_sign_gradient(w, g, rule)))
    if not dies:
        centered = (term - term.mean(1, keepdim=True) for term in terms)
        rows.append(_against(exact, THROUGH_CENTERING, *centered))
    return GradientComparison(tuple(w.shape), tuple(rows))


def _against(exact: Tensor, rule: str, through_alpha: Tensor, through_sign: Tensor) -> RuleGradient:
    gradient = through_alpha + through_sign
    norm, exact_norm = gradient.norm().item(), exact.norm().item()
    parts = (through_alpha.norm().item(), through_sign.norm().item())
    both = sum(parts) or 1.0
    return RuleGradient(
        rule=rule,
        cosine=(gradient * exact).sum().item() / ((norm * exact_norm) or 1.0),
        norm_ratio=norm / exact_norm if exact_norm else float("nan"),
        max_difference=(gradient - exact).abs().max().item(),
        alpha_share=parts[0] / both,
        sign_share=parts[1] / both,
    )
