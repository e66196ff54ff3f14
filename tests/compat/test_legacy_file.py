"""Old files: what is read, what is refused, and that nothing in them is executed."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from legacy_files import save
from torch import nn

from xnorkit.compat.legacy_file import read_legacy_file
from xnorkit.errors import InputError


class Malicious:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("how", ["zip", "old", "python2"])
def test_nothing_is_executed(how: str, tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    path = save({"state_dict": {"a": torch.zeros(1)}, "acc": Malicious(witness)}, tmp_path / "old.pth", how)
    with pytest.raises(InputError, match=r"names posix\.mkdir, which weights do not need\. Nothing in it was executed"):
        read_legacy_file(path)
    assert not witness.exists()
    plain = tmp_path / "plain.pkl"
    plain.write_bytes(pickle.dumps(Malicious(witness), 2))
    with pytest.raises(InputError):
        read_legacy_file(plain)
    assert not witness.exists()


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"names torch\.nn\..*Linear, which .* and save model\.state_dict\(\)"):
        read_legacy_file(save(nn.Linear(2, 2), tmp_path / "model.pth"))


@pytest.mark.parametrize("how", ["zip", "old", "python2"])
def test_tensors_and_figures(how: str, tmp_path: Path) -> None:
    a = torch.arange(6.0).view(2, 3)
    content = {"epoch": 4, "best_prec1": torch.tensor([50.0]), "state_dict": {"module.a.module.b": a}}
    file = read_legacy_file(save(content, tmp_path / "old.pth", how))
    assert list(file.weights) == ["a.b"]
    assert torch.equal(file.weights["a.b"], a)
    assert (file.top1, file.epochs) == (0.5, 4)
    bare = read_legacy_file(save({"a": a}, tmp_path / "bare.pth", how))
    assert (list(bare.weights), bare.top1, bare.epochs) == (["a"], None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "must be a dictionary of tensors .* but it holds a list"),
        ({}, "must be a dictionary of tensors .* but it holds nothing"),
        ({"state_dict": {}}, "must be a dictionary of tensors .* but it holds nothing"),
        ({"state_dict": {"a": 1}}, "holds no tensor under a"),
        ({"xnorkit": {}, "state_dict": {}}, "but it is one of this library"),
        ({"a": torch.zeros(1), "module.a": torch.zeros(1)}, "holds 'a' with and without 'module'"),
    ],
)
def test_other_content_is_refused(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_legacy_file(save(content, tmp_path / "old.pth"))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        read_legacy_file(tmp_path / "none.pth")
    for how in ("zip", "old"):
        path = save({"a": torch.arange(1000.0)}, tmp_path / f"{how}.pth", how)
        content = bytearray(path.read_bytes())
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(InputError, match=r"reading it failed: .*Fetch it again"):
            read_legacy_file(path)
    path = save({"a": torch.arange(1000.0)}, tmp_path / "flipped.pth")
    content = bytearray(path.read_bytes())
    content[content.find(torch.tensor(500.0).numpy().tobytes())] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="the checksum of a part of it is wrong"):
        read_legacy_file(path)
