"""Runs `xnorkit ARGUMENTS` where only the runtime and the extra [cli] are installed: other packages are hidden.

Usage: python bare_environment.py ARGUMENTS...
"""

import sys
from typing import Any

INSTALLED = {
    *("xnorkit", "_xnorkit_editable", "numpy", "safetensors"),
    *("rich", "markdown_it", "mdurl", "pygments", "PIL", "yaml", "_yaml"),
}


class Hiding:
    """A finder of modules that finds only what is installed there."""

    def __init__(self, finder: Any) -> None:
        self.finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        top = name.partition(".")[0]
        hidden = top not in INSTALLED and top not in sys.stdlib_module_names
        return None if hidden else self.finder.find_spec(name, path, target)


if __name__ == "__main__":
    sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "google")]:
        del sys.modules[name]
    from xnorkit.cli.main import main

    sys.exit(main(sys.argv[1:]))
