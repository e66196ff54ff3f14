"""Checkpoints whose state of optimizer or loops is broken, and disks that break in the middle of a run."""

import copy
import errno
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from xnorkit.data import ImageData, Split, create_data
from xnorkit.errors import InputError, OutputError, XnorkitError
from xnorkit.train import fit, load_recipe, read_checkpoint

fit_module = importlib.import_module("xnorkit.train.fit")


@pytest.fixture(autouse=True)
def _small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*args: Any, **options: Any) -> ImageData:
        data = create_data(*args, **options)
        data.train = Split(data.train.images[:96], data.train.labels[:96])
        data.test = Split(data.test.images[:50], data.test.labels[:50])
        return data

    monkeypatch.setattr(fit_module, "create_data", small)


def recipe(epochs: int) -> Any:
    return load_recipe("lenet5-digits", ["batch_size=48", f"epochs={epochs}", "schedule.name=constant"])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = fit(recipe(1), output=tmp_path_factory.mktemp("run"), progress=False).checkpoint
    return torch.load(path, weights_only=True)


def optimizer(content: dict[str, Any]) -> dict[str, Any]:
    return content["optimizer_states"][0]


def first_state(content: dict[str, Any]) -> dict[str, Any]:
    states = optimizer(content).get("state") or optimizer(content)
    while not any(isinstance(value, torch.Tensor) for value in states.values()):
        states = next(value for value in states.values() if isinstance(value, dict))
    return states


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "no optimizer": lambda c: c.update(optimizer_states=[]),
    "optimizer of text": lambda c: c.update(optimizer_states=["x"]),
    "optimizer of None": lambda c: c.update(optimizer_states=None),
    "no groups": lambda c: optimizer(c).clear(),
    "moments of another shape": lambda c: first_state(c).update(
        {k: torch.zeros(7, 7) for k, v in first_state(c).items() if isinstance(v, torch.Tensor) and v.dim()}
    ),
    "moments of text": lambda c: first_state(c).update(dict.fromkeys(first_state(c), "x")),
    "no loops": lambda c: c.pop("loops"),
    "loops of text": lambda c: c.update(loops="x"),
    "loops of None": lambda c: c.update(loops={"fit_loop": None}),
    "loops of another epoch": lambda c: c["loops"]["fit_loop"]["epoch_progress"]["current"].update(
        processed=7, completed=7
    ),
    "schedules of text": lambda c: c.update(lr_schedulers=["x"]),
    "no schedules": lambda c: c.pop("lr_schedulers"),
    "step of text": lambda c: c.update(global_step="x"),
    "callbacks of text": lambda c: c.update(callbacks="x"),
}


IGNORED = ("step of text",)  # the trainer reads the loops alone


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_state_is_named_in_a_line(fault: str, checkpoint: dict[str, Any], tmp_path: Path) -> None:
    content = copy.deepcopy(checkpoint)
    BROKEN[fault](content)
    torch.save(content, tmp_path / "x.ckpt")
    (tmp_path / "run").mkdir()
    if fault in IGNORED:
        assert fit(recipe(2), output=tmp_path / "run", resume=tmp_path / "x.ckpt", progress=False).epochs == 2
        return
    with pytest.raises(XnorkitError, match=r"x\.ckpt .*, but it must") as caught:
        fit(recipe(2), output=tmp_path / "run", resume=tmp_path / "x.ckpt", progress=False)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EPERM, errno.EROFS, errno.EIO, errno.ENOENT])
@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt", "log.csv", "result.json"])
def test_a_disk_that_fails_in_the_middle(name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = load_recipe("lenet5-digits", ["batch_size=48", "epochs=1", "data.selection=0.25", "schedule.name=constant"])
    longer = load_recipe(
        "lenet5-digits", ["batch_size=48", "epochs=9", "data.selection=0.25", "schedule.name=constant"]
    )
    fit(same, output=tmp_path, progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name in ("last.ckpt", "best.ckpt")}
    replace = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise OSError(code, os.strerror(code))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OutputError, match=rf"{name} cannot be written \({os.strerror(code)}\)\. Choose a") as caught:
        fit(longer if name != "result.json" else same, output=tmp_path, resume="last", progress=False)
    monkeypatch.undo()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.part"))
    if name != "best.ckpt":  # it may be better several epochs later
        assert (tmp_path / "last.ckpt").read_bytes() == before["last.ckpt"]
    assert read_checkpoint(tmp_path / "last.ckpt").resumable


def test_a_folder_that_is_removed_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xnorkit.train.module import TrainingModule

    step = TrainingModule.training_step

    def removes(self: TrainingModule, batch: Any, index: int) -> torch.Tensor:
        if self.current_epoch == 1:
            (tmp_path / "run").rename(tmp_path / "elsewhere")
        return step(self, batch, index)

    monkeypatch.setattr(TrainingModule, "training_step", lambda *a: step(*a) if index_done(a) else removes(*a))
    with pytest.raises(OutputError, match=r"cannot be written \(No such file or directory\)"):
        fit(recipe(3), output=tmp_path / "run", progress=False)
    assert read_checkpoint(tmp_path / "elsewhere/last.ckpt").epochs_done == 1
    assert not (tmp_path / "run").exists()


def index_done(arguments: tuple[Any, ...]) -> bool:
    return arguments[2] > 0


def test_a_file_of_no_space_for_the_first_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OutputError, match="No space left on device"):
        fit(recipe(1), output=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_that_vanishes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no checkpoint at .*gone\.ckpt \(No such file or directory\), but it must"):
        read_checkpoint(tmp_path / "gone.ckpt")
    (tmp_path / "folder.ckpt").mkdir()
    with pytest.raises(InputError, match="is not a file"):
        read_checkpoint(tmp_path / "folder.ckpt")
