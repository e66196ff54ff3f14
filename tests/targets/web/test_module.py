"""The module that ships: what it was built from, and what it needs of a browser."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import build_web
import pytest

from xnorkit.targets.web import engine_module

RECORD = json.loads(build_web.RECORD.read_text(encoding="utf-8"))


def test_the_record_is_that_of_the_module() -> None:
    module = engine_module()
    assert RECORD["sha256"] == hashlib.sha256(module).hexdigest()
    assert RECORD["bytes"] == len(module) <= build_web.MAX_BYTES


def test_the_sources_have_not_changed_since() -> None:
    assert build_web.fingerprint() == RECORD["sources"], "run `make web`, and commit the module"


def test_every_source_enters_the_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    for folder in ("src", "include", "web"):
        shutil.copytree(build_web.ENGINE / folder, engine / folder)
    monkeypatch.setattr(build_web, "ENGINE", engine)
    assert build_web.fingerprint() == RECORD["sources"]
    kernel = "src/kernels/binary_conv/binary_conv_2x16_wasm.cpp"
    for name in (kernel, "src/common/error.h", "web/module.cpp", "web/fused.cpp"):
        with (engine / name).open("a", encoding="utf-8") as file:
            file.write("\n")
        assert build_web.fingerprint() != RECORD["sources"]
        shutil.copyfile(build_web.ROOT / "engine" / name, engine / name)
    with (engine / "src/kernels/pack/pack_1x32_avx2.cpp").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert build_web.fingerprint() == RECORD["sources"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_what_the_module_needs_of_its_host(tmp_path: Path) -> None:
    path = tmp_path / "xnorkit.wasm"
    path.write_bytes(engine_module())
    code = (
        f"const m = new WebAssembly.Module(require('fs').readFileSync({json.dumps(str(path))}));"
        "console.log(JSON.stringify([WebAssembly.Module.imports(m), WebAssembly.Module.exports(m).map((e) => e.name)]))"
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    imports, exports = json.loads(done.stdout)
    assert {(entry["module"], entry["name"]) for entry in imports} == {
        ("xnorkit", "read_number"),
        ("xnorkit", "write_number"),
        ("xnorkit", "fused_sums"),
    }
    calls = {f"xw_{name}" for name in ("allocate", "free", "load", "describe", "class", "run", "message")}
    assert calls | {"memory"} <= set(exports)


def _needs_the_same_compiler() -> None:
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("the compiler (ziglang) is not installed")
    if RECORD["compiler"] != f"ziglang {version('ziglang')}":
        pytest.skip(f"ziglang is {version('ziglang')}; the module was built by {RECORD['compiler']}")


def test_the_sources_give_this_module(tmp_path: Path) -> None:
    _needs_the_same_compiler()
    assert build_web.build(tmp_path) == engine_module()


def test_the_wheel_holds_the_licenses_of_the_libraries_in_the_module() -> None:
    assert 'license-files = ["LICENSE", "licenses/*.txt"]' in (build_web.ROOT / "pyproject.toml").read_text("utf-8")
    for name in build_web.LICENSES:
        text = (build_web.ROOT / "licenses" / f"{name}.txt").read_text(encoding="utf-8")
        assert "WITHOUT WARRANTY OF ANY KIND" in " ".join(text.split()), name


@pytest.mark.parametrize("name", build_web.LICENSES)
def test_the_licenses_are_those_of_the_compiler(name: str) -> None:
    _needs_the_same_compiler()
    text = (build_web.ROOT / "licenses" / f"{name}.txt").read_text(encoding="utf-8")
    assert text == build_web.license_text(name)
