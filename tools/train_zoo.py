"""Train the models of a plan, several at a time, for a number of minutes; call it again to continue.

    python tools/train_zoo.py --data DIR --minutes 9 --output OUT -- --precision bf16-mixed --workers 6
    python tools/train_zoo.py --data DIR --minutes 9 --output OUT --restore IN -- --precision bf16-mixed --workers 6

Every run writes its state after each epoch, so a call that ends, on time or by accident, loses a part of an epoch;
the next one continues from there with the results of an uninterrupted run. With --output the runs are left in a
folder as files of 15 MB (the state of unfinished runs, the weights of finished ones); --restore turns them into run
folders on another machine. Arguments after `--` go to `xnorkit train`. CIFAR-10's binary batches may be compressed
(.bin.xz).
"""

import argparse
import csv
import lzma
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from run_parts import collect, restore

from xnorkit.errors import XnorkitError
from xnorkit.train.fields import typed

__all__ = ["Entry", "Job", "read_plan", "run_plan", "unpacked"]

PLAN = Path(__file__).with_name("zoo_plan.yaml")
POLL = 0.2  # seconds
GRACE = 10.0  # seconds between the interrupt and the end of a run that ignores it
COLLECTING = 20.0  # seconds kept free for writing the output
CIFAR = "cifar-10-batches-bin"


@dataclass(frozen=True)
class Entry:
    """A run of the plan: its folder, recipe, the run to wait for, epochs (per stage), and other fields."""

    name: str
    recipe: str
    epochs: Any = None
    after: str | None = None
    set: list[str] = field(default_factory=list)

    def overrides(self, runs: Path, scale: float) -> list[str]:
        """Return the fields as arguments of `xnorkit train`."""
        staged = isinstance(self.epochs, list)
        counts = self.epochs if staged else [] if self.epochs is None else [self.epochs]
        names = [f"stages.{index}.epochs" if staged else "epochs" for index in range(len(counts))]
        epochs = [f"{name}={max(1, round(scale * count))}" for name, count in zip(names, counts, strict=True)]
        return [*epochs, *(text.replace("{runs}", str(runs)) for text in self.set)]


@dataclass(frozen=True)
class Job:
    """The settings of all runs: their folder, that of the data, a factor on epochs, arguments of `xnorkit train`."""

    runs: Path
    data: Path
    scale: float = 1.0
    arguments: Sequence[str] = ()

    def start(self, entry: Entry) -> subprocess.Popen[bytes]:
        """Start or resume a run, whose output goes into NAME.log."""
        folder = self.runs / entry.name
        command = [sys.executable, "-m", "xnorkit.cli.main", "train", entry.recipe]
        command += [*entry.overrides(self.runs, self.scale), "--data", str(self.data), "--output", str(folder)]
        command += [*self.arguments, *(["--resume", "last"] if (folder / "last.ckpt").is_file() else [])]
        with (self.runs / f"{entry.name}.log").open("a", encoding="utf-8") as log:
            print(shlex.join(command[1:]), file=log, flush=True)
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def read_plan(path: Path) -> list[Entry]:
    """Return the entries of a plan."""
    return [typed(Entry, entry, f"plan {path}") for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def run_plan(plan: Sequence[Entry], job: Job, expired: Callable[[], bool], parallel: int = 1) -> dict[str, str]:
    """Train unfinished runs in order, until all are complete or `expired`, and return the outcome of each run.

    A run that fails is not tried again in this call, and neither are those that wait for it.
    """
    job.runs.mkdir(parents=True, exist_ok=True)
    running: dict[str, subprocess.Popen[bytes]] = {}
    failed: set[str] = set()
    try:
        while not expired():
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    if not finished(job.runs, name):
                        failed.add(name)
                        print(f"{name} failed, see {job.runs / name}.log", flush=True)
            for entry in plan:
                waits = entry.after is not None and not finished(job.runs, entry.after)
                over = finished(job.runs, entry.name) or entry.name in failed or entry.name in running
                if len(running) < parallel and not over and not waits:
                    print(f"training {entry.name}", flush=True)
                    running[entry.name] = job.start(entry)
            if not running:
                break
            time.sleep(POLL)
    finally:
        stop(list(running.values()))
    return {entry.name: _became(job.runs, entry.name, failed) for entry in plan}


def finished(runs: Path, name: str) -> bool:
    """Return whether a run is complete."""
    return (runs / name / "result.json").is_file()


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Interrupt runs and their workers, and end those that ignore it."""
    for process in processes:
        _signal(process, signal.SIGINT)
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()


def unpacked(data: Path, work: Path) -> Path:
    """Return `data`, or a folder in `work` with its CIFAR-10 batches if it holds these only compressed."""
    packed = sorted((data / CIFAR).glob("*.bin.xz"))
    if not packed or any((data / CIFAR).glob("*.bin")):
        return data
    target = work / "data"
    (target / CIFAR).mkdir(parents=True, exist_ok=True)
    for file in packed:
        batch = target / CIFAR / file.stem
        if not batch.is_file():
            draft = batch.with_suffix(".part")
            draft.write_bytes(lzma.decompress(file.read_bytes()))
            draft.replace(batch)
    return target


def progress(runs: Path, names: Sequence[str]) -> list[str]:
    """Return a line per run that has an epoch: epochs, accuracy of the last one, seconds of an epoch."""
    lines = []
    for name in names:
        log = runs / name / "log.csv"
        if log.is_file():
            with log.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            seconds = sorted(float(row["seconds"]) for row in rows)[len(rows) // 2]
            state = "finished" if finished(runs, name) else "goes on"
            lines.append(
                f"{name}: {len(rows)} epochs, {float(rows[-1]['eval_accuracy']):.2%}, {seconds:.1f} s, {state}"
            )
    return lines


def main() -> int:
    """Restore, train, collect; return 1 if a run failed."""
    began = time.monotonic()
    own, behind = _split(sys.argv[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--minutes", type=float, default=9.0, help="time of this call")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs; keep it between calls")
    parser.add_argument("--plan", type=Path, default=PLAN, help="plan to train")
    parser.add_argument("--only", nargs="+", help="names of the plan")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on all epochs, the same in every call")
    parser.add_argument("--parallel", type=int, default=2, help="runs at a time")
    parser.add_argument("--output", type=Path, help="folder for the files to take away")
    parser.add_argument("--keep", choices=("auto", "state", "weights", "logs"), default="auto", help="part of a run")
    parser.add_argument("--restore", type=Path, help="folder that an earlier --output wrote")
    options = parser.parse_args(own)
    plan = [entry for entry in read_plan(options.plan) if not options.only or entry.name in options.only]
    if options.restore:
        print("restored:", ", ".join(restore(options.restore, options.runs)), flush=True)
    job = Job(options.runs, unpacked(options.data, options.runs), options.scale, behind)
    end = began + 60 * options.minutes - (COLLECTING if options.output else 0) - GRACE
    became = run_plan(plan, job, lambda: time.monotonic() > end, options.parallel)
    print("\n".join(progress(options.runs, list(became))), flush=True)
    if options.output:
        files = collect([options.runs / name for name in became], options.output, options.keep)
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files):,} bytes in {options.output}")
    return int("failed" in became.values())


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before and after `--`."""
    at = words.index("--") if "--" in words else len(words)
    return list(words[:at]), list(words[at + 1 :])


def _became(runs: Path, name: str, failed: set[str]) -> str:
    return "failed" if name in failed else "finished" if finished(runs, name) else "unfinished"


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except XnorkitError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
