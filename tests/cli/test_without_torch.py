"""Commands that need only the runtime and the extra [cli], each run where nothing else is installed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from make_data import make_mnist
from PIL import Image

BARE = Path(__file__).resolve().parents[1] / "shared" / "bare_environment.py"


def bare(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, BARE, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done


def rows(*arguments: object) -> list[dict]:
    return json.loads(bare(*arguments, "--json").stdout)


def test_torch_is_hidden() -> None:
    line = bare("train", "lenet5-digits", code=2).stderr
    assert "are not installed; install them with: pip install 'xnorkit[train]'" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "names", "extras"),
    [
        ("report --quick", "matplotlib, Jinja2, PyTorch, Lightning, scikit-learn, pydantic, which are", "report,train"),
        ("report --from FOLDER", "matplotlib, Jinja2, which are", "report"),
        ("demo", "PyTorch, Lightning, scikit-learn, which are", "train"),
        ("train lenet5-digits", "PyTorch, Lightning, pydantic, which are", "train"),
        ("sweep lenet5-digits seed=0,1", "PyTorch, Lightning, pydantic, Optuna, which are", "sweep"),
        ("bench training lenet5", "PyTorch, which is", "train"),
        ("bench model lenet5-mnist --roofline a.svg", "matplotlib, which is", "report"),
        ("evaluate lenet5-digits", "scikit-learn, which is", "digits"),
        ("export lenet5-mnist --to onnx -o a.onnx", "onnx, which is", "onnx"),
    ],
)
def test_what_is_missing_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, names: str, extras: str
) -> None:
    monkeypatch.chdir(tmp_path)
    line = bare(*command.split(), code=2).stderr
    assert line.startswith(f"error: this command needs {names} not installed; install ")
    assert line.endswith(f" with: pip install 'xnorkit[{extras}]'\n")
    assert line.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_models_and_recipes_are_listed() -> None:
    from xnorkit.models import binarizations, list_models
    from xnorkit.train import list_recipes, load_recipe

    models = rows("models")
    assert [row["model"] for row in models] == list_models()
    assert all(row["binarizations"] == list(binarizations(row["model"])) for row in models)
    assert "params" not in models[0], "counting makes the model, which needs torch"
    assert "binarizations, default first" in bare("models", "lenet*").stdout
    wanted = [{"recipe": name, "description": load_recipe(name).description} for name in list_recipes()]
    assert rows("recipes") == wanted
    assert "lenet5-mnist" in [row["name"] for row in rows("models", "--pretrained")]


def test_inspect() -> None:
    assert "multiply-adds" in bare("inspect", "lenet5-mnist").stdout
    assert "first layer" in bare("inspect", "lenet5-mnist", "--explain").stdout


def test_an_architecture_needs_torch() -> None:
    assert "needs PyTorch, which is not installed" in bare("inspect", "lenet5", code=2).stderr


def test_predict(tmp_path: Path) -> None:
    picture = tmp_path / "digit.png"
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(picture)
    assert len(rows("predict", "lenet5-mnist", picture)["predictions"]) == 1
    samples = rows("predict", "lenet5-mnist", "--sample")["predictions"]
    assert all(sample["classes"][0]["class"] == sample["label"] for sample in samples)


def test_evaluate(tmp_path: Path) -> None:
    make_mnist(tmp_path)
    found = rows("evaluate", "lenet5-mnist", "--data", tmp_path, "--per-class")
    assert (found["images"], found["split"], len(found["per_class"])) == (10_000, "test (official)", 10)
    assert sum(row["images"] for row in found["per_class"]) == 10_000


def test_photographs_need_torch(tmp_path: Path) -> None:
    line = bare("evaluate", "resnet18-cifar10", "--data-name", "imagefolder", "--data", tmp_path, code=2).stderr
    assert "needs PyTorch, which is not installed" in line


@pytest.mark.parametrize("command", ["model lenet5-mnist --against all", "kernels --shapes lenet5", "peaks"])
def test_bench(command: str) -> None:
    found = rows("bench", *command.split(), "--seconds", 0.02, "--threads", 1)
    assert found


def test_export_to_c(tmp_path: Path) -> None:
    bare("export", "lenet5-mnist", "--to", "c", "-o", tmp_path / "program")
    assert (tmp_path / "program" / "model.c").is_file()


def test_export_to_onnx_names_its_package(tmp_path: Path) -> None:
    done = bare("export", "lenet5-mnist", "--to", "onnx", "-o", tmp_path / "model.onnx", code=2)
    assert "pip install 'xnorkit[onnx]'" in done.stderr
    assert not list(tmp_path.iterdir())
