"""The C program under the flags that people compile with: contraction, native instructions, link-time optimisation."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from exact_graphs import exact_graph, images_of
from single_ops import case, images_for

from xnorkit.targets.c import write_c

FLAGS = ["-O2", "-O2 -march=native", "-O3 -march=native", "-O3 -march=native -flto"]
CASES = [
    "binary_weight_conv2d",
    "binary_conv2d float",
    "binary_linear float",
    "affine",
    "prelu",
    "multiply",
    6,
    42,
    316,
]
"""Operations by name, and random graphs by seed."""


def compile_c(folder: Path, flags: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Compile in the compiler's own dialect, which is where GCC contracts a * b + c."""
    command = ["cc", *flags.split(), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flags", FLAGS)
def test_every_bit_is_the_references(flags: str, tmp_path: Path) -> None:
    (tmp_path / "nothing.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    if compile_c(tmp_path, flags, "nothing.c", "-o", "nothing").returncode:
        pytest.skip(f"this compiler does not take {flags}")
    objects: list[str] = []
    for name in CASES:
        graph = case(name) if isinstance(name, str) else exact_graph(name)
        write_c(tmp_path, graph, images=images_for(graph) if isinstance(name, str) else images_of(graph, 3, name))
        if not objects:
            sources = sorted(path.name for path in tmp_path.glob("xk_*.c"))
            done = compile_c(tmp_path, flags, "-Wall", "-Werror", "-c", *sources)
            assert done.returncode == 0, done.stderr
            objects = [source.replace(".c", ".o") for source in sources]
        done = compile_c(tmp_path, flags, "main.c", "model.c", *objects, "-o", "main", "-lm")
        assert done.returncode == 0, done.stderr
        text = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, check=False).stdout
        equal, total = re.findall(r"(\d+) of (\d+) outputs equal bit for bit", text)[0]
        assert equal == total, f"{name} with {flags}: {text}"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("-ffast-math", "Compile model.c and xk_*.c with -fno-fast-math after it"),
        ("-U__FLT_EVAL_METHOD__ -D__FLT_EVAL_METHOD__=2", "Compile with -std=c99, or on x86 with -msse2 -mfpmath=sse"),
    ],
)
def test_flags_that_change_arithmetic_are_refused(flags: str, message: str, tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    write_c(tmp_path, case("clip"))
    done = compile_c(tmp_path, flags, "-w", "-fsyntax-only", "xk_sink.c")
    assert done.returncode
    assert message in done.stderr
    remedy = "-std=c99" if "FLT" in flags else "-fno-fast-math"
    assert compile_c(tmp_path, f"{flags} {remedy}", "-w", "-fsyntax-only", "xk_sink.c").returncode == 0


def test_processors_with_half_precision_are_accepted(tmp_path: Path) -> None:
    """GCC names method 16 there: a float stays a float, so nothing is refused."""
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    write_c(tmp_path, case("clip"))
    flags = "-U__FLT_EVAL_METHOD__ -D__FLT_EVAL_METHOD__=16"
    done = compile_c(tmp_path, flags, "-w", "-fsyntax-only", "xk_sink.c")
    assert done.returncode == 0, done.stderr
