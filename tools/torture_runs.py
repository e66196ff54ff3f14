"""Attacks that kill and resume trainings, and trainings that meet in one folder."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch

__all__ = ["command", "ended", "kills", "pairs", "same", "train"]

RECIPE = ["lenet5-digits", "epochs=4", "batch_size=256", "data.selection=0.25", "ema_decay=0.9", "data.shift=1"]
LIMITS = ["schedule.name=constant", "--threads", "1", "--limit-train-batches", "2", "--limit-eval-batches", "1"]
KILLS, MOST_SECONDS = 20, 600.0  # kills matter more than the time and get up to three times their share


def command(folder: Path, *words: str) -> list[str]:
    """Return the command line of a tiny training into `folder`."""
    return [
        sys.executable,
        "-m",
        "xnorkit.cli.main",
        "train",
        *RECIPE,
        *LIMITS,
        "--json",
        "--output",
        str(folder),
        *words,
    ]


def train(folder: Path, *words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a tiny training."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(folder, *words), stdout=pipe, stderr=pipe, text=True, **options)


def ended(process: subprocess.Popen[str], found: Counter) -> int | None:
    """Wait for a training, count it if it hangs, crashes or is refused, and return its exit code."""
    try:
        _, errors = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        found["hung"] += 1
        return None
    lines = errors.strip().splitlines()
    if process.returncode == 2 and len(lines) == 1 and lines[0].startswith("error: "):
        found["refused"] += 1
    elif process.returncode not in (0, -signal.SIGKILL):
        found["crashed"] += 1
        print(f"{process.args!r}: {process.returncode}\n{errors[-2000:]}", file=sys.stderr)
    return process.returncode


def same(one: Path, other: Path) -> bool:
    """Return whether two runs have the same weights, averages and optimizer, bit for bit, and the same log."""
    logs = []
    for folder in (one, other):
        with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
            logs.append([{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)])
    states = [torch.load(folder / "last.ckpt", weights_only=True) for folder in (one, other)]
    keys = ("state_dict", "optimizer_states", "xnorkit")
    return logs[0] == logs[1] and all(_equal(states[0][key], states[1][key]) for key in keys)


def kills(folder: Path, seconds: float) -> Counter:
    """Kill a training at random moments, resume it each time, and compare it with an uninterrupted one."""
    found: Counter = Counter()
    end = time.monotonic() + 3 * seconds
    whole, cut = folder / "whole", folder / "cut"
    start = time.monotonic()
    if ended(train(whole), found) != 0:
        return found + Counter(wrong=1)
    usual = time.monotonic() - start
    draw = random.Random(0)
    while found["tried"] < KILLS and (found["tried"] < 1 or time.monotonic() < end):
        resume = ["--resume", "last"] if (cut / "last.ckpt").is_file() else []
        had = bool(resume)
        if had and _finished(cut):
            found["wrong"] += not same(whole, cut)
            cut = folder / f"cut{found['tried']}"
            continue
        process = train(cut, *resume)
        time.sleep(draw.uniform(0.3, 1.0) * usual)
        process.send_signal(signal.SIGKILL)
        ended(process, found)
        found["tried"] += 1
        found["lost"] += had and not _whole(cut / "last.ckpt")
    if ended(train(cut, *(["--resume", "last"] if (cut / "last.ckpt").is_file() else [])), found) == 0:
        found["wrong"] += not same(whole, cut)
    found["wrong"] += any(path.suffix == ".part" for path in cut.iterdir())
    return found


def pairs(folder: Path, seconds: float) -> Counter:
    """Start two trainings of different seeds in one folder: one is refused, and the other's result fits its weights."""
    found: Counter = Counter()
    end = time.monotonic() + seconds
    while found["tried"] < 1 or time.monotonic() < end:
        place = folder / str(found["tried"])
        processes = [train(place, "seed=1"), train(place, "seed=2")]
        codes = [ended(process, found) for process in processes]
        found["tried"] += 1
        if sorted(code if code is not None else -1 for code in codes) != [0, 2]:
            found["wrong"] += 1
            continue
        state = torch.load(place / "last.ckpt", weights_only=True)
        found["wrong"] += state["xnorkit"]["recipe"]["seed"] != 1 + codes.index(0)
    return found


def _finished(folder: Path) -> bool:
    return (folder / "result.json").is_file()


def _whole(checkpoint: Path) -> bool:
    try:
        torch.load(checkpoint, weights_only=True)
    except Exception as error:
        print(f"{checkpoint}: {error}", file=sys.stderr)
        return False
    return os.path.getsize(checkpoint) > 0


def _equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other
