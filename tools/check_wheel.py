"""Build the wheel twice, install it alone, run the trained models that ship with it, and report what a user gets.

    python tools/check_wheel.py

The check fails if the two builds differ, if the wheel exceeds MAX_BYTES, if its import exceeds MAX_SECONDS, or
if it needs more than NumPy and safetensors. The wheel stays in dist/.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
ENVIRONMENT = ROOT / "build" / "wheel-environment"
MAX_BYTES = 4_500_000
"""Of the wheel with the trained models that ship with it."""
MAX_SECONDS = 0.15

USE = """
import sys, time
start = time.perf_counter()
import xnorkit.runtime
seconds = time.perf_counter() - start
import numpy as np
from xnorkit import zoo
for name in zoo.list_pretrained():
    model = xnorkit.runtime.load(name)
    print(name, model(np.zeros((1, *model.graph.input.shape), np.float32)).shape)
assert not {"torch", "lightning", "matplotlib"} & set(sys.modules)
print(f"import {seconds:.3f} s")
assert seconds <= LIMIT, f"import took {seconds:.3f} s, but it must take at most LIMIT s"
"""


def build() -> Path:
    """Return a wheel of this checkout, built in a separate environment with the time of the last commit."""
    shutil.rmtree(DIST, ignore_errors=True)
    epoch = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch.stdout.strip()}
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(DIST)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = DIST.glob("*.whl")
    return wheel


def main() -> None:
    """Build, compare, install, run, measure."""
    digests = {hashlib.sha256(build().read_bytes()).hexdigest() for _ in range(2)}
    (wheel,) = DIST.glob("*.whl")
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size:,} bytes; two builds are {'equal' if len(digests) == 1 else 'different'}")
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    python = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel], check=True)
    code = USE.replace("LIMIT", str(MAX_SECONDS))
    for _ in range(2):  # the first import compiles
        done = subprocess.run([python, "-c", code], cwd=ENVIRONMENT, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    if done.returncode or len(digests) > 1 or size > MAX_BYTES:
        sys.exit(f"the wheel fails: the builds must be equal, have at most {MAX_BYTES:,} bytes, and pass the run above")


if __name__ == "__main__":
    main()
