"""The three products of a convolution of signs: every kernel is its reference, and the reference is in bounds."""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from xnorkit import _engine

LIMIT = 511


class Case(NamedTuple):
    images: int
    size: tuple[int, int]
    channels: int
    filters: int
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def conv(self) -> Any:
        pad = (*self.padding, *self.padding)
        geometry = _engine.ConvGeometry(self.kernel, self.stride, pad, self.dilation, self.groups)
        return _engine.SignConv((self.images, *self.size, self.channels), self.filters, geometry)


CASES = [
    Case(2, (8, 8), 64, 64),
    Case(3, (7, 5), 20, 50, kernel=(5, 3), padding=(0, 2)),
    Case(2, (9, 9), 16, 16, stride=(2, 2)),
    Case(2, (8, 10), 33, 7, dilation=(2, 1)),
    Case(1, (4, 4), 192, 96, kernel=(1, 1), padding=(0, 0)),
    Case(5, (1, 1), 70, 30, kernel=(1, 1), padding=(0, 0)),
    Case(2, (11, 11), 48, 40, stride=(3, 2), padding=(2, 2)),
    Case(4, (6, 6), 1, 3),
    Case(2, (8, 8), 64, 96, groups=2),
    Case(2, (8, 8), 64, 64, stride=(2, 2), groups=4),
    Case(1, (1, 40), 32, 65, kernel=(1, 7), padding=(0, 3), dilation=(1, 2)),
    Case(70, (2, 2), 17, 5, kernel=(2, 2), padding=(1, 1)),
    Case(1, (3, 41), 16, 96, kernel=(1, 3), padding=(0, 1)),  # a row in strips, whose tables overlap
    Case(2, (3, 4), 16, 7, padding=(4, 4)),  # output pixels that no tap connects with the image
]


class Data(NamedTuple):
    x: NDArray[np.float32]
    w: NDArray[np.float32]
    scale: NDArray[np.float32]
    gradient: NDArray[np.float32]


