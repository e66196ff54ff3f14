"""Pack random networks in the style of users, compare each with PyTorch, and print the outcomes.

    python tools/fuzz_networks.py --count 20000 --processes 2

A network is equal, or one error names the module that cannot be packed. Anything else is printed with its seed and
ends the run with 1.
"""

import argparse
import functools
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

__all__ = ["main"]

CHUNK = 100
SHARED = Path(__file__).parents[1] / "tests" / "shared"


@functools.cache
def compiled() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of this process for C programs, in which the operations are compiled once."""
    return tempfile.TemporaryDirectory()


def outcomes(seeds: range, targets: bool) -> list[tuple[int, str]]:
    """Return (seed, outcome) of each seed; `targets` adds every tenth as ONNX and one as a C program."""
    sys.path.insert(0, str(SHARED))
    import torch
    from differential import compare, compare_c

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = [(seed, compare(seed, onnx=targets and seed % 10 == 0)) for seed in seeds]
    if targets:
        found.append((seeds[0], compare_c(seeds[0], Path(compiled().name))))
    return found


def chunks(first: int, count: int) -> Iterator[range]:
    """Yield the seeds in portions."""
    for start in range(first, first + count, CHUNK):
        yield range(start, min(start + CHUNK, first + count))


def main() -> int:
    """Run, and return 1 if a network was neither equal nor refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000, help="networks")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--targets", action="store_true", help="also check ONNX and a C program")
    options = parser.parse_args()
    sys.path.insert(0, str(SHARED))
    from differential import Tally

    tally, began, done = Tally(), time.monotonic(), 0
    with ProcessPoolExecutor(options.processes) as pool:
        for part in pool.map(outcomes, chunks(options.first, options.count), repeat(options.targets)):
            for seed, outcome in part:
                tally.add(seed, outcome)
            done += len(part)
            if sys.stderr.isatty():
                print(f"\r{done:,} of {options.count:,}", end="", file=sys.stderr, flush=True)
    counts = tally.counts
    seconds = time.monotonic() - began
    print(
        f"tried {done:,}, equal {counts['equal']:,}, refused {counts['refused']:,}, wrong {counts['wrong']:,}, "
        f"exceptions {counts['exception']:,}, in {seconds:,.0f} s"
    )
    print("\n".join(tally.faults))
    return int(bool(tally.faults))


if __name__ == "__main__":
    sys.exit(main())
