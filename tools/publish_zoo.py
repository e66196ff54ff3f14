"""Add a trained model to the package from its run folders, and rewrite the tables and pages of docs/.

    python tools/publish_zoo.py lenet5-mnist runs/lenet5-mnist-0 runs/lenet5-mnist-1 runs/lenet5-mnist-2 \
      --twin runs/lenet5-float-0 runs/lenet5-float-1 --twin runs/lenet5-bwn-0 --data DIR --hardware "2 CPU cores"
    python tools/publish_zoo.py lenet5-mnist --twin runs/lenet5-float-0 --twin runs/lenet5-bwn-0  # alone
    python tools/publish_zoo.py --pages

The run of seed 0 ships. The file is proved on the whole evaluation split, and every seed is evaluated on the engine.
"""

import argparse
import subprocess
from pathlib import Path

from publish import publish, set_twins
from zoo_pages import write_pages

from xnorkit.zoo import card, list_pretrained
from xnorkit.zoo.files import FOLDER

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Publish one model, unless only the pages are requested, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="name of the trained model, MODEL-DATASET")
    parser.add_argument("runs", nargs="*", type=Path, help="run folders of one recipe, one per seed")
    parser.add_argument(
        "--twin", nargs="+", type=Path, action="append", default=[], help="runs in another binarization"
    )
    parser.add_argument("--data", type=Path, help="folder of the data sets")
    parser.add_argument("--hardware", default="2 CPU cores", help="machine of the runs")
    parser.add_argument("--commit", help="commit of the sources of the runs; by default that of this checkout")
    parser.add_argument("--pages", action="store_true", help="write the pages only")
    options = parser.parse_args()
    if options.name and options.twin and not options.runs:
        set_twins(card(options.name), options.twin, FOLDER)
    elif not options.pages:
        if not options.name or not options.runs or options.data is None:
            parser.error("expected a name, run folders and --data, or --pages alone")
        made = publish(
            options.name,
            options.runs,
            FOLDER,
            data_root=options.data,
            hardware=options.hardware,
            commit=options.commit or _commit(),
            twins=options.twin,
        )
        print(f"{made.name}: {made.bytes:,} bytes, top-1 {made.top1:.2%} of {made.data}, {made.split}")
        print(f"for the recipe's header: top-1 {made.series.words} of {made.split}, packed, on the engine")
    write_pages(ROOT, [card(name) for name in list_pretrained()])


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
