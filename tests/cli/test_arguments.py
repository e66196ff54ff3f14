"""Mistakes of usage, in one line of plain words."""

import re

import pytest

from xnorkit.cli import predict
from xnorkit.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train lenet5-digits --threads x", "--threads is x, but it must be a whole number. See xnorkit train --help."),
        ("train x --threads 1e5", "--threads is 1e5, but it must be a whole number. See xnorkit train --help."),
        (
            f"train x --threads {'x' * 999}",
            f"--threads is {'x' * 80}..., but it must be a whole number. See xnorkit train --help.",
        ),
        ("evaluate", "the following arguments are required: model. See xnorkit evaluate --help."),
        ("evaluat x", "'evaluat' is not a command. Did you mean evaluate?"),
        ("nix", "'nix' is not a command. The commands are: train, sweep, evaluate"),
        ("", "the command is missing. The commands are: train, sweep, evaluate"),
        ("bench", "the command is missing. The commands are: kernels, model, training, peaks."),
        ("evaluate x --datum 3", "--datum is not an argument of this command. Did you mean --data?"),
        ("evaluate x --threads", "--threads expected one argument. See xnorkit evaluate --help."),
        ("train x --epochs 3", "--epochs is not an argument of this command. It is a field of the recipe. Write"),
        ("train x --optimizer.lr=0.1", "It is a field of the recipe. Write optimizer.lr=0.1."),
        ("export x -o y --to foo", "--to is foo, but it must be one of xnor"),
        ("train x --download maybe", "--download is maybe, but it must be true or false."),
    ],
)
def test_mistakes(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words.split())
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", ["--help", "train --help", "bench --help", "bench kernels --help", "evaluate --help"])
def test_usage_reads_as_it_is_typed(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(words.split())
    text = capsys.readouterr().out
    assert text.startswith(" ".join(["usage: xnorkit", *words.split()[:-1]]))
    assert not re.search(r"\[options\]|type:|null|<class", text)


@pytest.mark.parametrize(
    "words", [["m", "a.png", "--top", "2", "b.png", "--json"], ["--json", "--top=2", "--", "m", "a.png", "b.png"]]
)
def test_options_stand_anywhere(words: list[str]) -> None:
    options = predict.parser().parse(words)
    assert (options.model, options.images, options.top, options.json) == ("m", ["a.png", "b.png"], 2, True)


def test_names_that_begin_with_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.parser().parse(["--json", "--", "m", "-a.png"]).images == ["-a.png"]
    with pytest.raises(SystemExit):
        predict.parser().parse(["m", "-a.png"])
    assert "-a.png is not an argument" in capsys.readouterr().err


def test_an_override_that_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "resume=last"]) == 2
    assert "resume is not a field of the recipe but an option. Write --resume last." in capsys.readouterr().err
    assert main(["train", "lenet5-digits", "exp_name=a"]) == 2
    assert "Write --exp-name a." in capsys.readouterr().err
