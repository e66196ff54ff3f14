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
        (filters().astype(np.int8), "weight is int8; required uint8"),
        (filters().astype(bool), "weight is bool; required float32, float16, int32, uint32, int8 or uint8"),
        (filters().tolist(), "weight: received list; required a NumPy array"),
        (None, "weight: received NoneType; required a NumPy array"),
        (np.repeat(filters(), 2, axis=0)[::2], "weight: received an array that is not C-contiguous"),
        (filters(out_channels=5), r"weight has shape \(5, 1\); required \(4, 1\)"),
        (filters().ravel(), r"weight has shape \(4,\); required \(4, 1\)"),
        (np.full((4, 1), 0x0F, np.uint8), "weight of filter 0 has bits beyond its 3"),
    ],
)
def test_weights(weight, message):
    with pytest.raises(ValueError, match=r"binary_conv2d.*" + message):
        i32(weight)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (Geometry((3, 1)), "kernel spans 3 pixels of height .* padded image has 2"),
        (Geometry((1, 2), dilation=(1, 2)), "kernel spans 3 pixels of width"),
        (Geometry((0, 1)), "kernel is 0; required 1 to"),
        (Geometry((1, 1), stride=(1, 0)), "stride is 0; required 1 to"),
        (Geometry((1, 1), dilation=(-1, 1)), "dilation is -1; required 1 to"),
        (Geometry((1, 1), padding=(0, 0, -3, 0)), "padding is -3; required 0 to"),
        (Geometry((1, 1), padding=(0, 0, 2**62, 0)), "padding is 4611686018427387904; required 0 to"),
        (Geometry((1, 1), padding=(2**24,) * 4), "too large"),
        (Geometry((1, 1), groups=3), "groups is 3"),
    ],
)
def test_geometry(geometry, message):
    with pytest.raises(ValueError, match=message):
        i32(filters(), geometry=geometry)


@pytest.mark.parametrize("out_channels", [0, -1, 2**24 + 1, 2**62])
def test_out_channels(out_channels):
    with pytest.raises(ValueError, match=f"output channels is {out_channels}; required 1 to"):
        i32(filters(), out_channels=out_channels)


def test_wrong_count_of_numbers_in_a_geometry():
    with pytest.raises(TypeError):
        _engine.ConvGeometry((1, 1, 1))


@pytest.mark.parametrize(
    "threshold", [np.zeros(3, np.int32), np.zeros((2, 2, 3), np.int32), np.zeros((4, 1), np.int32)]
)
def test_threshold_shape(threshold):
    program = Program("bits", 2, 2, 3)
    with pytest.raises(ValueError, match=r"threshold has shape .*; required \(4,\) or, per position, \(2, 2, 4\)"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, threshold, np.zeros(threshold.shape, np.uint8))


def test_flip_goes_with_the_threshold():
    program = Program("bits", 2, 2, 3)
    with pytest.raises(ValueError, match=r"flip has shape \(4,\); required \(2, 2, 4\)"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, np.zeros((2, 2, 4), np.int32), np.zeros(4, np.uint8))
    with pytest.raises(ValueError, match="flip has 255 at flat index 2; required 0 or 1"):
        program.binary_conv2d_bits(0, filters(), 4, POINT, np.zeros(4, np.int32), np.array([0, 1, 255, 0], np.uint8))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_float_parameters_are_finite(bad):
    good, wrong = np.ones(4, np.float32), np.array([1, 1, bad, 1], np.float32)
    program = Program("bits", 2, 2, 3)
    for scale, bias, name in [(wrong, good, "scale"), (good, wrong, "bias")]:
        with pytest.raises(ValueError, match=rf"{name} has .* at flat index 2; required: finite values"):
            program.binary_conv2d_f32(0, filters(), 4, POINT, scale, bias)
    image = Program("image", 2, 2, 1)
    with pytest.raises(ValueError, match=r"weight has .* at flat index 0; required: finite values"):
        image.float_conv2d(0, np.full((1, 1, 1, 1), bad, np.float32), np.zeros(1, np.float32), POINT)
    with pytest.raises(ValueError, match=r"table has .* at flat index 0; required: finite values"):
        image.set_uint8_table(np.full((1, 256), bad, np.float32))


def test_pack_threshold_nan():
    program = Program("image", 2, 2, 1)
    with pytest.raises(ValueError, match="threshold has nan at flat index 0"):
        program.pack(0, np.array([np.nan], np.float32), np.zeros(1, np.uint8))


