"""What a user can get wrong, in every command: one line on standard error, exit code 2, no file of theirs touched."""

import contextlib
import io
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from legacy_files import LeNet5, in_parallel, save, state_of

from xnorkit.cli.main import main, with_options
from xnorkit.format import read, write
from xnorkit.zoo import path as zoo_path

NOTES = ("left out: ", "the machine is busy")
LONG = "x" * 300
PLACES = ["missing", LONG, f"{LONG}/y", "file/below", "folder"]
# Where a path stands in each command: {} is the path, [suffix] what it must end in.
TAKERS = {
    "train recipe": ["train", "{}.yaml"],
    "train data": ["train", "lenet5-mnist", "--data", "{}"],
    "train resume": ["train", "lenet5-digits", "--resume", "{}", "--output", "OUT/run"],
    "train pretrained": ["train", "lenet5-digits", "--pretrained", "{}", "--output", "OUT/run"],
    "train machine": ["train", "lenet5-digits", "--machine", "{}"],
    "evaluate checkpoint": ["evaluate", "{}.ckpt"],
    "evaluate model": ["evaluate", "{}.xnor"],
    "evaluate data": ["evaluate", "lenet5-mnist", "--data", "{}"],
    "export checkpoint": ["export", "{}.ckpt", "-o", "OUT/x.xnor"],
    "export model": ["export", "{}.xnor", "--to", "c", "-o", "OUT/c"],
    "export calibration": ["export", "CHECKPOINT", "-o", "OUT/x.xnor", "--calibration", "{}"],
    "export data": ["export", "CHECKPOINT", "-o", "OUT/x.xnor", "--images", "0", "--data", "{}"],
    "convert checkpoint": ["convert", "{}", "-o", "OUT/x.ckpt"],
    "convert recipe": ["convert", "OLD", "-o", "OUT/x.ckpt", "--recipe", "{}.yaml"],
    "inspect checkpoint": ["inspect", "{}.ckpt"],
    "inspect model": ["inspect", "{}.xnor"],
    "predict model": ["predict", "{}.xnor", "--sample"],
    "predict image": ["predict", "lenet5-digits", "{}.png"],
    "bench model": ["bench", "model", "{}.xnor", "--seconds", "0.01"],
    "bench shapes": ["bench", "kernels", "--shapes", "{}.json", "--seconds", "0.01"],
    "report from": ["report", "--from", "{}"],
}
WRITERS = {
    "train": ["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", "{}"],
    **({"sweep": ["sweep", "lenet5-digits", "seed=0,1", "--output", "{}"]} if find_spec("optuna") else {}),
    "export": ["export", "CHECKPOINT", "--images", "2", "-o", "{}.xnor"],
    "export onnx": ["export", "CHECKPOINT", "--images", "2", "--to", "onnx", "-o", "{}.onnx"],
    "export c": ["export", "lenet5-digits", "--to", "c", "-o", "{}"],
    "convert": ["convert", "OLD", "-o", "{}"],
    "report": ["report", "--quick", "--only", "paper-memory", "--output", "{}"],
    "demo": ["demo", "--output", "{}"],
    "bench roofline": ["bench", "kernels", "--shapes", "3x3 32@5x5", "--seconds", "0.01", "--roofline", "{}.svg"],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("files")
    words = ["train", "lenet5-digits", "epochs=1", "batch_size=512", "--output", str(folder / "run"), "--json"]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(words) == 0
    old = save({"acc": 99.23, "state_dict": in_parallel(state_of(LeNet5()))}, folder / "old.pth.tar")
    return SimpleNamespace(checkpoint=folder / "run/last.ckpt", old=old)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    try:
        code = main([*map(str, words)])
    except SystemExit as stop:
        code = stop.code
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if not line.startswith(NOTES) and "line is torn" not in line]
    assert code == 2, told.out + told.err
    assert len(lines) == 1, told.err
    assert lines[0].startswith("error: ")
    assert told.out == ""
    return lines[0]


def filled(words: list[str], path: Path, out: Path, files: SimpleNamespace) -> list[str]:
    known = {"CHECKPOINT": str(files.checkpoint), "OLD": str(files.old)}
    return [known.get(word, word.replace("{}", str(path)).replace("OUT", str(out))) for word in words]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[:12])
@pytest.mark.parametrize("taker", TAKERS)
def test_paths_that_are_read(
    taker: str, place: str, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = TAKERS[taker]
    suffix = next(word for word in words if "{}" in word).partition("{}")[2]
    (tmp_path / "file").touch()
    (tmp_path / f"folder{suffix}").mkdir()
    line = refused(capsys, *filled(words, tmp_path / place, tmp_path / "out", files))
    assert any(words in line.lower() for words in (", but ", "did you mean"))


@pytest.mark.parametrize("place", [LONG, f"{LONG}/y", "file/below"], ids=lambda place: place[:12])
@pytest.mark.parametrize("writer", WRITERS)
def test_paths_that_are_written(
    writer: str,
    place: str,
    files: SimpleNamespace,
    tmp_path: Path,
    *,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the output is looked at before the work begins")

    monkeypatch.setattr("xnorkit.cli.report._measure", never)
    monkeypatch.setattr("xnorkit.app.demo._run_demo", never)
    (tmp_path / "file").write_text("mine")
    line = refused(capsys, *filled(WRITERS[writer], tmp_path / place, tmp_path, files))
    assert str(tmp_path / place)[:80] in line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("train", ["recipe.yaml", "log.csv", "last.ckpt"]),
        ("demo", ["demo.md", "digits.png", "lenet5-digits.xnor"]),
        ("report", ["index.html", "report.md", "records.jsonl", "figures", "pictures"]),
        ("export c", ["Makefile", "model.c", "model.h", "test_vector.h"]),
    ],
)
def test_folders_that_hold_files_of_the_user(
    command: str, names: list[str], files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names:
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text("mine")
        line = refused(capsys, *filled(WRITERS[command], folder, folder, files))
        assert "holds a run, but a new one must" in line if name == "last.ckpt" else f"holds {name}, not its" in line
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name).read_text() == "mine"
    (tmp_path / "file.png").write_text("mine")
    refused(capsys, *filled(WRITERS[command], tmp_path / "file.png", tmp_path, files))
    assert (tmp_path / "file.png").read_text() == "mine"


