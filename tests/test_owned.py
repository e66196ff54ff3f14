"""A folder that is written into: what is not ours stays, one process at a time, files whole."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnorkit.errors import InputError, OutputError
from xnorkit.owned import MARK, OwnedFolder, whole_file, write_whole

NAMES = ["a", "b", "c"]


@settings(max_examples=60, deadline=None)
@given(
    theirs=st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=4)),
    steps=st.lists(st.tuples(st.sampled_from(["claim", "write", "remove", "again"]), st.sampled_from(NAMES))),
)
def test_what_is_not_ours_stays(
    tmp_path_factory: pytest.TempPathFactory, theirs: dict[str, bytes], steps: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for name, content in theirs.items():
        (folder / name).write_bytes(content)
    claimed: set[str] = set()
    for what, name in steps:
        own = OwnedFolder(folder)
        with own.held():
            if what == "claim" and name in theirs:
                with pytest.raises(InputError, match="not its own"):
                    own.claim([name])
            elif what == "claim":
                own.claim([name])
                claimed.add(name)
            elif what == "write" and name in claimed and name not in theirs:
                own.write(name, "ours")
            elif what == "remove":
                own.remove(name)
    assert {name: (folder / name).read_bytes() for name in theirs} == theirs


def test_a_file_that_was_edited_is_no_longer_ours(tmp_path: Path) -> None:
    own = OwnedFolder(tmp_path)
    with own.held():
        own.claim(["recipe.yaml"])
        own.write("recipe.yaml", "lr: 1")
    with OwnedFolder(tmp_path).held():
        pass
    (tmp_path / "recipe.yaml").write_text("lr: 2  # mine")
    with own.held(), pytest.raises(InputError, match=r"holds recipe\.yaml, changed since xnorkit wrote it, but it"):
        own.claim(["recipe.yaml"])
    assert (tmp_path / "recipe.yaml").read_text() == "lr: 2  # mine"


def refused(folder: Path, message: str) -> None:
    with pytest.raises(InputError) as caught, OwnedFolder(folder).held():
        pass
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from xnorkit.owned import OwnedFolder\n"
        "with OwnedFolder(Path(sys.argv[1])).held():\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        (tmp_path / MARK).write_text(json.dumps({"process": process.pid, "host": "there"}))
        refused(tmp_path, f"is in use by process {process.pid} on there, but it must be a folder that no other process")
        process.kill()
    with OwnedFolder(tmp_path).held():
        refused(tmp_path, f"is in use by process {os.getpid()} on {socket.gethostname()}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with OwnedFolder(tmp_path).held():
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
    with OwnedFolder(tmp_path).held():
        pass
    os.close(writer)
    os.waitpid(child, 0)
    os.close(reader)


def test_folders_that_were_made_for_nothing_go(tmp_path: Path) -> None:
    with OwnedFolder(tmp_path / "a/b/c").held():
        assert (tmp_path / "a/b/c").is_dir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"names": 3}', '{"names": {"a": 1}}', "[" * 5000, "\0"])
def test_a_mark_that_says_nothing_owns_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / MARK).write_text(content)
    (tmp_path / "a").touch()
    own = OwnedFolder(tmp_path)
    with own.held(), pytest.raises(InputError, match="not its own"):
        own.claim(["a"])


@pytest.mark.parametrize("place", ["file", "file/below", "x" * 300, "y/" + "x" * 300])
def test_folders_that_cannot_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be used as a folder"), OwnedFolder(tmp_path / place).held():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EPERM, errno.EROFS])
@pytest.mark.parametrize("where", ["write_bytes", "fsync", "replace"])
def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, where: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "file").write_text("before")
    monkeypatch.setattr(*((os, "fsync") if where == "fsync" else (Path, where)), fails)
    with pytest.raises(OutputError, match=rf"file cannot be written \({os.strerror(code)}\)\. Choose a folder"):
        write_whole(tmp_path / "file", b"after")
    monkeypatch.undo()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "before"}


def test_a_mark_that_the_disk_does_not_take_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = OwnedFolder(tmp_path)
    with own.held():
        own.write("a", "ours")
    before, write = (tmp_path / MARK).read_text(), os.write
    with own.held():
        monkeypatch.setattr(os, "write", lambda number, data: write(number, data[: len(before)]))
        with pytest.raises(OutputError, match="No space left on device"):
            own.claim(["b" * 200])
        monkeypatch.undo()
        assert (tmp_path / MARK).read_text() == before


def test_no_draft_is_left_by_an_error_of_the_writer(tmp_path: Path) -> None:
    writer = whole_file(tmp_path / "file")
    writer.__enter__().touch()
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert list(tmp_path.iterdir()) == []


def test_all_files_or_none(tmp_path: Path) -> None:
    own = OwnedFolder(tmp_path / "folder")
    with own.held():
        own.write_all({"a": b"old", "b": b"old"})
    impossible = "x" * 300
    with pytest.raises(OutputError, match="cannot be written"), own.held():
        own.write_all({"a": b"new", impossible: b"new", "b": b"new"})
    assert {path.name: path.read_bytes() for path in own.path.iterdir() if path.name != MARK} == {
        "a": b"old",
        "b": b"old",
    }
    fresh = OwnedFolder(tmp_path / "fresh")
    with pytest.raises(OutputError, match="cannot be written"), fresh.held():
        fresh.write_all({"a": b"new", impossible: b"new"})
    assert not fresh.path.exists()
