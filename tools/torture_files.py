"""Attacks with disks that fill up during a training, and with altered files."""

import contextlib
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torture_runs import ended, same, train

__all__ = ["altered", "full_disks"]

FUZZER = Path(__file__).resolve().with_name("fuzz_files.py")


def full_disks(folder: Path, seconds: float) -> Counter:
    """Train with limits on files and on small disks: one line refuses, and the last checkpoint is complete."""
    found: Counter = Counter()
    end = time.monotonic() + seconds
    whole = folder / "whole"
    ended(train(whole), found)
    size = (whole / "last.ckpt").stat().st_size
    for limit in (size // 2, size - 1, 1000, 0):
        if found["tried"] and time.monotonic() > end:
            break
        _limited(folder / str(limit), whole, limit, found)
    for checkpoints in (0.5, 2.5):  # neither checkpoint fits; both fit, but not the next draft
        with _small_disk(folder / f"disk{checkpoints}", int(checkpoints * size)) as disk:
            if disk is not None:
                _filled(disk / "run", whole, found, kept=checkpoints > 2)
    return found


def _limited(place: Path, whole: Path, limit: int, found: Counter) -> None:
    """Resume a run whose files may have `limit` bytes, which acts like a full disk or a quota on every system."""
    found["tried"] += 1
    ended(train(place, "epochs=2"), found)
    before = (place / "last.ckpt").read_bytes()

    def grow_no_more() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code = ended(train(place, "--resume", "last", preexec_fn=grow_no_more), found)
    found["wrong"] += code != 2
    found["lost"] += (place / "last.ckpt").read_bytes() != before
    found["lost"] += any(path.suffix == ".part" for path in place.iterdir())
    if ended(train(place, "--resume", "last"), found) == 0:
        found["wrong"] += not same(whole, place)


def _filled(place: Path, whole: Path, found: Counter, kept: bool) -> None:
    """Train on a disk that fills up; a `kept` checkpoint continues elsewhere, otherwise nothing is left."""
    found["tried"] += 1
    found["wrong"] += ended(train(place), found) != 2
    if not kept:
        found["wrong"] += place.exists()
        return
    elsewhere = whole.with_name("elsewhere")
    shutil.copytree(place, elsewhere)
    if ended(train(elsewhere, "--resume", "last"), found) != 0 or not same(whole, elsewhere):
        found["lost"] += 1


@contextlib.contextmanager
def _small_disk(place: Path, size: int) -> Iterator[Path | None]:
    """Yield a disk in memory of that size, or print the reason and yield None if it cannot be mounted."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False) if shutil.which("mount") else None
    if done is None or done.returncode:
        reason = "there is no mount" if done is None else done.stderr.strip()
        print(f"small disk: skipped, because it cannot be mounted ({reason}); the limit on file sizes covers this case")
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def altered(folder: Path, seconds: float) -> Counter:
    """Alter about as many files with `fuzz_files.py` as the time allows."""
    words = [sys.executable, str(FUZZER), "--count", str(max(100, int(50 * seconds)))]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10 * seconds + 300)
    except subprocess.TimeoutExpired:
        return Counter(tried=1, hung=1)
    found = re.findall(r"(tried|refused|wrong) ([\d,]+)", done.stdout)
    counts = Counter({what: int(number.replace(",", "")) for what, number in found})
    if done.returncode and not counts["wrong"]:
        counts["crashed"] += 1
    if done.returncode:
        print(f"{done.stdout[-3000:]}{done.stderr[-3000:]}", file=sys.stderr)
    return counts
