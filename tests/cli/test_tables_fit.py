"""Tables on a terminal of 80 columns: no line is longer, and no word is cut."""

import pytest

from xnorkit.cli import output
from xnorkit.cli.main import main

COMMANDS = ["models", "models --pretrained", "recipes", "inspect resnet18-cifar10 --pretrained"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_fit_eighty_columns(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command.split()) == 0
    wide = set(capsys.readouterr().out.split())
    monkeypatch.setattr(output, "_width", lambda: 80)
    assert main(command.split()) == 0
    text = capsys.readouterr().out
    table = text.split("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert {word for word in text.split() if "─" not in word} <= {*wide, *(f"{word}:" for word in wide)}


def test_words_about_seeds_are_not_squeezed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_width", lambda: 80)
    assert main(["models", "--pretrained"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("lenet5-mnist over its seeds: 99.38 % (99.25 to 99.50 %, 3 seeds)" in line for line in lines)
    assert "top-1  seeds  epochs" in lines[1]


COLUMNS = ["engine", "times xnorkit", "median us"]
ROWS: list[list[object]] = [["onnxruntime_f32", "12.34 (11.90)", 1234567], ["torch_f32", "-", "-"]]


def shown(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(output, "_width", lambda: width)
    output.print_table("A title of some words", COLUMNS, ROWS)
    return capsys.readouterr().out


def test_a_table_that_fits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(80, monkeypatch, capsys)
    assert "onnxruntime_f32  12.34 (11.90)  1,234,567" in text


def test_a_table_whose_words_do_not_fit_is_blocks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(30, monkeypatch, capsys)
    assert "\nonnxruntime_f32\n  times xnorkit: 12.34 (11.90)\n  median us: 1,234,567\n\ntorch_f32\n" in text


def test_texts_wrap_whole_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "why\n  a.long.name.of.a.layer: it reads floats of another layer\n"
    output.print_text(text)
    assert capsys.readouterr().out == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    output.print_text(text)
    assert capsys.readouterr().out.splitlines() == [
        "why",
        "  a.long.name.of.a.layer: it reads",
        "    floats of another layer",
    ]


def test_values_wrap_whole_words_on_a_terminal_and_stay_one_line_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = {"file": "a-long/path-that/stays-one-word/model.xnor (82,822 bytes)", "note": "", "end": "x"}
    output.print_pairs(pairs)
    assert capsys.readouterr().out.splitlines()[0] == f"file  {pairs['file']}"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    output.print_pairs(pairs)
    assert capsys.readouterr().out.splitlines() == [
        "file  a-long/path-that/stays-one-word/model.xnor",
        "      (82,822 bytes)",
        "note  ",
        "end   x",
    ]


def test_bench_says_its_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peaks", "--seconds", "0.02", "--threads", "1", "--isa", "portable"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("instruction set portable; threads 1; ")
    assert "other programs" in first
