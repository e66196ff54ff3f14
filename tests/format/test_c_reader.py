"""The C library reads what the Python reader reads, with the same results, and refuses what that refuses."""

import ctypes
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from c_library import ARGUMENT_ERROR, FILE_ERROR, RefusedError, load_memory, load_path, shared_library
from handwritten import HandFile
from hostile import HOSTILE
from must_cases import CASES
from mutations import corpus, mutated
from numpy.typing import NDArray
from test_must import NOT_SAFETENSORS

import xnorkit
from xnorkit import _engine
from xnorkit.errors import FormatError
from xnorkit.format import Limits
from xnorkit.format.file import from_bytes, to_bytes
from xnorkit.runtime import Model
from xnorkit.zoo import list_pretrained, path, sample

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the library is built for Linux here")
SEEDS = 400
# Rules of a node that the engine checks in another order, or in words of its own, and what holds values of Python.
OTHER_WORDS = {
    *("F-10", "F-12", "F-18", "F-23", "F-28", "F-29", "F-30", "F-31", "F-32", "F-33", "F-34", "F-35", "F-36", "F-38"),
    *("F-39", "F-40", "F-42", "F-44", "F-45", "F-47", "F-48", "F-49", "F-58", "F-61", "F-63", "F-67", "F-68", "F-69"),
    "F-70",
}


def refusal_of(content: bytes, **options: Any) -> str:
    """Return the text of the library's refusal: one bounded, printable line of sentences."""
    with pytest.raises(RefusedError) as caught:
        load_memory(content, **options)
    text = str(caught.value)
    assert caught.value.status == FILE_ERROR, text
    assert ", but " in text, text
    assert text.endswith("."), text
    assert text.isprintable()
    assert len(text) < 1200
    return text


def images_of(model: Model, dtype: type[np.generic]) -> NDArray[Any]:
    rng = np.random.default_rng(5)
    shape = (3, *model.input_shape)
    return rng.integers(0, 256, shape, np.uint8) if dtype is np.uint8 else rng.standard_normal(shape).astype(np.float32)


def check_equal(content: bytes, model: Model) -> None:
    """Both readers' models: the same description, and the same bits from images of both types."""
    ours = load_memory(content, max_work=-1, max_values=-1, max_plan=-1, max_padding=-1, max_nodes=-1, max_header=-1)
    spec = model.graph.input
    assert (ours.input.channels, ours.input.height, ours.input.width) == model.input_shape
    assert (ours.input.takes_floats, ours.input.takes_pixels) == (spec.takes_floats, spec.takes_pixels)
    assert ours.input.dynamic == spec.dynamic
    assert ours.classes() == model.classes
    for dtype, taken in ((np.float32, spec.takes_floats), (np.uint8, spec.takes_pixels)):
        images = images_of(model, dtype)
        if taken:
            np.testing.assert_array_equal(ours(images).view(np.uint32), model(images).view(np.uint32))
        else:
            with pytest.raises(RefusedError, match=", but they must be ") as caught:
                ours(images)
            assert caught.value.status == ARGUMENT_ERROR


@pytest.mark.parametrize("name", list_pretrained())
def test_shipped_models_return_the_stored_logits(name: str) -> None:
    model = load_path(bytes(path(name)))
    stored = sample(name)
    np.testing.assert_array_equal(model(stored.images).view(np.uint32), stored.logits.view(np.uint32))
    check_equal(path(name).read_bytes(), Model(from_bytes(path(name).read_bytes())))


@pytest.mark.parametrize(("name", "content"), corpus(), ids=[name for name, _ in corpus()])
def test_every_operation_returns_the_same_bits(name: str, content: bytes) -> None:
    check_equal(content, Model(from_bytes(content)))


