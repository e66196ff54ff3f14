"""Draws docs/figures/binarizers/*.svg: forward function and gradient of each binarizer, as the code computes them.

Run `python docs/figures/draw_binarizers.py` after a change of `xnorkit.ops`; the test-suite compares.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from xnorkit import ops
from xnorkit.functional import stochastic_sign

FOLDER = Path(__file__).parent / "binarizers"
COLOURS = ("#1f77b4", "#d95f02", "#2ca02c")
WIDTH, HEIGHT, LEFT, TOP = 200, 130, 34, 24  # of one panel
SPAN = 2.0  # x runs from -SPAN to SPAN
Curve = tuple[str, Tensor, Tensor, Tensor]  # label, x, y, dy/dx


def grid() -> Tensor:
    """Points denser near 0, so that their mean magnitude is not 1; none is 0 or +-1, where a border would decide."""
    u = torch.linspace(-1, 1, 160, dtype=torch.float64)
    return SPAN * u * u.abs()


def elementwise(label: str, function: Callable[[Tensor], Tensor], x: Tensor | None = None) -> Curve:
    """Curve of a function of single numbers."""
    x = (grid() if x is None else x).requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return label, x.detach(), y.detach(), slope


def of_a_filter(label: str, module: nn.Module) -> Curve:
    """Curve of a weight binarizer: one filter that holds the whole grid, and the diagonal of its Jacobian."""
    w = grid()[None].requires_grad_()
    y = module(w)
    slope = torch.stack([torch.autograd.grad(y[0, i], w, retain_graph=True)[0][0, i] for i in range(w.shape[1])])
    return label, w.detach()[0], y.detach()[0], slope


def annealed(make: Callable[[], nn.Module], curve: Callable[[str, nn.Module], Curve]) -> list[Curve]:
    """The curves at the start, in the middle and at the end of the training."""
    curves = []
    for progress in (0.0, 0.5, 1.0):
        module = make().double()
        assert isinstance(module, ops.Annealed)
        module.set_progress(progress)
        curves.append(curve(f"p = {progress:g}", module))
    return curves


def with_values(module: nn.Module, **values: float) -> nn.Module:
    """The module with all its parameters of these names at these values."""
    for name, value in values.items():
        nn.init.constant_(module.get_parameter(name), value)
    return module.double()


def figures() -> Iterator[tuple[str, list[Curve]]]:
    """Yield the name of each binarizer and its curves."""
    layer = nn.Linear(160, 1)
    one, column = nn.Linear(1, 1), grid()[:, None]
    for cls in (ops.ApproxSignBinarizer, ops.ReCUInputBinarizer, ops.BasicInputBinarizer, ops.SwishSignBinarizer):
        yield cls.__name__, [elementwise("", cls())]
    for cls in (ops.SteHeavisideBinarizer, ops.NoOp):
        yield cls.__name__, [elementwise("", cls())]
    yield "TernaryInputBinarizer", [elementwise("threshold = 0.5", ops.TernaryInputBinarizer(threshold=0.5))]
    yield "DoReFaActivation", [elementwise(f"bits = {b}", ops.DoReFaActivation(b)) for b in (1, 2)]
    yield "MagnitudeAwareSignBinarizer", [elementwise("", ops.MagnitudeAwareSignBinarizer(one), column)]
    shifted = with_values(ops.InputBiasBinarizer(one), bias=0.5)
    yield "InputBiasBinarizer", [elementwise("b = 0.5", shifted, column)]
    adaptive = with_values(ops.AdaBinInputBinarizer(), alpha=0.6, beta=0.3)
    yield "AdaBinInputBinarizer", [elementwise("alpha = 0.6, beta = 0.3", adaptive)]
    noise = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None]
    yield (
        "StochasticInputBinarizer",
        [elementwise("mean", lambda x: stochastic_sign(x.expand(2001, -1), noise.expand(-1, len(x))).mean(0))],
    )
    yield "AdvancedInputBinarizer", annealed(lambda: ops.AdvancedInputBinarizer(t=1, t_end=5), elementwise)
    noisy = ops.AdvancedNoisyInputBinarizer().double()
    yield "AdvancedNoisyInputBinarizer", [elementwise("evaluation", noisy.eval())]
    yield "EDEInputBinarizer", annealed(lambda: ops.EDEInputBinarizer(t_max=4), elementwise)

    for cls in (ops.XNORWeightBinarizer, ops.BWNWeightBinarizer, ops.SignWeightBinarizer):
        yield cls.__name__, [of_a_filter("", cls())]
    yield "MagnitudeAwareWeightBinarizer", [of_a_filter("", ops.MagnitudeAwareWeightBinarizer())]
    learned = with_values(ops.LearnableScaleWeightBinarizer(layer), alpha=0.7)
    yield "LearnableScaleWeightBinarizer", [of_a_filter("alpha = 0.7", learned)]
    yield "IRNetWeightBinarizer", annealed(lambda: ops.IRNetWeightBinarizer(t_max=4), of_a_filter)
    yield "AdaBinWeightBinarizer", annealed(lambda: ops.AdaBinWeightBinarizer(t_max=4), of_a_filter)
    yield (
        "ReCUWeightBinarizer",
        annealed(lambda: with_values(ops.ReCUWeightBinarizer(layer, tau_min=0.7, tau_max=0.9), alpha=0.7), of_a_filter),
    )

    yield (
        "BasicScaleBinarizer",
        [
            elementwise(f"a = {a}", with_values(ops.BasicScaleBinarizer(one), alpha=a), column.clone())
            for a in (0.5, 1.5)
        ],
    )
    yield "BiasPostprocess", [elementwise("b = 0.5", with_values(ops.BiasPostprocess(one), bias=0.5), column.clone())]
    bent = with_values(ops.RPReLU(one), gamma=0.5, zeta=-0.5)
    yield "RPReLU", [elementwise("gamma = 0.5, zeta = -0.5", bent, column.clone())]
    k_map = ops.XNORScaleBinarizer(nn.Linear(1, 1))
    yield "XNORScaleBinarizer", [elementwise("K of one input", lambda x: k_map(torch.ones_like(x), x), column.clone())]


def panel(left: float, title: str, curves: list[tuple[Tensor, Tensor]]) -> str:
    """One panel of an SVG: axes, ticks at whole numbers, one polyline per curve."""
    low = min(-1.2, *(float(y.min()) - 0.1 for _, y in curves))
    high = max(1.2, *(float(y.max()) + 0.1 for _, y in curves))

    def place(x: float, y: float) -> str:
        return f"{left + (x + SPAN) / (2 * SPAN) * WIDTH:.1f},{TOP + (high - y) / (high - low) * HEIGHT:.1f}"

    parts = [
        f'<text x="{left + WIDTH / 2:g}" y="14" text-anchor="middle">{title}</text>',
        f'<polyline class="axis" points="{place(-SPAN, 0)} {place(SPAN, 0)}"/>',
        f'<polyline class="axis" points="{place(0, low)} {place(0, high)}"/>',
    ]
    step = max(1, round((high - low) / 5))
    for tick in range(int(low), int(high) + 1):
        if tick and tick % step == 0:
            x, y = place(0, tick).split(",")
            parts.append(f'<text x="{float(x) - 4:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{tick}</text>')
    for tick in (-1, 1):
        x, y = place(tick, 0).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 13:.1f}" text-anchor="middle">{tick}</text>')
    for colour, (xs, ys) in zip(COLOURS, curves, strict=False):
        points = list(zip(xs.ravel().tolist(), ys.ravel().tolist(), strict=True))
        # Inner points of a level stretch are left out.
        kept = [p for i, p in enumerate(points) if i == 0 or len({y for _, y in points[i - 1 : i + 2]}) > 1]
        line = " ".join(place(x, y) for x, y in [*kept, points[-1]])
        parts.append(f'<polyline stroke="{colour}" points="{line}"/>')
    return "\n".join(parts)


def drawing(name: str, curves: list[Curve]) -> str:
    """The text of one SVG file: forward on the left, gradient on the right, a legend below."""
    width, height = 2 * (WIDTH + LEFT) + 10, TOP + HEIGHT + 24
    legend = "".join(
        f'<tspan fill="{colour}" dx="12">{label}</tspan>' for colour, (label, *_) in zip(COLOURS, curves, strict=False)
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
            f"<title>{name}: forward and gradient</title>",
            "<style>text{font:11px sans-serif;fill:#555}polyline{fill:none;stroke-width:1.6}"
            ".axis{stroke:#aaa;stroke-width:1}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            panel(LEFT - 20, "forward", [(x, y) for _, x, y, _ in curves]),
            panel(WIDTH + 2 * LEFT - 10, "gradient", [(x, slope) for _, x, _, slope in curves]),
            f'<text x="{LEFT - 20}" y="{height - 6}">{legend}</text>',
            "</svg>\n",
        ]
    )


def main() -> None:
    """Write every figure."""
    FOLDER.mkdir(exist_ok=True)
    for name, curves in figures():
        (FOLDER / f"{name}.svg").write_text(drawing(name, curves), encoding="utf-8")


if __name__ == "__main__":
    main()
