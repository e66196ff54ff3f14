"""Pixels or floats into a file of each kind of input: engine, interpreter, C and ONNX read them alike, or refuse."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from input_kinds import KINDS, SHAPE, network, packed

from xnorkit.errors import InputError
from xnorkit.export import pack
from xnorkit.format import Graph, Preparation, as_floats, in_words, read, write
from xnorkit.nn.quantize_model import quantize_first_last_
from xnorkit.proof.interpret import interpret
from xnorkit.runtime import Model, load
from xnorkit.targets.c import write_c

PIXELS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)
FLOATS = np.random.default_rng(2).standard_normal((5, *SHAPE), dtype=np.float32)
PIXEL_KINDS = [kind for kind in KINDS if kind not in ("prepared", "unknown")]


def torch_answer(images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network()(torch.from_numpy(images)).numpy()


def close(found: np.ndarray, wanted: np.ndarray) -> bool:
    return np.allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", KINDS)
def test_float_images_are_the_networks_own(kind: str, tmp_path: Path) -> None:
    write(tmp_path / "m.xnor", packed(kind))
    model = load(tmp_path / "m.xnor")
    assert model.graph.input == packed(kind).input
    assert close(model(FLOATS), torch_answer(FLOATS))
    assert np.allclose(interpret(model.graph, FLOATS)["3"].reshape(5, -1), model(FLOATS), atol=1e-4)


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_pixels_are_prepared_as_the_file_says(kind: str) -> None:
    graph = packed(kind)
    model = Model(graph)
    prepared = as_floats(PIXELS, graph.input)
    assert np.array_equal(model(PIXELS), model(prepared))
    assert np.array_equal(model(torch.from_numpy(PIXELS)), model(prepared))
    assert close(model(PIXELS), torch_answer(prepared))
    assert np.array_equal(interpret(graph, PIXELS, ["input"])["input"].transpose(0, 3, 1, 2), prepared)
    assert np.array_equal(model.trace(PIXELS)["0"], model.trace(prepared)["0"])


def test_kinds_give_different_answers_to_the_same_pixels() -> None:
    """So that a preparation which is left out would be seen."""
    answers = [Model(packed(kind))(PIXELS) for kind in PIXEL_KINDS]
    for i, a in enumerate(answers):
        assert all(np.abs(a - b).max() > 0.01 for b in answers[:i])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("prepared", r"but they must be float32, prepared .* takes prepared floats \(whitened\), no pixels"),
        ("unknown", "but they must be float32, normalised as in training: .* without a normalisation"),
    ],
)
def test_pixels_are_refused(kind: str, words: str) -> None:
    graph = packed(kind)
    with pytest.raises(InputError, match=f"^images are uint8, {words}"):
        Model(graph)(PIXELS)
    with pytest.raises(InputError, match="images are uint8, but they must be the other type: the input is "):
        interpret(graph, PIXELS)


def eight_bit(preparation: Preparation) -> Graph:
    model = network()
    quantize_first_last_(model, first=True, last=False, mean=[0.4, 0.5, 0.6], std=[1 / 255] * 3)
    return pack(model.eval(), SHAPE, preparation=preparation)


@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_pixels_for_an_8_bit_first_layer(kind: str) -> None:
    graph = eight_bit(KINDS[kind][1])
    assert graph.input.kind == "u8"
    model = Model(graph)
    prepared = as_floats(PIXELS, graph.input)
    assert np.array_equal(model(PIXELS), model(prepared))
    value = interpret(graph, PIXELS, ["input"])["input"]
    assert np.array_equal(value, interpret(graph, prepared, ["input"])["input"])
    assert np.array_equal(model.trace(PIXELS)[graph.nodes[0].name], model.trace(prepared)[graph.nodes[0].name])


def test_prepared_floats_for_an_8_bit_first_layer() -> None:
    graph = eight_bit(Preparation(prepared="whitened"))
    assert (graph.input.takes_pixels, graph.input.takes_floats) == (False, True)
    assert Model(graph)(FLOATS).shape == (5, 10)
    with pytest.raises(InputError, match="whitened"):
        Model(graph)(PIXELS)


@pytest.mark.skipif(shutil.which("make") is None or shutil.which("cc") is None, reason="needs make and a C compiler")
@pytest.mark.parametrize("kind", KINDS)
def test_c_reads_pixels_as_the_engine_does(kind: str, tmp_path: Path) -> None:
    graph = packed(kind)
    write_c(tmp_path, graph)
    header = (tmp_path / "model.h").read_text(encoding="utf-8")
    assert in_words(graph.input) in header
    assert ("void model_run_u8" in header) == graph.input.takes_pixels
    run = ["make", "-s", "-C", str(tmp_path)]
    assert "equal bit for bit" in subprocess.run(run, capture_output=True, text=True, check=True).stdout
    if not graph.input.takes_pixels:
        assert "There is no model_run_u8: pixels have to be prepared first." in header
        return
    assert "model_run_u8 takes pixels 0 to 255, red, green, blue, rows from top to bottom." in header
    _pixel_program(tmp_path)
    wanted = Model(graph, isa="reference")(PIXELS[:1])[0].view(np.uint32)
    assert [int(word) for word in subprocess.check_output(run, text=True).split()] == wanted.tolist()


@pytest.mark.skipif(shutil.which("make") is None or shutil.which("cc") is None, reason="needs make and a C compiler")
@pytest.mark.parametrize(
    "preparation", [Preparation("bgr", True), Preparation("bgr", mean_image=KINDS["bgr-mean-image"][1].mean_image)]
)
def test_c_with_an_8_bit_first_layer(preparation: Preparation, tmp_path: Path) -> None:
    graph = eight_bit(preparation)
    write_c(tmp_path, graph)
    header = (tmp_path / "model.h").read_text(encoding="utf-8")
    if preparation.mean_image is not None:
        assert "There is no model_run_u8" in header
        return
    run = ["make", "-s", "-C", str(tmp_path)]
    _pixel_program(tmp_path)
    wanted = Model(graph, isa="reference")(PIXELS[:1])[0].view(np.uint32)
    assert [int(word) for word in subprocess.check_output(run, text=True).split()] == wanted.tolist()


def _pixel_program(folder: Path) -> None:
    """Put a main.c that runs model_run_u8 on the first image and prints the bits of the outputs."""
    numbers = ", ".join(map(str, PIXELS[0].ravel()))
    (folder / "main.c").write_text(
        '#include <stdio.h>\n#include <string.h>\n#include "model.h"\n'
        f"static const uint8_t image[] = {{{numbers}}};\n"
        "int main(void) {\n  float y[MODEL_OUTPUTS];\n  uint32_t b[MODEL_OUTPUTS];\n  model_run_u8(image, y);\n"
        '  memcpy(b, y, sizeof b);\n  for (int i = 0; i < MODEL_OUTPUTS; ++i) printf("%lu ", (unsigned long)b[i]);\n'
        "  return 0;\n}\n",
        encoding="utf-8",
    )


def test_a_word_that_would_end_a_comment_does_not(tmp_path: Path) -> None:
    graph = packed("prepared")
    word = '*/ #error "out" /*'
    graph = replace(graph, input=replace(graph.input, preparation=Preparation(prepared=word)))
    write_c(tmp_path, graph)
    header = (tmp_path / "model.h").read_text(encoding="utf-8")
    assert header.count("*/") == header.count("/*")
    assert "prepared floats (* / #error" in header


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_says_what_its_images_are(kind: str) -> None:
    pytest.importorskip("onnx")
    from xnorkit.targets.onnx import to_onnx

    graph = packed(kind)
    model = to_onnx(graph)
    assert {entry.key: entry.value for entry in model.metadata_props} == {"xnorkit.input": in_words(graph.input)}
    words = model.graph.input[0].doc_string
    assert words == f"float32 images as in training, made from {in_words(graph.input)}"


@pytest.mark.parametrize("preparation", [Preparation(), Preparation("bgr"), Preparation("bgr", True)])
def test_onnx_that_reads_pixels_takes_them_as_the_engine_does(preparation: Preparation) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from xnorkit.targets.onnx import to_onnx

    graph = eight_bit(preparation)
    graph = replace(graph, input=replace(graph.input, normalization=None))
    model = to_onnx(graph)
    assert model.graph.input[0].doc_string == "uint8 pixels (red, green, blue)"
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert close(session.run(None, {"images": PIXELS})[0], Model(graph)(PIXELS))


def test_a_mean_image_survives_the_file(tmp_path: Path) -> None:
    graph = packed("bgr-mean-image")
    write(tmp_path / "m.xnor", graph)
    again = read(tmp_path / "m.xnor")
    assert again.input == graph.input
    content = bytearray((tmp_path / "m.xnor").read_bytes())
    mean = KINDS["bgr-mean-image"][1].mean_image
    assert mean is not None
    place = bytes(content).index(mean.tobytes())
    content[place] ^= 1
    (tmp_path / "m.xnor").write_bytes(bytes(content))
    with pytest.raises(Exception, match="it was altered"):
        read(tmp_path / "m.xnor")
