"""Who gets 7-bit weights: processors without VNNI, and engines that are held to less."""

import platform
from pathlib import Path

import pytest

from xnorkit import _engine
from xnorkit.bench import machine
from xnorkit.bench.engines import Engine
from xnorkit.bench.machine import adds_bytes_exactly, has_vnni

INT8 = Engine("some_int8", "some", ())
FULL = Engine("some_f32", "some", ())
FREE = Engine("free_int8", "free", (), holdable=False)
FLAGS = {
    "haswell": ("fma avx2 bmi2", False),
    "skylake-x": ("avx2 avx512f avx512bw avx512vl", False),
    "cascade lake": ("avx2 avx512f avx512bw avx512_vnni", True),
    "alder lake": ("avx2 avx_vnni", True),
    "a name that only holds it": ("avx2 my_avx512_vnni_x", False),
}


@pytest.fixture(autouse=True)
def x86(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    for name in machine.ISA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def say_flags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nmodel name\t: some vnni\nflags\t\t: fpu {flags}\nvmx flags\t: none\n")
    monkeypatch.setattr(machine, "CPUINFO", file)


@pytest.mark.parametrize("name", FLAGS)
def test_flags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    flags, vnni = FLAGS[name]
    say_flags(monkeypatch, tmp_path, flags)
    assert has_vnni() is vnni
    assert INT8.weight_bits() == (8 if vnni else 7)
    assert INT8.remark() == (None if vnni else "weights of 7 bits, because sums of bytes saturate without VNNI")
    assert FULL.remark() is None


@pytest.mark.parametrize("variable", machine.ISA_VARIABLES)
@pytest.mark.parametrize(
    ("value", "bits"),
    [("AVX2", 7), ("avx2", 7), ("AVX512_CORE", 7), ("AVX2_VNNI", 8), ("AVX512_CORE_VNNI", 8), ("ALL", 8)],
)
def test_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, bits: int) -> None:
    say_flags(monkeypatch, tmp_path, "avx512_vnni")
    monkeypatch.setenv(variable, value)
    assert (INT8.weight_bits(), FREE.weight_bits()) == (bits, 8)


@pytest.mark.parametrize(("isas", "exact"), [(["avx512", "avx2"], True), (["avx2", "portable"], False)])
def test_without_a_list_of_flags_the_engine_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isas: list[str], exact: bool
) -> None:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(_engine, "isas", lambda: isas)
    assert adds_bytes_exactly(holdable=True) is exact


def test_other_processors_add_exactly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(_engine, "isas", lambda: ["neon", "portable"])
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert adds_bytes_exactly(holdable=True)