@pytest.mark.parametrize("writer", ["train", "export", "convert", "report", "demo"])
def test_an_empty_output(
    writer: str,
    files: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    *words, _ = WRITERS[writer]
    assert "is empty, but it must be" in refused(capsys, *filled(words, tmp_path, tmp_path, files), "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train lenet5-mnist", "evaluate lenet5-mnist"])
def test_absent_data_names_options_of_the_command(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *command.split(), "--data", str(tmp_path / "nowhere"))
    assert "Name with --data the folder that holds them" in line
    assert "or download them (--download true)." in line
    assert "download=" not in line


def test_a_command_without_download_names_one_that_has_it() -> None:
    said = with_options("Pass the folder that holds them, or download them (download=True).", {"--data"})
    assert said == "Name with --data the folder that holds them, or download them with xnorkit train --download true."


@pytest.mark.parametrize("threads", ["0", "-1", "257", "100000", str(10**30)])
@pytest.mark.parametrize(
    "words",
    [
        ["train", "lenet5-digits"],
        ["evaluate", "lenet5-digits"],
        ["evaluate", "CHECKPOINT"],
        ["predict", "lenet5-digits", "--sample"],
        ["bench", "kernels", "--shapes", "3x3 32@5x5"],
        ["bench", "model", "lenet5"],
        ["bench", "training", "lenet5"],
        ["bench", "peaks"],
        ["report", "--quick"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_threads(
    words: list[str],
    threads: str,
    files: SimpleNamespace,
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(capsys, *filled(words, tmp_path, tmp_path, files), f"--threads={threads}")
    assert list(tmp_path.iterdir()) == []


DEEP = ["[" * 5000, "{a: " * 5000, "- " * 5000 + "1", "'" + "a" * 10]
ODD = ["9" * 5000, "2001-99-99", "!!int x", "!!python/object:a.b {}", "&a [*a]", "!!binary 'x'", "? {a: 1}\n: 2", "\0"]
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize("field", ["seed", "batch_size", "model.options.width", "epochs", "optimizer.lr"])
@pytest.mark.parametrize("number", [str(10**25), "0x" + "f" * 5000, str(-(10**19)), "1:" * 2000 + "1"])
def test_numbers_beyond_64_bits(field: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "train", "lenet5-digits", f"{field}={number}", "--output", tmp_path / "run", "--fast-dev-run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", [*DEEP, *ODD, BOMB], ids=lambda text: text[:8])
def test_yaml(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text if text == BOMB else f"name: {text}")
    refused(capsys, "train", recipe)
    refused(capsys, "train", "lenet5-digits", "--machine", recipe)
    if text != BOMB and "\0" not in text:
        refused(capsys, "train", "lenet5-digits", f"epochs={text}")
    (tmp_path / "shapes.json").write_text(text)
    refused(capsys, "bench", "kernels", "--shapes", tmp_path / "shapes.json", "--seconds", "0.01")


@pytest.mark.parametrize("value", [3, ["digits"], {"a": 1}, True, None, "nothing", 1e400])
@pytest.mark.parametrize("key", ["data", "preprocessing"])
def test_metadata_of_another_type(key: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    graph = read(zoo_path("lenet5-digits"))
    try:
        write(tmp_path / "x.xnor", replace(graph, metadata={**graph.metadata, key: value}))
    except Exception:
        pytest.skip("the file format refuses it")
    refused(capsys, "evaluate", tmp_path / "x.xnor")


CHANGES = {
    "classes": lambda c: c["xnorkit"].update(num_classes=10**9),
    "no classes": lambda c: c["xnorkit"].update(num_classes=None),
    "shape": lambda c: c["state_dict"].update({"model.conv1.weight": torch.zeros(1)}),
    "lacking": lambda c: c["state_dict"].pop("model.conv1.weight"),
    "more": lambda c: c["state_dict"].update({"model.more": torch.zeros(1)}),
    "all others": lambda c: c.update(state_dict={f"model.{n}": torch.zeros(10) for n in range(40)}),
    "evaluation": lambda c: c["xnorkit"].update(evaluation={"top1": [1]}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_checkpoints_that_do_not_fit(
    change: str, files: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = torch.load(files.checkpoint, weights_only=True)
    CHANGES[change](content)
    torch.save(content, tmp_path / "x.ckpt")
    for words in (["evaluate"], ["inspect"], ["export", "-o", str(tmp_path / "x.xnor")]):
        assert len(refused(capsys, words[0], tmp_path / "x.ckpt", *words[1:])) < 700
    assert not (tmp_path / "x.xnor").exists()
