"""What a name means: a file, a trained model, an architecture."""

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from xnorkit import zoo
from xnorkit.bench.subjects import load_subject, packed_file
from xnorkit.errors import InputError, RecipeError
from xnorkit.models import create_model
from xnorkit.runtime import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo whose one model has the name of an architecture, and an empty working directory."""
    folder, here = tmp_path / "zoo", tmp_path / "here"
    here.mkdir()
    folder.mkdir()
    for suffix in (".xnor", ".json", ".npz"):
        shutil.copy(zoo.path("lenet5-digits").with_suffix(suffix), folder / f"lenet5{suffix}")
    monkeypatch.setattr("xnorkit.zoo.files.FOLDER", folder)
    monkeypatch.chdir(here)
    return folder


def test_a_file_comes_first(clash: Path) -> None:
    assert zoo.find("lenet5") == clash / "lenet5.xnor"
    Path("lenet5").touch()
    assert zoo.find("lenet5") == Path("lenet5")
    assert zoo.find("lenet5.xnor") == Path("lenet5.xnor")
    assert zoo.find(Path("there") / "lenet5") == Path("there/lenet5")


def test_unknown_names(clash: Path) -> None:
    with pytest.raises(InputError, match=r"'lenet6', and no trained model has that name. Did you mean lenet5\?"):
        load("lenet6")
    with pytest.raises(InputError, match=r"no trained model 'x'. The trained models are: lenet5"):
        create_model("x", pretrained=True)
    with pytest.raises(InputError, match=r"Did you mean lenet5\?"):
        load("LeNet5-")
    with pytest.raises(InputError, match="no weights: train it, then export it"):
        load("resnet18")
    for nothing in ("", 3):
        with pytest.raises(InputError, match="but it must be the path of a file, or the name"):
            load(nothing)  # type: ignore[arg-type]
    for suffix in (".xnor", ".json", ".npz"):
        (clash / f"lenet5{suffix}").unlink()
    with pytest.raises(InputError, match="This installation has none"):
        zoo.path("x")


def test_patterns(clash: Path) -> None:
    assert zoo.list_pretrained() == zoo.list_pretrained("len*") == ["lenet5"]
    assert zoo.list_pretrained("*cifar10") == []


def test_an_architecture_of_that_name(clash: Path) -> None:
    assert packed_file("lenet5") is None
    assert packed_file("lenet5", pretrained=True) == clash / "lenet5.xnor"
    assert packed_file("a/b.xnor") == Path("a/b.xnor")
    assert load("lenet5").graph.metadata["name"] == "lenet5-digits"
    assert load_subject("lenet5").trained is not None
    packed = load_subject("lenet5", pretrained=True)
    assert packed.trained is None
    assert packed.graph.metadata["name"] == "lenet5-digits"
    with pytest.raises(InputError, match="needs a model by name"):
        load_subject("lenet5", "bwn", pretrained=True)


def test_a_trained_model_is_no_architecture() -> None:
    with pytest.raises(RecipeError, match=r"'lenet5-digits' must be an architecture.*pretrained=True"):
        create_model("lenet5-digits")


def test_a_name_of_its_own() -> None:
    assert packed_file("lenet5-digits") == zoo.path("lenet5-digits")


def test_loading_by_name_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import xnorkit; from xnorkit import zoo\n"
        "s = zoo.sample('lenet5-digits'); m = xnorkit.load('lenet5-digits')\n"
        "print((m(s.images) == s.logits).all())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.skipif(not find_spec("scikit_build_core"), reason="scikit-build-core is not installed")
@pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="not a checkout")
def test_the_files_are_in_the_wheel(tmp_path: Path) -> None:
    # Without CMake: the compiled module is not what is asked about.
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*build, "-C", "wheel.cmake=false", "-C", "wheel.py-api=py3", "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    for name in zoo.list_pretrained():
        assert {f"xnorkit/zoo/{name}{suffix}" for suffix in (".xnor", ".json", ".npz")} <= held