def _data(case: Case, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(case.images, *case.size, case.channels)).astype(np.float32)
    w = rng.normal(size=(case.filters, *case.kernel, case.channels // case.groups)).astype(np.float32)
    x[rng.random(x.shape) < 0.02] = 0  # signs of 0 and -0 are +1
    x[rng.random(x.shape) < 0.02] = -0.0
    x[rng.random(x.shape) < 0.02] = 1  # and +-1 is outside
    x[rng.random(x.shape) < 0.02] = -1
    scale = rng.uniform(0.1, 2, case.filters).astype(np.float32)
    sizes = rng.uniform(0, 3, (case.images, 1, 1, 1))
    return Data(x, w, scale, (rng.normal(size=case.conv().output) * sizes).astype(np.float32))


def _pack(x: NDArray[np.float32], isa: str, clip: float = 1.0) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    rows = x.reshape(-1, x.shape[-1])
    words = np.empty((2, len(rows), -(-x.shape[-1] // 32)), np.uint32)
    _engine.pack_signs(rows, clip, words[0], words[1], 2, isa)
    return words[0].reshape(*x.shape[:-1], -1), words[1].reshape(*x.shape[:-1], -1)


class Results(NamedTuple):
    y: NDArray[np.float32]
    to_x: NDArray[np.float32]
    to_x_everywhere: NDArray[np.float32]
    to_w: NDArray[np.float32]


def _run(case: Case, data: Data, isa: str, threads: int = 2) -> Results:
    conv = case.conv()
    signs, inside = _pack(data.x, isa)
    weight, _ = _pack(data.w, isa)
    results = Results(
        np.empty(conv.output, np.float32),
        np.empty(data.x.shape, np.float32),
        np.empty(data.x.shape, np.float32),
        np.empty(data.w.shape, np.float32),
    )
    _engine.sign_conv(conv, signs, weight, data.scale, np.zeros(case.filters, np.float32), results.y, threads, isa)
    for between, result in ((inside, results.to_x), (None, results.to_x_everywhere)):
        _engine.sign_conv_input_gradient(conv, data.gradient, weight, data.scale, between, result, threads, isa)
    _engine.sign_conv_weight_gradient(conv, data.gradient, signs, results.to_w, threads, isa)
    return results


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reference_is_within_half_a_step_per_term(case: Case) -> None:
    """dC/ds and dC/db in float64 differ by at most (half a step) x (terms of the sum), and y not at all."""
    data = _data(case)
    got = _run(case, data, "reference")
    s = torch.from_numpy(np.where(data.x >= 0, 1.0, -1.0)).permute(0, 3, 1, 2)
    b = torch.from_numpy(np.where(data.w >= 0, 1.0, -1.0)).permute(0, 3, 1, 2)
    options = (case.stride, case.padding, case.dilation)
    dot = torch.nn.functional.conv2d(s, b, None, *options, case.groups).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(got.y, dot.astype(np.float32) * data.scale)

    g = torch.from_numpy(data.gradient).double().permute(0, 3, 1, 2)
    scaled = g * torch.from_numpy(data.scale).double()[:, None, None]
    back = torch.ops.aten.convolution_backward
    to_x, _, _ = back(scaled, s, b, None, *options, False, [0, 0], case.groups, [True, False, False])
    _, to_w, _ = back(g, s, b, None, *options, False, [0, 0], case.groups, [False, True, False])
    step_x = scaled.abs().amax((1, 2, 3), keepdim=True) / LIMIT
    step_w = g.abs().amax((0, 2, 3))[:, None, None, None] / LIMIT
    taps = case.kernel[0] * case.kernel[1]
    half = 0.501  # a half, and what float32 adds to it
    inside = np.abs(data.x) < 1
    error = np.abs(got.to_x_everywhere - to_x.permute(0, 2, 3, 1).numpy())
    assert (error <= half * taps * case.filters / case.groups * step_x.permute(0, 2, 3, 1).numpy()).all()
    assert np.array_equal(got.to_x, np.where(inside, got.to_x_everywhere, 0))
    error = np.abs(got.to_w - to_w.permute(0, 2, 3, 1).numpy())
    assert (error <= half * g[:, 0].numel() * step_w.permute(0, 2, 3, 1).numpy()).all()
    assert np.abs(got.to_x).max() > 0
    assert np.abs(got.to_w).max() > 0


@pytest.mark.parametrize(("case", "isa"), list(itertools.product(CASES, _engine.isas())), ids=str)
def test_every_instruction_set_is_the_reference(case: Case, isa: str) -> None:
    data = _data(case, seed=1)
    for got, expected in zip(_run(case, data, isa), _run(case, data, "reference"), strict=True):
        assert np.array_equal(got, expected)


def _random_case(rng: np.random.Generator) -> Case | None:
    """Return any geometry of a small layer, or None where the kernel does not fit the padded image."""

    def pair(low: int, high: int) -> tuple[int, int]:
        first, second = rng.integers(low, high, 2).tolist()
        return first, second

    groups = int(rng.choice([1, 1, 1, 2, 3]))
    channels = 16 * groups * int(rng.integers(1, 4)) if groups > 1 else int(rng.integers(1, 80))
    case = Case(
        images=int(rng.integers(1, 4)),
        size=pair(1, 14),
        channels=channels,
        filters=groups * int(rng.integers(1, 45)),
        kernel=pair(1, 6),
        stride=pair(1, 3),
        padding=pair(0, 5),
        dilation=pair(1, 3),
        groups=groups,
    )
    axes = zip(case.size, case.padding, case.dilation, case.kernel, strict=True)
    fits = all(size + 2 * padding > dilation * (kernel - 1) for size, padding, dilation, kernel in axes)
    return case if fits else None


@pytest.mark.parametrize("isa", _engine.isas())
def test_every_geometry_is_the_reference(isa: str) -> None:
    rng = np.random.default_rng(7)
    tried = 0
    while tried < 60:
        case = _random_case(rng)
        if case is None:
            continue
        tried += 1
        data = _data(case, seed=tried)
        for got, expected in zip(_run(case, data, isa), _run(case, data, "reference"), strict=True):
            assert np.array_equal(got, expected), case


@pytest.mark.parametrize("isa", _engine.isas())
def test_threads_do_not_change_a_bit(isa: str) -> None:
    case = Case(6, (9, 9), 48, 40, stride=(2, 2))
    data = _data(case)
    for one, many in zip(_run(case, data, isa, 1), _run(case, data, isa, 5), strict=True):
        assert np.array_equal(one, many)


@pytest.mark.parametrize("isa", [isa for isa in _engine.isas() if isa != "reference"])
def test_more_positions_than_are_worked_on_at_once(isa: str) -> None:
    """The sums of several chunks of positions, and of the largest integers, are exact."""
    case = Case(5, (60, 60), 16, 5, kernel=(5, 5), padding=(2, 2))
    data = _data(case)._replace(gradient=np.ones(case.conv().output, np.float32))
    got = _run(case, data, isa)
    s = torch.from_numpy(np.where(data.x >= 0, 1.0, -1.0)).permute(0, 3, 1, 2)
    ones = torch.ones(5, 5, 60, 60, dtype=torch.float64)
    options = ((1, 1), (2, 2), (1, 1), False, [0, 0], 1, [False, True, False])
    _, expected, _ = torch.ops.aten.convolution_backward(ones, s, torch.zeros(5, 16, 5, 5).double(), None, *options)
    np.testing.assert_allclose(got.to_w, expected.permute(0, 2, 3, 1).numpy(), rtol=1e-6)


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_gradient_that_is_no_number_shows(isa: str, value: float) -> None:
    case = Case(2, (4, 4), 16, 8)
    data = _data(case)
    data.gradient[1, 2, 2, 3] = value
    got = _run(case, data, isa)
    assert np.isnan(got.to_x_everywhere[1]).all()
    assert np.isfinite(got.to_x_everywhere[0]).all()
    assert np.isnan(got.to_w[3]).all()
    assert np.isfinite(np.delete(got.to_w, 3, axis=0)).all()


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-38])
def test_gradients_of_nothing_or_next_to_it(isa: str, size: float) -> None:
    case = Case(2, (4, 4), 16, 8)
    data = _data(case)
    got = _run(case, data._replace(gradient=np.full(case.conv().output, size, np.float32)), isa)
    assert np.isfinite(got.to_x).all()
    assert np.isfinite(got.to_w).all()
    assert np.abs(got.to_w).max() <= 100 * size


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("channels", [1, 31, 32, 100])
@pytest.mark.parametrize("clip", [0.5, 1.0, 1.25])
def test_pack_signs(isa: str, channels: int, clip: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, channels)).astype(np.float32)
    x[::7] = clip
    x[1::7] = -clip
    x[2::7] = -0.0
    signs, inside = _pack(x, isa, clip)
    bits = [np.unpackbits(words.view(np.uint8), axis=1, bitorder="little") for words in (signs, inside)]
    assert np.array_equal(bits[0][:, :channels], x < 0)
    assert np.array_equal(bits[1][:, :channels], np.abs(x) < clip)
    assert not bits[0][:, channels:].any()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            Case(1, (2, 2), 16, 16, kernel=(5, 5), padding=(1, 1)),
            "but these must be positive .* the kernel must fit in the padded image",
        ),
        (Case(1, (4, 4), 24, 16, groups=2), "groups of 12 channels, but these must be a multiple of 16"),
        (Case(1, (4, 4), 32, 15, groups=2), "the groups must divide both channels"),
        (Case(0, (4, 4), 32, 16), "received 0 images"),
        (Case(2**14, (32, 32), 16, 16), "to fit in int32"),
    ],
    ids=str,
)
def test_refused(case: Case, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        case.conv()


def test_wrong_shapes_are_refused() -> None:
    case = Case(2, (4, 4), 16, 8)
    data = _data(case)
    with pytest.raises(ValueError, match=r"gradient has shape \(2, 4, 4, 7\), but it must be \(2, 4, 4, 8\)"):
        _run(case, data._replace(gradient=np.zeros((2, 4, 4, 7), np.float32)), "portable")
    signs = np.empty((1, 1), np.uint32)
    with pytest.raises(ValueError, match="clip"):
        _engine.pack_signs(np.zeros((1, 4), np.float32), 0.0, signs, None)


@pytest.mark.parametrize("isa", _engine.isas())
def test_subnormal_numbers_count_on_every_thread(isa: str) -> None:
    """Also on a caller's thread that takes them for 0, which the other threads never do."""
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor has no such setting")
    x = np.full((10_000, 32), -1e-41, np.float32)
    for threads in (1, 2):
        signs = np.zeros((10_000, 1), np.uint32)
        torch.set_flush_denormal(True)
        try:
            _engine.pack_signs(x, 1.0, signs, None, threads, isa)
        finally:
            torch.set_flush_denormal(False)
        assert (signs == 0xFFFFFFFF).all(), threads
