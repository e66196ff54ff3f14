"""Build the wheel twice, install it alone, run the trained models that ship with it, and report what a user gets.

    python tools/check_wheel.py               # for the Python that runs this
    python tools/check_wheel.py python3.12    # for another one

One wheel comes from the checkout, the other from the source archive, so that the archive is seen to be complete. The
check fails if the two differ, if the package without the trained models exceeds MAX_BYTES, if its import exceeds
MAX_SECONDS, or if it needs more than NumPy and safetensors. The wheel and the archive stay in dist/.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
BUILD = ROOT / "build" / "wheel"
PYTHON = BUILD / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
MAX_BYTES = 1_572_864
"""1.5 MiB, of the wheel without the trained models: these are several megabytes, and ship on purpose."""
MODELS = (".xnor", ".npz")
MAX_SECONDS = 0.15
"""Of `import xnorkit.runtime`, apart from NumPy, which takes most: processor time, for other programs also run."""

IMPORT = """
import time
start = time.process_time()
import xnorkit
bare = time.process_time()
import numpy
middle = time.process_time()
import xnorkit.runtime
print(bare - start, middle - bare, time.process_time() - middle)
"""
USE = """
import sys
import numpy as np
from xnorkit import load, zoo
for name in zoo.list_pretrained():
    model = load(name)
    print(name, model(np.zeros((1, *model.graph.input.shape), np.float32)).shape)
needless = {"torch", "lightning", "matplotlib", "rich", "PIL", "yaml"} & set(sys.modules)
assert not needless, needless
"""


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Return what a command prints; end this program with its errors if it fails."""
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(source: Path, folder: Path) -> Path:
    """Return a wheel of the sources in a folder, compiled from nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    options: list[str | Path] = [
        "--no-deps",
        "--no-cache-dir",
        "-C",
        f"build-dir={folder / 'objects'}",
        "--wheel-dir",
        folder,
    ]
    run(PYTHON, "-m", "pip", "wheel", "--quiet", *options, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def package_bytes(wheel: Path) -> int:
    """Return the compressed bytes of a wheel without its trained models."""
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
    models = sum(entry.compress_size for entry in entries if entry.filename.endswith(MODELS))
    return wheel.stat().st_size - models


def import_seconds(times: int = 7) -> tuple[float, float, float]:
    """Return the least processor times of `import xnorkit`, of NumPy, and then of the runtime."""
    runs = [map(float, run(PYTHON, "-c", IMPORT, folder=BUILD).split()) for _ in range(times)]
    bare, numpy, runtime = (min(part) for part in zip(*runs, strict=True))
    return bare, numpy, runtime


def main() -> None:
    """Build, compare, install, run, measure."""
    os.environ["SOURCE_DATE_EPOCH"] = run("git", "log", "-1", "--format=%ct").strip()
    shutil.rmtree(DIST, ignore_errors=True)
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    run(*(sys.argv[1:2] or [sys.executable]), "-m", "venv", PYTHON.parents[1])
    run(sys.executable, "-m", "build", "--sdist", "--outdir", DIST)
    (archive,) = DIST.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(BUILD / "archive", filter="data")
    (unpacked,) = (BUILD / "archive").iterdir()

    wheels = [build(ROOT, BUILD / "first"), build(unpacked, BUILD / "second")]
    equal = len({hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}) == 1
    wheel = Path(shutil.copy(wheels[0], DIST))
    run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    print(run(PYTHON, "-c", USE, folder=BUILD), end="")

    size = package_bytes(wheel)
    bare, numpy, runtime = import_seconds()
    seconds = bare + runtime
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, {size:,} without the trained models, which ship on purpose")
    print(f"archive: {archive.stat().st_size:,} bytes")
    print(f"the wheels of the checkout and of the archive are {'equal' if equal else 'different'}")
    print(f"import xnorkit: {bare:.3f} s; its runtime: {runtime:.3f} s, after NumPy's {numpy:.3f} s (least of 7)")
    wrong = [
        (not equal, "the two wheels differ, but they must be equal byte for byte"),
        (size > MAX_BYTES, f"the package has {size:,} bytes, but it must have at most {MAX_BYTES:,}"),
        (
            seconds > MAX_SECONDS,
            f"without NumPy the import took {seconds:.3f} s, but it may take {MAX_SECONDS} s",
        ),
    ]
    sys.exit("\n".join(message for fails, message in wrong if fails) or None)


if __name__ == "__main__":
    main()
