"""One packed model under many threads, and in children that fork while it runs."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

from xnorkit import runtime
from xnorkit.zoo import list_pretrained, sample

__all__ = ["forks", "threads"]

THREADS, MOST_SECONDS = 16, 60.0


def _models() -> list[tuple[runtime.Model, np.ndarray, np.ndarray]]:
    """Return each trained model with two threads, images, and their logits on one thread."""
    found = []
    for name in list_pretrained():
        images = sample(name).images
        found.append((runtime.load(name, threads=2), images, runtime.load(name, threads=1)(images)))
    return found


def threads(_folder: Path, seconds: float) -> Counter:
    """Call one model from 16 threads at once, with batches of all sizes: the logits are always the same."""
    found: Counter = Counter()
    lock = threading.Lock()
    for model, images, logits in _models():
        end = time.monotonic() + seconds / 2

        def work(number: int, model=model, images=images, logits=logits, end=end) -> None:
            size = 1 + number % len(images)
            while True:
                try:
                    equal = np.array_equal(model(images[:size]), logits[:size])
                    what = "" if equal else "wrong"
                except Exception:
                    what = "crashed"
                with lock:
                    found.update(["tried", *filter(None, [what])])
                if time.monotonic() > end:
                    return

        crew = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(THREADS)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join(seconds + MOST_SECONDS)
            found["hung"] += thread.is_alive()
    return found


def forks(_folder: Path, seconds: float) -> Counter:
    """Fork while threads run the model; each child runs it too and must get the same logits."""
    found: Counter = Counter()
    if not hasattr(os, "fork"):
        print("fork under load: skipped, because this system has no fork")
        return found
    model, images, logits = _models()[0]
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            model(images)

    crew = [threading.Thread(target=load, daemon=True) for _ in range(4)]
    for thread in crew:
        thread.start()
    end = time.monotonic() + seconds
    while found["tried"] < 1 or time.monotonic() < end:
        found["tried"] += 1
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(model(images), logits) else 1)
        found.update(_outcome(child))
    stop.set()
    for thread in crew:
        thread.join()
    return found


def _outcome(child: int) -> list[str]:
    """Wait for a child that must succeed."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return [] if code == 0 else ["wrong" if code == 1 else "crashed"]
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return ["hung"]
