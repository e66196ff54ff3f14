"""The library as `cmake --install` leaves it: its files, its names, and programs that find and use it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from c_library import cmake, native_build

from xnorkit.runtime import load
from xnorkit.zoo import path, sample

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "cpp"
MOST_BYTES = 3 * 2**19  # 1.5 MiB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the library is built for Linux here")


def run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prefix")
    with native_build() as build:
        run(cmake(), "--install", build, "--component", "library", "--prefix", folder)
    return folder


def test_the_files(prefix: Path) -> None:
    names = {file.relative_to(prefix).as_posix() for file in prefix.rglob("*") if file.is_file()}
    library = next(name for name in names if re.fullmatch(r"lib\w*(/[\w-]+)?/libxnorkit\.so\.\d+\.\d+\.\d+", name))
    folder = library.rpartition("/")[0]
    package = {f"{folder}/cmake/xnorkit/xnorkit-{part}.cmake" for part in ("config", "config-version", "targets")}
    headers = {"include/xnorkit/xnorkit.h", "include/xnorkit/model.h"}
    required = {library, f"{folder}/libxnorkit.so", f"{folder}/libxnorkit.so.0", f"{folder}/libxnorkit.a"}
    assert names >= required | package | headers
    assert {name for name in names if "include/" in name} == headers
    assert (prefix / library).stat().st_size <= MOST_BYTES


def test_the_names_are_those_of_the_header(prefix: Path) -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm is not installed")
    (library,) = prefix.rglob("libxnorkit.so")
    exported = {line.split()[-1] for line in run(nm, "-D", "--defined-only", library).splitlines()}
    header = (ROOT / "engine" / "include" / "xnorkit" / "xnorkit.h").read_text(encoding="utf-8")
    assert exported == set(re.findall(r"XNORKIT_API [\w* ]+?(xnorkit_\w+)\(", header))


@pytest.mark.parametrize("target", ["xnorkit::xnorkit", "xnorkit::static"])
def test_the_example_classifies_as_python_does(prefix: Path, tmp_path: Path, target: str) -> None:
    source = tmp_path / "example"
    shutil.copytree(EXAMPLE, source)
    recipe = source / "CMakeLists.txt"
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("xnorkit::xnorkit", target), encoding="utf-8")
    build = tmp_path / "build"
    ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
    run(cmake(), "-S", source, "-B", build, *ninja, f"-DCMAKE_PREFIX_PATH={prefix}")
    run(cmake(), "--build", build)
    stored = sample("lenet5-mnist")
    for image, logits in zip(stored.images[:5], stored.logits[:5], strict=True):
        picture = tmp_path / "digit.pgm"
        picture.write_bytes(b"P5 28 28 255 " + image.tobytes())
        printed = run(build / "classify", path("lenet5-mnist"), picture)
        found = re.fullmatch(r"(\d) \(logit (\S+)\)\n", printed)
        assert found is not None, printed
        assert int(found[1]) == logits.argmax()
        assert np.float32(found[2]) == logits.max()
    for arguments in ([], [tmp_path / "none.xnor", picture], [path("lenet5-mnist"), recipe]):
        done = subprocess.run([build / "classify", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert re.search(r", but .*\.$|^pass .*\.$", done.stderr)


def test_a_program_in_c(prefix: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    header = (ROOT / "engine" / "include" / "xnorkit" / "xnorkit.h").read_text(encoding="utf-8")
    lines = [line.removeprefix(" *     ") for line in header.splitlines() if line.startswith(" *     ")]
    assert lines[0].startswith("xnorkit_model* model;")
    program = tmp_path / "program.c"
    body = "\n".join(lines).replace("lenet5-mnist.xnor", str(path("lenet5-mnist")))
    program.write_text(
        f"#include <stdio.h>\n#include <xnorkit/xnorkit.h>\nint main(void) {{\n{body}\n"
        'for (int i = 0; i < 10; ++i) printf("%.9g\\n", (double)logits[i]);\nreturn 0;\n}\n'
    )
    (library,) = prefix.rglob("libxnorkit.so")
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    output = tmp_path / "program"
    run(compiler, *strict, program, f"-I{prefix / 'include'}", library, f"-Wl,-rpath,{library.parent}", "-o", output)
    logits = np.array([float(line) for line in run(output).split()], np.float32)
    expected = load("lenet5-mnist")(np.zeros((1, 1, 28, 28), np.uint8))[0]
    assert np.array_equal(logits, expected)
