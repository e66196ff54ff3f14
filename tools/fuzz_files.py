"""Alter `.xnor` files, read and run them in separate processes, and print the outcomes.

    python tools/fuzz_files.py --count 100000

Every model that ships and a file for every operation is altered: bytes, JSON, sizes with tensors that fit. A file must
run or raise one FormatError, within a second of processor time and 256 MB; anything else is printed with its
seed and ends the run with 1.
"""

import argparse
import sys
import time
from pathlib import Path

__all__ = ["main"]

CHUNK = 2000


def main() -> int:
    """Run, and return 1 if a file was neither run nor refused as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="files")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
    from fuzzing import Tally, fuzz

    tally, began = Tally(), time.monotonic()
    for start in range(options.first, options.first + options.count, CHUNK):
        before = len(tally.faults)
        fuzz(range(start, min(start + CHUNK, options.first + options.count)), tally)
        print(*tally.faults[before:], sep="\n", end="\n" if tally.faults[before:] else "", flush=True)
        print(f"{sum(tally.counts.values()):,} of {options.count:,}", file=sys.stderr, flush=True)
    counts = tally.counts
    print(
        f"tried {sum(counts.values()):,}, ran {counts['ran']:,}, refused {counts['refused']:,}, "
        f"wrong {counts['wrong']:,}, slowest {tally.slowest[0]:.2f} s ({tally.slowest[1]}), "
        f"in {time.monotonic() - began:,.0f} s"
    )
    return int(bool(tally.faults))


if __name__ == "__main__":
    sys.exit(main())
