"""`__all__` is the truth: each name exists, nothing public is missing, the lazy names lead home."""

import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

import xnorkit

PACKAGES = [
    *("errors", "format", "runtime", "functional", "ops", "nn", "models", "data", "optim", "train"),
    *("callbacks", "metrics", "export", "inspection", "compat", "report.page", "zoo"),
]
MODULES = [m.name for m in pkgutil.walk_packages(xnorkit.__path__, "xnorkit.") if "_engine" not in m.name]


@pytest.mark.parametrize("name", PACKAGES)
def test_package_exports_exist_and_are_complete(name: str) -> None:
    module = importlib.import_module(f"xnorkit.{name}")
    exported = set(module.__all__)
    assert sorted(module.__all__) == sorted(exported), "a name stands twice"
    for attribute in exported:
        getattr(module, attribute)
    public = {
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == {attribute for attribute in exported if not attribute.startswith("_")}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports_and_has_a_docstring(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if name.startswith("xnorkit.bench.peers"):
            pytest.skip(f"{error.name} of the bench extra is not installed")
        raise
    assert module.__doc__, f"{name} has no docstring"
    for attribute in getattr(module, "__all__", []):
        getattr(module, attribute)


def test_without_torch_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import xnorkit\n"
        "try:\n    xnorkit.pack\nexcept ModuleNotFoundError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "xnorkit.pack needs torch; install it with: pip install 'xnorkit[train]'"


def test_lazy_names() -> None:
    for name in xnorkit.__all__:
        assert getattr(xnorkit, name) is not None
    assert set(dir(xnorkit)) == set(xnorkit.__all__) == {"__version__", *sum(xnorkit._NAMES.values(), ())}
    to_a_file = {"Normalization", "load", "pack", "verify", "write"}
    assert to_a_file <= set(xnorkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = xnorkit.nothing


def test_loading_a_model_imports_neither_cards_nor_summaries() -> None:
    code = "import sys, xnorkit; xnorkit.load('lenet5-digits'); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {name for name in done.stdout.split() if name.startswith("xnorkit.")}
    assert not own & {"xnorkit.format.summary", "xnorkit.zoo.cards", "xnorkit.zoo.samples"}