def test_float64_is_refused():
    program = Program("image", 2, 2, 1)
    with pytest.raises(ValueError, match="pack: threshold is float64; required float32"):
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
    with pytest.raises(ValueError, match="scale has inf at flat index 0; required: finite values"):
        Program("f32", 1, 1, 1).affine(0, np.float16([np.inf]), None)
    with pytest.raises(ValueError, match="pack: threshold is float16; required float32"):
        Program("f32", 1, 1, 1).pack(0, np.zeros(1, np.float16), np.zeros(1, np.uint8))


def test_names_of_operations_attributes_and_tensors():
    program = _engine.Program("f32", 2, 2, 3)
    slope = {"slope": np.ones(3, np.float32)}
    for arguments, message in [
        (("preluu", [0], {}, slope), "received the operation 'preluu'; required: one of float_conv2d, float_linear, "),
        (("prelu", [0, 0], {}, slope), "prelu: received 2 values to read; required 1"),
        (("concat", [0]), "concat: received 1 values to read; required 2 to 1024"),
        (("prelu", [0]), "prelu: the tensor 'slope' is missing"),
        (("prelu", [0], {}, {**slope, "bias": slope["slope"]}), "prelu: the tensor 'bias' is unknown; required: slope"),
        (("prelu", [0], {"alpha": 1}, slope), "prelu: the attribute 'alpha' is unknown; required: none"),
        (("clip", [0], {"min": 0}), "clip: the attribute 'max' is missing"),
        (("clip", [0], {"min": "0", "max": None}), "clip: attribute 'min' is not a float32 number"),
        (("clip", [0], {"min": 1e39, "max": None}), "clip: attribute 'min' is not a float32 number"),
        (("clip", [0], {"min": True, "max": None}), "clip: attribute 'min' is not a float32 number"),
        (
            ("clip", [0], {"min": object(), "max": None}),
            "clip: min: received object; required None, a bool, an integer",
        ),
        (("quantize_u8", [0], {"scale": 0.5, "zero_point": 1.0}), "attribute 'zero_point' is not an integer"),
        (("activation", [0], {"function": 3}), "activation: attribute 'function' is not a string"),
        (("pad", [0], {"padding": [1, 1, 1], "channels": [0, 0]}), "attribute 'padding' is not a list of 4 integers"),
        (("pad", [0], {"padding": [1, 1, 1, 0.5], "channels": [0, 0]}), "pad: padding: received list; required None"),
        (("pad", [0], {"padding": [1, 1, 1, 2**70], "channels": [0, 0]}), "pad: padding: received list; required None"),
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
        with pytest.raises(ValueError, match=f"received value {value}; required an earlier value, 0 to 0"):
            call()


def test_wrong_kind_of_value():
    program = Program("image", 2, 2, 3)
    with pytest.raises(ValueError, match=r"value 0 is f32; required bits. pack makes bits"):
        program.binary_conv2d_i32(0, filters(), 4, POINT)
    bits = program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match=f"value {bits} is bits; required f32"):
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
    with pytest.raises(ValueError, match=f"height is {size}; required 1 to"):
        Program("image", size, 1, 1)
    with pytest.raises(ValueError, match=f"channels is {size}; required 1 to"):
        Program("bits", 1, 1, size)


def test_program_too_large():
    with pytest.raises(ValueError, match="whose product is too large"):
        Program("image", 2**20, 2**20, 3)
    with pytest.raises(ValueError, match="received 'voxels'; required 'image', 'pixels', 'bits' or 'f32'"):
        Program("voxels", 1, 1, 1)


@pytest.fixture
def packer():
    program = Program("image", 4, 5, 3)
    program.finish([program.pack(0, np.zeros(3, np.float32), np.zeros(3, np.uint8))])
    return program


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((1, 3, 4, 5)), "the input is float64; required float32"),
        (np.zeros((1, 3, 4, 5), np.uint8), "the input is uint8; required float32 images"),
        (np.zeros((1, 4, 5, 1), np.uint32), "the input is uint32; required float32 images"),
        (np.zeros((3, 4, 5), np.float32), r"shape \(3, 4, 5\); required \(N, 3, 4, 5\)"),
        (np.zeros((1, 4, 5, 3), np.float32), r"shape \(1, 4, 5, 3\); required \(N, 3, 4, 5\)"),
        (np.zeros((1, 5, 4, 3), np.float32).T, "not C-contiguous"),
        (np.zeros((1, 3, 4, 5), ">f4"), "required a NumPy array of native byte order"),
        ("image", "received str; required a NumPy array"),
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
    with pytest.raises(ValueError, match="at image 37, channel 2, row 1, column 4; required: finite values"):
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
