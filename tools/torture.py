"""Break xnorkit on purpose and count the outcomes; see "Trainings" in docs/trust.md.

    python tools/torture.py --seconds 180

Every attempt must end well or be refused in one line. Anything else is wrong (another result), crashed (a traceback or
a signal), hung (no end) or lost (a file has vanished or is incomplete), and the exit code is 1.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torture_files
import torture_models
import torture_runs

BAD = ("wrong", "crashed", "hung", "lost")
ATTACKS: dict[str, tuple[Callable[[Path, float], Counter], float]] = {  # and their shares of the time
    "kill -9 of trainings": (torture_runs.kills, 0.5),
    "two trainings, one folder": (torture_runs.pairs, 0.1),
    "disk full": (torture_files.full_disks, 0.2),
    "16 threads, one model": (torture_models.threads, 0.05),
    "fork under load": (torture_models.forks, 0.05),
    "altered files": (torture_files.altered, 0.1),
}


def torture(seconds: float, only: str = "") -> Counter:
    """Run the attacks whose names contain `only` in their shares of the time, print a line each, return the sums."""
    total: Counter = Counter()
    for name, (attack, share) in ATTACKS.items():
        if only not in name:
            continue
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            found = attack(Path(folder), seconds * share)
        total += found
        print(f"{name:26} {words(found)}  ({time.monotonic() - start:.0f} s)", flush=True)
    return total


def words(found: Counter) -> str:
    """Return the counts in a line."""
    return ", ".join(f"{what} {found[what]}" for what in ("tried", "refused", *BAD))


def main() -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=180.0, help="time of the whole run; each attack is tried at least once"
    )
    parser.add_argument("--only", default="", help="run the attacks whose names contain this word")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    total = torture(options.seconds, options.only)
    print(f"{'in all':26} {words(total)}")
    return 1 if any(total[what] for what in BAD) or not total["tried"] else 0


if __name__ == "__main__":
    sys.exit(main())
