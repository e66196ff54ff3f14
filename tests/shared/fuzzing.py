"""Reads and runs altered files in processes of their own, and says what became of each: what all fuzzers share.

Nothing but a run or one `FormatError` of one printable line is right, within a second of processor time and 256 MB.
"""

import collections
import math
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from mutations import corpus, mutated
from numpy.typing import NDArray

from xnorkit.errors import FormatError, InputError
from xnorkit.format.file import from_bytes
from xnorkit.format.limits import DEFAULT
from xnorkit.runtime import Model

__all__ = ["Tally", "fuzz", "outcome"]

SECONDS = 1.0
MEGABYTES = 256
HANGS_AFTER = 300
"""Seconds of the clock until a process counts as one that hangs; others may stop it for a while, to measure."""


@dataclass
class Tally:
    """What became of the files, and those that went wrong."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "none")

    def add(self, name: str, result: str, seconds: float) -> None:
        self.slowest = max(self.slowest, (seconds, name))
        if result in ("ran", "refused") and seconds > SECONDS:
            result = f"took {seconds:.2f} s"
        self.counts[result if result in ("ran", "refused") else "wrong"] += 1
        if result not in ("ran", "refused"):
            self.faults.append(f"{name}: {result}")


def outcome(content: bytes, allow: Callable[[int], None] = lambda _: None) -> str:
    """Return "ran", "refused", or what went wrong; `allow` is told of bytes that are the caller's own, of images."""
    try:
        model = Model(from_bytes(content), threads=2, limits=DEFAULT)
        spec = model.graph.input
        channels, height, width = spec.shape
        sizes = [(height, width)] + ([(height + 1, width + 2)] if spec.dynamic else [])
        for size in sizes:
            dtype = np.float32 if spec.takes_floats else np.uint8
            # A caller's images of another size may take as much again, in proportion to their pixels.
            again = 0 if size == sizes[0] else MEGABYTES * 2**20 * size[0] * size[1] // (height * width)
            allow(again + np.dtype(dtype).itemsize * channels * size[0] * size[1])
            images = _images((1, channels, *size), dtype)
            try:
                model(images)
            except InputError as error:
                if size == sizes[0] or "do not fit this model" not in str(error):
                    raise
    except FormatError as error:
        fits = str(error).isprintable() and len(str(error)) < 1000 and ", but " in str(error)
        return "refused" if fits else f"message: {error!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    return "ran"


def _images(shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """Return 0 to 250 over and over, quickly: their making counts as time of the file."""
    count = math.prod(shape)
    rows = np.empty((count // 251 + 1, 251), dtype)
    rows[:] = np.arange(251, dtype=dtype)
    return rows.reshape(-1)[:count].reshape(shape)


def _work(seeds: range, results: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    np.seterr(all="ignore")
    for _, content in corpus():
        assert outcome(content) in ("ran", "refused")
    status = Path("/proc/self/status").read_text(encoding="utf-8") if os.path.exists("/proc/self/status") else ""
    data = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData")), 0)
    for seed in seeds:
        results.send((seed, f"making seed {seed}", "", 0.0))
        name, content = mutated(seed)
        results.send((seed, name, "", 0.0))
        own = data + MEGABYTES * 2**20 + len(content)

        def allow(size: int, own: int = own) -> None:
            if data:
                resource.setrlimit(resource.RLIMIT_DATA, (own + size, resource.RLIM_INFINITY))

        allow(0)
        began = time.process_time()
        result = outcome(content, allow)
        seconds = time.process_time() - began
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        results.send((seed, name, result, seconds))
    results.close()


def _results(seeds: range) -> Iterator[tuple[str, str, float]]:
    """Yield (name, result, seconds) of the seeds, from one process after the other: a new one where one ended early."""
    context = multiprocessing.get_context("spawn")
    while seeds:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(seeds, sender))
        process.start()
        sender.close()
        seed, name, done = seeds[0], "the first files", False
        try:
            while receiver.poll(HANGS_AFTER):
                seed, name, result, seconds = receiver.recv()
                done = bool(result)
                if done:
                    yield name, result, seconds
            process.kill()
            yield name, f"no answer in {HANGS_AFTER} s", 0.0
        except EOFError:
            process.join()
            if not done:
                yield name, f"ended the process, exit code {process.exitcode}", 0.0
        seeds = range(seed + 1, seeds.stop)


def fuzz(seeds: range, tally: Tally) -> None:
    """Try the files of the seeds, and add to the tally."""
    for name, result, seconds in _results(seeds):
        tally.add(name, result, seconds)
