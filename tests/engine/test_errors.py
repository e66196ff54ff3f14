import re

import numpy as np
import pytest
from engine_data import Geometry, Program, pack_filters, random_signs

from xnorkit import _engine

POINT = Geometry((1, 1))


def filters(rng_seed=0, out_channels=4, channels=3):
    return pack_filters(random_signs(np.random.default_rng(rng_seed), out_channels, 1, 1, channels))


def i32(weight, out_channels=4, geometry=POINT):
    program = Program("bits", 2, 2, 3)
    program.binary_conv2d_i32(0, weight, out_channels, geometry)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (filters().astype(np.int8), "'weight' has dtype int8, but it must be uint8"),
        (
            filters().astype(bool),
            "'weight' has dtype bool, but it must be float32, float16, int32, uint32, int8 or uint8",
        ),
        (filters().tolist(), "'weight' has type list, but it must be a NumPy array"),
        (None, "'weight' has type NoneType, but it must be a NumPy array"),
        (
            np.repeat(filters(), 2, axis=0)[::2],
            "'weight' is not C-contiguous, but it must be. Use numpy.ascontiguousarray",
        ),
        (filters(out_channels=5), r"'weight' has shape \(5, 1\), but it must be \(4, 1\)"),
        (filters().ravel(), r"'weight' has shape \(4,\), but it must be \(4, 1\)"),
        (
            np.full((4, 1), 0x0F, np.uint8),
            "'weight' has bits beyond the 3 of filter 0, but it must hold zeros in the last 5 bits of every row",
        ),
    ],
)
def test_weights(weight, message):
    with pytest.raises(ValueError, match=r"binary_conv2d.*" + message):
        i32(weight)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (Geometry((3, 1)), "'kernel' reaches over 3 rows, but it must reach over at most 2, "),
        (Geometry((1, 2), dilation=(1, 2)), "'kernel' reaches over 3 columns"),
        (Geometry((0, 1)), "'kernel' holds 0, but it must hold integers from 1 to"),
        (Geometry((1, 1), stride=(1, 0)), "'stride' holds 0, but it must hold integers from 1 to"),
        (Geometry((1, 1), dilation=(-1, 1)), "'dilation' holds -1, but it must hold integers from 1 to"),
        (Geometry((1, 1), padding=(0, 0, -3, 0)), "'padding' holds -3, but it must hold integers from 0 to"),
        (Geometry((1, 1), padding=(0, 0, 2**62, 0)), "'padding' holds 4611686018427387904, but it must hold"),
        (Geometry((1, 1), padding=(2**24,) * 4), "the sizes of the value are .*, but their product must be at most"),
        (Geometry((1, 1), groups=3), "'groups' is 3"),
    ],
)
def test_geometry(geometry, message):
    with pytest.raises(ValueError, match=message):
        i32(filters(), geometry=geometry)


@pytest.mark.parametrize("out_channels", [0, -1, 2**24 + 1, 2**62])
def test_out_channels(out_channels):
    with pytest.raises(ValueError, match=f"output channels is {out_channels}, but it must be from 1 to"):
        i32(filters(), out_channels=out_channels)


def test_wrong_count_of_numbers_in_a_geometry():
    with pytest.raises(TypeError):
        _engine.ConvGeometry((1, 1, 1))


@pytest.mark.parametrize(
    "threshold", [np.zeros(3, np.int32), np.zeros((2, 2, 3), np.int32), np.zeros((4, 1), np.int32)]
)
def test_threshold_shape(threshold):
    program = Program("bits", 2, 2, 3)
    with pytest.raises(ValueError, match=r"'threshold' has shape .*, but it must be \(4,\) or \(2, 2, 4\)"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, threshold, np.zeros(threshold.shape, np.uint8))


def test_flip_goes_with_the_threshold():
    program = Program("bits", 2, 2, 3)
    with pytest.raises(ValueError, match=r"'flip' has shape \(4,\), but it must be \(2, 2, 4\)"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, np.zeros((2, 2, 4), np.int32), np.zeros(4, np.uint8))
    with pytest.raises(ValueError, match="'flip' has 255 at flat index 2, but it must hold nothing but 0 and 1"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, np.zeros(4, np.int32), np.array([0, 1, 255, 0], np.uint8))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_float_parameters_are_finite(bad):
    good, wrong = np.ones(4, np.float32), np.array([1, 1, bad, 1], np.float32)
    program = Program("bits", 2, 2, 3)
    for scale, bias, name in [(wrong, good, "scale"), (good, wrong, "bias")]:
        with pytest.raises(ValueError, match=rf"'{name}' has .* at flat index 2, but it must hold finite numbers"):
            program.binary_conv2d_f32(0, filters(), 4, POINT, scale, bias)
    image = Program("image", 2, 2, 1)
    with pytest.raises(ValueError, match=r"'weight' has .* at flat index 0, but it must hold finite numbers"):
        image.float_conv2d(0, np.full((1, 1, 1, 1), bad, np.float32), np.zeros(1, np.float32), POINT)
    with pytest.raises(ValueError, match=r"table has .* at flat index 0, but it must hold finite numbers"):
        image.set_uint8_table(np.full((1, 256), bad, np.float32))


