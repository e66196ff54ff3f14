"""The runtime is light: what it loads, and how long that takes."""

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_import_needs_numpy_and_safetensors_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import xnorkit.runtime\n"
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(tops - sys.stdlib_module_names))"
    )
    assert run(code) == str(["numpy", "safetensors", "xnorkit"])


def test_import_is_quick() -> None:
    """The aim is 0.15 s with NumPy; xnorkit adds 0.4 of what NumPy takes. Both grow on a busy machine."""
    code = (
        "import time; times = [time.process_time()]\n"
        "import numpy; times.append(time.process_time())\n"
        "import xnorkit.runtime; times.append(time.process_time())\n"
        "print((times[2] - times[1]) / (times[1] - times[0]))"
    )
    assert min(float(run(code)) for _ in range(5)) < 1