@pytest.mark.parametrize(("number", "broken", "message"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_broken_rule(number: str, broken: Callable[[HandFile], Any], message: str) -> None:
    """RefusedError for the rule itself: the checksum of these files is right. What must be is said as in Python."""
    load_memory(HandFile().to_bytes())
    file = HandFile()
    broken(file)
    text = refusal_of(file.to_bytes())
    assert ("checksum" in text) == (number == "F-18")
    if number not in OTHER_WORDS:
        assert text.rpartition(", but ")[2] == message.rpartition(", but ")[2]


@pytest.mark.parametrize("case", NOT_SAFETENSORS)
def test_not_a_whole_safetensors_file(case: str) -> None:
    assert refusal_of(NOT_SAFETENSORS[case]).startswith("the content is not a complete safetensors file (")


@pytest.mark.parametrize("kind", HOSTILE)
def test_limits(kind: str) -> None:
    """The same limit as in Python; what it names lets the file past it."""
    limit, graph = HOSTILE[kind]
    content = to_bytes(graph())
    assert f"raise the limit max_{limit}" in refusal_of(content)


@pytest.mark.parametrize("name", [name for name, _ in corpus()])
def test_figures_of_demand_are_those_of_python(name: str) -> None:
    """Every limit, just met and just missed."""
    content = dict(corpus())[name]
    for limit in ("plan", "work", "values"):
        most = 2**40
        least = 0
        while most - least > 1:  # the smallest limit that Python lets the file pass
            middle = (most + least) // 2
            try:
                from_bytes(content, limits=Limits(**{limit: middle}))
                most = middle
            except FormatError:
                least = middle
        load_memory(content, **{f"max_{limit}": most})
        if most > 1:
            assert f"max_{limit}" in refusal_of(content, **{f"max_{limit}": most - 1})


def test_altered_files_have_the_same_verdict() -> None:
    counts = {"ran": 0, "refused": 0}
    for seed in range(SEEDS):
        name, content = mutated(seed)
        try:
            model: Model | None = Model(from_bytes(content))
        except FormatError:
            model = None
        if model is None:
            try:
                refusal_of(content)
            except BaseException as error:
                raise AssertionError(f"{name}: Python refuses it, and C does not") from error
        elif all(size <= 2**16 for size in model.input_shape):
            check_equal(content, model)
        counts["refused" if model is None else "ran"] += 1
    assert min(counts.values()) > SEEDS / 10


def test_every_prefix_is_refused() -> None:
    whole = HandFile().to_bytes()
    for end in range(len(whole)):
        refusal_of(whole[:end])


def test_names_are_printable_as_in_python() -> None:
    """The first and last characters of each run of one category."""
    categories = {"Cc", "Cf", "Co", "Zl", "Zp", "Zs"}
    hidden = [c == " " or unicodedata.category(c) not in categories for c in map(chr, range(0x110000))]
    edges = [c + d for c in range(1, 0x110000) if hidden[c] != hidden[c - 1] for d in (-1, 0)]
    for code in edges:
        if unicodedata.category(chr(code)) in ("Cs", "Cn"):
            continue  # no character, or one of a newer Unicode than Python's
        file = HandFile()
        file.document["name"] = f"a{chr(code)}"
        if hidden[code]:
            load_memory(file.to_bytes())
        else:
            assert "printable" in refusal_of(file.to_bytes())


def test_bytes_need_no_alignment() -> None:
    content = path("lenet5-mnist").read_bytes()
    stored = sample("lenet5-mnist")
    library = shared_library()
    for offset in range(1, 4):
        memory = b"\0" * offset + content
        buffer = np.frombuffer(memory, np.uint8)[offset:]
        handle = ctypes.c_void_p()
        pointer = ctypes.cast(buffer.ctypes.data, ctypes.c_char_p)
        assert library.xnorkit_load_memory(pointer, len(content), None, ctypes.byref(handle)) == 0
        library.xnorkit_free(handle)
    assert load_memory(content)(stored.images).shape == stored.logits.shape


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"isa": b"sse9"}, "isa is 'sse9', but it must be one that this CPU and build have: "),
        ({"threads": 257}, "threads is 257, but it must be from 1 to 256"),
        ({"threads": -1}, "threads is -1, but it must be from 1 to 256"),
        ({"height": -1}, "height is -1 and width is 0, but each must be at least 1"),
        ({"max_work": -2}, "max_work is -2, but it must be -1 for no limit"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        load_memory(HandFile().to_bytes(), **options)
    assert caught.value.status == ARGUMENT_ERROR
    assert message in str(caught.value)


@pytest.mark.parametrize("isa", _engine.isas())
def test_every_instruction_set_and_number_of_threads(isa: str) -> None:
    stored = sample("lenet5-digits")
    for threads in (1, 2):
        model = load_path(bytes(path("lenet5-digits")), isa=isa.encode(), threads=threads)
        np.testing.assert_array_equal(model(stored.images).view(np.uint32), stored.logits.view(np.uint32))


def test_images_of_another_size() -> None:
    content = dict(corpus())["dynamic"]
    model = Model(from_bytes(content))
    height, width = model.input_shape[1] + 3, model.input_shape[2] + 1
    ours = load_memory(content, height=height, width=width)
    images = np.random.default_rng(1).standard_normal((2, model.input_shape[0], height, width), np.float32)
    np.testing.assert_array_equal(ours(images).view(np.uint32), model(images).view(np.uint32))
    assert "size is fixed" in refusal_of(HandFile().to_bytes(), height=5)


def test_null_pointers_and_bad_images() -> None:
    library = shared_library()
    content = HandFile().to_bytes()
    model = load_memory(content)
    image = np.zeros((1, 1, 4, 4), np.float32)
    out = np.zeros(2, np.float32)
    pointers = (model.handle, 0, image.ctypes.data, 1, out.ctypes.data)
    assert library.xnorkit_run(*pointers) == 0
    for place, wrong in ((0, None), (2, None), (4, None), (1, 7), (3, 0)):
        arguments = [*pointers[:place], wrong, *pointers[place + 1 :]]
        assert library.xnorkit_run(*arguments) == ARGUMENT_ERROR
        assert b", but it must " in library.xnorkit_error()
    for call in (
        lambda: library.xnorkit_input(None, None),
        lambda: library.xnorkit_output(model.handle, None),
        lambda: library.xnorkit_load(None, None, None),
        lambda: library.xnorkit_load_memory(content, len(content), None, None),
    ):
        assert call() == ARGUMENT_ERROR
    library.xnorkit_free(None)
    image[0, 0, 1, 2] = np.nan
    with pytest.raises(RefusedError, match="nan at image 0, channel 0, row 1, column 2, but it must hold finite"):
        model(image)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "empty.xnor").write_bytes(b"")
    for name, message in (("none.xnor", "cannot be read"), ("", "is not a regular file"), ("empty.xnor", "0 bytes")):
        with pytest.raises(RefusedError, match=message) as caught:
            load_path(bytes(tmp_path / name))
        assert caught.value.status == FILE_ERROR
        assert str(tmp_path) in str(caught.value)


def test_version() -> None:
    assert shared_library().xnorkit_version().decode() == xnorkit.__version__