def test_pack_threshold_nan():
    program = Program("image", 2, 2, 1)
    with pytest.raises(
        ValueError, match="'threshold' has nan at flat index 0, but it must hold numbers or infinities, not NaN"
    ):
        program.pack(0, np.array([np.nan], np.float32), np.zeros(1, np.uint8))


def test_float64_is_refused():
    program = Program("image", 2, 2, 1)
    with pytest.raises(ValueError, match="pack: tensor 'threshold' has dtype float64, but it must be float32"):
        program.pack(0, np.zeros(1), np.zeros(1, np.uint8))


def test_float16_is_widened_exactly():
    """Every number of float16 as a scale; thresholds stay float32."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    program = Program("f32", 1, 1, len(halves))
    program.finish([program.affine(0, halves, None)])
    ones = np.ones((1, 1, 1, len(halves)), np.float32)
    np.testing.assert_array_equal(
        program.run(ones)[0].ravel().view(np.uint32), halves.astype(np.float32).view(np.uint32)
    )
    with pytest.raises(ValueError, match="'scale' has inf at flat index 0, but it must hold finite numbers"):
        Program("f32", 1, 1, 1).affine(0, np.float16([np.inf]), None)
    with pytest.raises(ValueError, match="pack: tensor 'threshold' has dtype float16, but it must be float32"):
        Program("f32", 1, 1, 1).pack(0, np.zeros(1, np.float16), np.zeros(1, np.uint8))


def test_names_of_operations_attributes_and_tensors():
    program = _engine.Program("f32", 2, 2, 3)
    slope = {"slope": np.ones(3, np.float32)}
    for arguments, message in [
        (("preluu", [0], {}, slope), "add: 'op' is 'preluu', but it must be one of float_conv2d, float_linear, "),
        (("prelu", [0, 0], {}, slope), "prelu: 'inputs' names 2 values, but it must name 1."),
        (("concat", [0]), "concat: 'inputs' names 1 values, but it must name 2 to 1024."),
        (("prelu", [0]), "prelu: tensors: 'slope' is missing, but it must be given."),
        (
            ("prelu", [0], {}, {**slope, "bias": slope["slope"]}),
            "prelu: tensors: 'bias' is unknown, but the keys must be slope.",
        ),
        (("prelu", [0], {"alpha": 1}, slope), "prelu: attributes: 'alpha' is unknown, but there must be no keys."),
        (("clip", [0], {"min": 0}), "clip: attributes: 'max' is missing"),
        (
            ("clip", [0], {"min": "0", "max": None}),
            "clip: attribute 'min' is a string, but it must be a float32 number.",
        ),
        (("clip", [0], {"min": 1e39, "max": None}), "clip: attribute 'min' is 1e+39, but it must be a float32 number."),
        (
            ("clip", [0], {"min": True, "max": None}),
            "clip: attribute 'min' is a boolean, but it must be a float32 number.",
        ),
        (
            ("clip", [0], {"min": object(), "max": None}),
            "clip: attribute 'min' has type object, but it must be None, a bool, an integer",
        ),
        (
            ("quantize_u8", [0], {"scale": 0.5, "zero_point": 1.0}),
            "attribute 'zero_point' is a number, but it must be an integer.",
        ),
        (
            ("activation", [0], {"function": 3}),
            "activation: attribute 'function' is an integer, but it must be a string.",
        ),
        (
            ("pad", [0], {"padding": [1, 1, 1], "channels": [0, 0]}),
            "attribute 'padding' has 3 integers, but it must have 4.",
        ),
        (
            ("pad", [0], {"padding": [1, 1, 1, 0.5], "channels": [0, 0]}),
            "pad: attribute 'padding' has type list, but it must be None",
        ),
        (
            ("pad", [0], {"padding": [1, 1, 1, 2**70], "channels": [0, 0]}),
            "pad: attribute 'padding' has type list, but it must be None",
        ),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            program.add(*arguments)
    assert program.add("prelu", [0], {}, slope) == 1


@pytest.mark.parametrize("value", [-1, 1, 100])
def test_unknown_values(value):
    program = Program("bits", 2, 2, 3)
    for call in (
        lambda: program.binary_conv2d_i32(value, filters(), 4, POINT),
        lambda: program.info(value),
        lambda: program.finish([value]),
    ):
        with pytest.raises(ValueError, match=f"received value {value}, but it must be an earlier value, from 0 to 0"):
            call()


def test_wrong_kind_of_value():
    program = Program("image", 2, 2, 3)
    with pytest.raises(
        ValueError, match=r"value 0 is f32, but it must be bits\. Add 'pack', which makes bits of f32\."
    ):
        program.binary_conv2d_i32(0, filters(), 4, POINT)
    bits = program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=f"value {bits} is bits, but it must be f32"):
        program.pack(bits, np.zeros(3, np.float32), np.zeros(3, np.uint8))


def test_order_of_calls():
    program = Program("bits", 2, 2, 3)
    with pytest.raises(ValueError, match="not finished"):
        program.run(np.zeros((1, 2, 2, 1), np.uint32))
    value = program.binary_conv2d_i32(0, filters(), 4, POINT)
    for outputs, message in [([], "no outputs"), ([0], "the input itself"), ([value, value], "twice")]:
        with pytest.raises(ValueError, match=message):
            program.finish(outputs)
    program.finish([value])
    with pytest.raises(ValueError, match="the program is finished"):
        program.finish([value])
    with pytest.raises(ValueError, match="the program is finished"):
        program.binary_conv2d_i32(0, filters(), 4, POINT)


@pytest.mark.parametrize("size", [0, -1, 2**24 + 1, 2**62])
def test_program_sizes(size):
    with pytest.raises(ValueError, match=f"height is {size}, but it must be from 1 to"):
        Program("image", size, 1, 1)
    with pytest.raises(ValueError, match=f"channels is {size}, but it must be from 1 to"):
        Program("bits", 1, 1, size)


def test_program_too_large():
    with pytest.raises(ValueError, match="but their product must be at most"):
        Program("image", 2**20, 2**20, 3)
    with pytest.raises(ValueError, match="kind is 'voxels', but it must be 'image', 'pixels', 'bits' or 'f32'"):
        Program("voxels", 1, 1, 1)


@pytest.fixture
def packer():
    program = Program("image", 4, 5, 3)
    program.finish([program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))])
    return program


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((1, 3, 4, 5)), "the input has dtype float64, but it must be float32"),
        (np.zeros((1, 3, 4, 5), np.uint8), "the input has dtype uint8, but it must be float32 images"),
        (np.zeros((1, 4, 5, 1), np.uint32), "the input has dtype uint32, but it must be float32 images"),
        (np.zeros((3, 4, 5), np.float32), r"shape \(3, 4, 5\), but it must be \(N, 3, 4, 5\)"),
        (np.zeros((1, 4, 5, 3), np.float32), r"shape \(1, 4, 5, 3\), but it must be \(N, 3, 4, 5\)"),
        (np.zeros((1, 5, 4, 3), np.float32).T, "not C-contiguous"),
        (np.zeros((1, 3, 4, 5), ">f4"), "must be a NumPy array of native byte order"),
        ("image", "has type str, but it must be a NumPy array"),
    ],
)
def test_run_inputs(packer, source, message):
    with pytest.raises(ValueError, match=message):
        packer.run(source)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("threads", [1, 2])
def test_first_bad_pixel_is_named(packer, bad, threads):
    images = np.zeros((40, 3, 4, 5), np.float32)
    images[37:, 2, 1, 4] = bad
    with pytest.raises(ValueError, match="at image 37, channel 2, row 1, column 4, but it must hold finite numbers"):
        packer.run(images, threads=threads)
    assert packer.run(np.zeros((1, 3, 4, 5), np.float32))[0].shape == (1, 4, 5, 1)


def test_input_padding_bits():
    program = Program("bits", 2, 2, 3)
    program.finish([program.binary_conv2d_i32(0, filters(), 4, POINT)])
    with pytest.raises(ValueError, match="pixel 3 of the input has bits beyond its 3 channels"):
        program.run(np.array([0, 7, 0, 8], np.uint32).reshape(1, 2, 2, 1))


def test_read_only_arrays_are_welcome(packer):
    images = np.ones((1, 3, 4, 5), np.float32)
    images.flags.writeable = False
    assert not packer.run(images)[0].any()


def test_value_info(packer):
    info = packer.info(1)
    assert info == ("bits", 4, 5, 3)
    assert (info.kind, info.height, info.width, info.channels) == ("bits", 4, 5, 3)
    assert isinstance(info, _engine.ValueInfo)
