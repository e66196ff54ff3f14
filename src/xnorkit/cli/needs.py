"""What commands need besides the runtime, checked before anything is trained or measured."""

from importlib.util import find_spec

from xnorkit.errors import InputError

__all__ = ["absent", "require"]

# Module -> the package's name, and the extra that brings it.
PACKAGES = {
    "rich": ("rich", "cli"),
    "PIL": ("Pillow", "cli"),
    "yaml": ("PyYAML", "cli"),
    "torch": ("PyTorch", "train"),
    "lightning": ("Lightning", "train"),
    "sklearn": ("scikit-learn", "digits"),
    "optuna": ("Optuna", "sweep"),
    "matplotlib": ("matplotlib", "report"),
    "jinja2": ("Jinja2", "report"),
    "markupsafe": ("Jinja2", "report"),
    "onnx": ("onnx", "onnx"),
    "lmdb": ("lmdb", "caffe"),
    "google": ("protobuf", "caffe"),
}

# Extra -> those that it brings, too.
BRINGS = {"sweep": ("train", "digits"), "train": ("digits",)}


def absent(*modules: str) -> str:
    """Return in one line that modules are not installed, and how to install them."""
    found = [PACKAGES.get(module.partition(".")[0], (module, "train")) for module in modules]
    names = ", ".join(dict.fromkeys(name for name, _ in found))
    extras = list(dict.fromkeys(extra for _, extra in found))
    brought = {each for extra in extras for each in BRINGS.get(extra, ())}
    extra = ",".join(extra for extra in extras if extra not in brought)
    verb, them = ("is", "it") if len(set(found)) == 1 else ("are", "them")
    return (
        f"this command needs {names}, which {verb} not installed; install {them} with: pip install 'xnorkit[{extra}]'"
    )


def require(*modules: str) -> None:
    """Raise InputError if any of the modules is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise InputError(absent(*missing))
