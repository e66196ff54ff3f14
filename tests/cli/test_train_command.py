"""`xnorkit train` as a user types it: order of words, interrupt, resume, mistakes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xnorkit.cli.main import main
from xnorkit.cli.train import parser, recipe_first


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["train", "lenet5-digits", *map(str, words)]) == 2
    return capsys.readouterr().err


def test_overrides_stand_anywhere() -> None:
    for words in (["r", "epochs=1", "seed=2"], ["epochs=1", "r", "seed=2"], ["epochs=1", "seed=2", "r"]):
        assert recipe_first(words) == ("r", ["epochs=1", "seed=2"])
    own = parser()
    options = own.parse(["epochs=1", "--data", "a=b", "r", "--json", "seed=2"])
    assert recipe_first([options.recipe, *options.overrides]) == ("r", ["epochs=1", "seed=2"])
    assert str(options.data) == "a=b"


def test_overrides_behind_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "--output", str(tmp_path), "--json", "epochs=1", "batch_size=512"]) == 0
    assert json.loads(capsys.readouterr().out)["epochs"] == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer=3", "optimizer=3, but it must be a section of the fields name, lr"),
        ("data=mnist", "Write data.name=mnist."),
        ("stages=[1]", "stages.0=1, but it must be a section of the fields name, epochs"),
        ("optimizer=null", "'optimizer' is empty"),
        ("epochs=", "'epochs' is empty"),
        ("epochs=abc", "epochs=abc, but it must be a whole number"),
    ],
)
def test_wrong_values(override: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, override)
    assert message in error
    assert error.count("\n") == 1


def test_fewer_epochs_than_are_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "lenet5-digits", "batch_size=512", "--output", str(tmp_path)]
    assert main([*words, "epochs=2"]) == 0
    capsys.readouterr()
    assert main([*words, "epochs=1", "--resume", "last"]) == 2
    assert "it must be at least 2" in capsys.readouterr().err


def test_interrupted(tmp_path: Path) -> None:
    # The background jobs of a shell ignore the interrupt key, and so do their children: here it is heard again.
    start = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from xnorkit.cli.main import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", start, "train", "lenet5-digits", "epochs=500", "--output", "run"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run" / "last.ckpt").is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "run/last.ckpt holds the last whole epoch. Continue with --resume last." in error
    assert "Traceback" not in error


def test_an_altered_checkpoint_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(tmp_path)]) == 0
    checkpoint = tmp_path / "last.ckpt"
    data = bytearray(checkpoint.read_bytes())
    data[200_000] ^= 1
    checkpoint.write_bytes(data)
    capsys.readouterr()
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "x.xnor")]) == 2
    error = capsys.readouterr().err
    assert "or is damaged" in error
    assert error.count("\n") == 1


def test_a_name_that_leads_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert "name=../evil, but it must be made of letters" in refused(capsys, "name=../evil")


def test_divergence_in_the_first_epoch_speaks_of_no_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "optimizer.lr=1e30", "--output", tmp_path)
    assert "Lower optimizer.lr (now 1e+30)" in error
    assert "last.ckpt" not in error
    assert list(tmp_path.iterdir()) == []


def test_machine_file_and_experiment_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = tmp_path / "machine.yaml"
    machine.write_text(f"logs: {tmp_path / 'logs'}\nthreads: 1\n")
    words = ["lenet5-digits", "epochs=1", "batch_size=512", "--machine", str(machine), "--exp-name", "mine"]
    assert main(["train", *words, "--seed", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert Path(result["checkpoint"]) == tmp_path / "logs/mine/last.ckpt"
    assert result["best"] is None
    assert "seed: 3" in (tmp_path / "logs/mine/recipe.yaml").read_text()
    assert main(["train", *words]) == 2
    assert "holds a run" in capsys.readouterr().err
    assert main(["train", *words, "--overwrite", "--pretrained", "mine"]) == 2, "what it replaces cannot be its start"
    assert main(["train", *words[:-1], "other", "--pretrained", "mine"]) == 0
    text = capsys.readouterr()
    assert "pretrained: 21 of 21 tensors" in text.err
    assert "best epoch" in text.out
    machine.write_text("log: x\n")
    assert main(["train", *words]) == 2
    assert "the field 'log' is unknown, but it must be a known one, as logs" in capsys.readouterr().err


def test_trials_write_nothing_and_print_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "lenet5-digits", "--fast-dev-run", "batch_size=16"]) == 0
    assert "nothing was written" in capsys.readouterr().out
    assert main(["train", "lenet5-digits", "--print-config", "epochs=7", "--precision", "bf16-mixed"]) == 0
    (tmp_path / "copy.yaml").write_text(capsys.readouterr().out)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.yaml"]
    assert main(["train", "copy.yaml", "--print-config"]) == 0
    assert capsys.readouterr().out == (tmp_path / "copy.yaml").read_text()


def test_evaluate_per_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(tmp_path), "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    words = ["evaluate", str(tmp_path / "last.ckpt"), "--per-class", "--threads", "1"]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["top1"] == trained["accuracy"]
    assert result["top5"] == trained["top5"]
    rows = result["per_class"]
    assert sum(row["images"] for row in rows) == result["images"] == 360
    assert sum(row["images"] * row["top1"] for row in rows) / 360 == pytest.approx(result["top1"])
    assert main(words) == 0
    assert "Per class" in capsys.readouterr().out
    assert main([*words[:2], "--threads", "0"]) == 2
    assert main([*words[:2], "--data-name", "cifar10", "--data", str(tmp_path)]) == 2


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("--epochs 3", "epochs=3"),
        ("--epochs=3", "epochs=3"),
        ("--epochs", "epochs=VALUE"),
        ("--optimizer.lr 0.1", "optimizer.lr=0.1"),
        ("-b 64", "batch_size=64"),
        ("-b64", "batch_size=64"),
        ("--batch-size=64", "batch_size=64"),
        ("-b", "batch_size=N"),
        ("--lr 0.1", "optimizer.lr=0.1"),
        ("--arch alexnet", "the name of a recipe, or model.name=alexnet"),
        ("--caffe-data", "data.name=imagenet-lmdb data.preprocessing=seed"),
        ("-e", "xnorkit evaluate runs/NAME/last.ckpt"),
        ("-j 4", "--workers 4"),
        ("-e --resume x", "xnorkit evaluate runs/NAME/last.ckpt"),
        ("--weight-decay 1e-5", "optimizer.weight_decay=1e-5"),
    ],
)
def test_options_of_other_programs_find_their_way(typed: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "lenet5-digits", *typed.split()])
    line = capsys.readouterr().err
    assert f"Write {ours}." in line
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("-e", "Write xnorkit evaluate runs/NAME/last.ckpt."),  # the recipe is missing, too
        ("--arch alexnet --caffe-data", "model.name=alexnet."),
        ("alexnet --print-freq 10", "A training prints how far it is by itself. Leave it out."),
        ("alexnet --dist-url x", "The address comes from torchrun or SLURM. Leave it out."),
        ("lenet5-digits --seed -1 --epochs 3", "Write epochs=3."),
    ],
)
def test_old_habits_are_found_before_what_else_is_wrong(
    typed: str, ours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["train", *typed.split()])
    assert ours in capsys.readouterr().err
