"""Torch module -> the calls that one forward pass really makes: no mutation, no aliasing, each layer as one call.

The model runs on images. PyTorch's functionalization rewrites every in-place operation, and every write through a view,
into operations that make new values. The record is thus a pure function of the image, whatever the Python code of
the forward does. Layers with their own meaning (convolutions, norms, pools, binarizers) are recorded as one call.
"""

import contextlib
import itertools
import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from xnorkit.compile.frontend.model_copy import bake_, check_model, copied, first_line
from xnorkit.errors import ExportError

__all__ = ["NAMES", "Call", "Capture", "Captured", "Ref"]

HARMLESS = {"__init__", "__repr__", "extra_repr", "reset_parameters"}
"""Methods that a subclass may override and still count as the layer from which it derives."""

NAMES = {
    "_local_scalar_dense": "item",
    "_softmax": "softmax",
    "_to_copy": "to",
    "_unsafe_view": "view",
    "addmm": "linear",
    "constant_pad_nd": "pad",
    "convolution": "conv",
    "max_pool2d_with_indices": "max_pool2d",
    "mm": "linear",
    "native_batch_norm": "batch_norm",
    "native_group_norm": "group_norm",
    "native_layer_norm": "layer_norm",
}
"""Users' names for operations that have other names in ATen."""

READS_NUMBERS = ("_local_scalar_dense", "is_nonzero", "equal", "item", "nonzero", "_unique2", "masked_select")
"""Operations whose result, or its shape, Python code can branch on."""

_keys = itertools.count()
_layers: dict[int, Callable[[Tensor], Tensor]] = {}


@torch.library.custom_op("xnorkit::layer", mutates_args=())
def _layer(x: Tensor, key: int) -> Tensor:
    return _layers[key](x)


@dataclass(frozen=True)
class Ref:
    """A tensor that depends on the image: output `output` of call number `call`; -1 is the image itself."""

    call: int
    output: int = 0


@dataclass(eq=False)
class Call:
    """One operation of a forward pass.

    Attributes:
        name: unique; the path of the layer, or what the operation is called.
        path: of the innermost module in which it happened; "" for the model itself.
        kind: class of that module if it is one of PyTorch's own, else "".
        target: the layer, or the operator of ATen.
        arguments: by the names of the operator's schema ("x" for a layer's input); a `Ref`, a constant, a number.
        outputs: the tensors that it returned.
    """

    name: str
    path: str
    kind: str
    target: Any
    arguments: dict[str, Any]
    outputs: list[Tensor]

    @property
    def layer(self) -> nn.Module | None:
        """The layer, if the call is that of one."""
        return self.target if isinstance(self.target, nn.Module) else None

    @property
    def op(self) -> str:
        """Name of the operator with its overload, such as "add.Tensor"; "layer" for a layer."""
        return "layer" if self.layer is not None else str(self.target).removeprefix("aten.")


@dataclass
class Captured:
    """The calls of one forward pass on `images`, in order, and what the model returned: a `Ref`, or a structure."""

    images: Tensor
    calls: list[Call] = field(default_factory=list)
    result: Any = None

    def tensor(self, ref: Ref) -> Tensor:
        """Return the tensor that `ref` names."""
        return self.images if ref.call < 0 else self.calls[ref.call].outputs[ref.output]


class Capture:
    """A copy of a model, in evaluation mode on the CPU, whose forward passes can be recorded; the model is not changed.

    Args:
        model: a module of float32 parameters.
        is_layer: says which modules to record as one call; used only for modules whose forward is that of their class,
            in PyTorch or in this library.

    Raises:
        ExportError: the model is not a module or is wrapped in one, or a parameter has another dtype or is not finite.
    """

    def __init__(self, model: nn.Module, is_layer: Callable[[nn.Module], bool]) -> None:
        check_model(model)
        self.title = type(model).__name__
        self.model = copied(model)
        self.is_layer = is_layer
        bake_(self.model)
        modules = self.model.named_modules()
        self.overridden = {f"'{path}' ({type(m).__name__})" for path, m in modules if is_layer(m) and not is_itself(m)}

    def run(self, images: Tensor) -> Captured:
        """Return the calls that the model makes for `images` (N, C, H, W) float32, N at least 2.

        Raises:
            ExportError: the model fails, takes steps that depend on the numbers, draws random numbers, or keeps
                something from one call to the next.
        """
        recorder = _Recorder(images.clone(), self.title)
        before = self._kept()
        with torch.no_grad(), self._patched(recorder), recorder, _Escapes(recorder):
            try:
                recorder.finish(torch.func.functionalize(self.model.__call__, remove="mutations")(recorder.images))
            except Exception as error:
                if recorder.refusal is not None:
                    raise recorder.refusal from error
                if recorder.failed in self.overridden:
                    raise ExportError(
                        f"{recorder.failed} has a forward or method of its own, but a layer must compute what its "
                        "class in xnorkit.nn or PyTorch does. Put the other steps into a module around it."
                    ) from error
                where = f"{recorder.failed or self.title} cannot be captured{_where(error.__traceback__)}"
                raise ExportError(
                    f"{where}: {first_line(error)}. "
                    "It must be a forward of PyTorch operations on the image that keeps nothing between calls."
                ) from error
        after = self._kept()
        changed = next((name for name in after if after[name] != before.get(name)), None)
        if changed is not None:
            raise ExportError(f"the forward changes {changed} in every call, but it must keep nothing between calls.")
        return recorder.captured

    def _kept(self) -> dict[str, Any]:
        """Return what a forward could keep from one call to the next: plain attributes, and random number states."""
        kept: dict[str, Any] = {
            f"'{path + '.' if path else ''}{name}'": value
            for path, module in self.model.named_modules()
            for name, value in vars(module).items()
            if isinstance(value, int | float | str | None)
        }
        kept["the state of Python's random numbers"] = random.getstate()
        kept["the state of NumPy's random numbers"] = repr(np.random.get_state())  # noqa: NPY002 - of the user's code
        return kept

    @contextlib.contextmanager
    def _patched(self, recorder: "_Recorder") -> Iterator[None]:
        """Let every module tell the recorder when it is called; layers are then one call each."""
        patched: list[tuple[nn.Module, Any]] = []
        keys = []
        for path, module in self.model.named_modules():
            key = None
            if is_itself(module) and self.is_layer(module):
                key = next(_keys)
                keys.append(key)
                _layers[key] = module.forward
                recorder.layers[key] = (path, module)
            patched.append((module, vars(module).get("forward")))
            module.__dict__["forward"] = recorder.entering(path, module, module.forward, key)
        before = {path: _state(module) for path, module in recorder.layers.values()}
        try:
            yield
        finally:
            for module, own in patched:
                module.__dict__["forward"] = own
                if own is None:
                    del module.__dict__["forward"]
            for key in keys:
                del _layers[key]
        for path, module in recorder.layers.values():
            if _state(module) != before[path]:
                raise ExportError(
                    f"'{path}' ({type(module).__name__}): a hook replaces its weights in every call, but they must "
                    "stay. Write them into the layer, as torch.nn.utils.remove_weight_norm does."
                )


class _Recorder(TorchDispatchMode):
    """Records each operation whose result depends on the image; `refs` says which tensors do."""

    def __init__(self, images: Tensor, title: str) -> None:
        super().__init__()
        self.images, self.title = images, title
        self.captured = Captured(images)
        self.layers: dict[int, tuple[str, nn.Module]] = {}
        self.refs: dict[int, Ref] = {id(images): Ref(-1)}
        self.constants: dict[int, Any] = {}  # made in this call from no image; kept, so that no id is reused
        self.refusal: ExportError | None = None
        self.path = [("", "")]
        self.failed = ""  # the innermost module from which an exception came, in words
        self.names: dict[str, int] = {}

    def finish(self, result: Any) -> None:
        """Note what the model returned; raise the refusal even if the forward caught it."""
        if self.refusal is not None:
            raise self.refusal
        self.captured.result = pytree.tree_map_only(Tensor, lambda t: self.refs.get(id(t), t), result)

    def entering(
        self, path: str, module: nn.Module, forward: Callable[..., Any], key: int | None
    ) -> Callable[..., Any]:
        """Return a module's forward that notifies the recorder; the forward of a layer with `key` is one call."""
        builtin = type(module).__module__.startswith("torch.nn.modules.") and not module._modules
        kind = type(module).__name__ if builtin else ""

        def entered(*args: Any, **kwargs: Any) -> Any:
            tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
            if key is not None and len(tensors) == len(args) + len(kwargs) == 1:
                return _layer(tensors[0], key)
            self.path.append((path, kind))
            try:
                return forward(*args, **kwargs)
            except Exception:
                self.failed = self.failed or (path and f"'{path}' ({type(module).__name__})")
                raise
            finally:
                self.path.pop()

        return entered

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        depends = any(id(t) in self.refs for t in tensors)
        name = self._called(func)
        # Before the check for random numbers: PyTorch's operator has that tag, because it may also drop out.
        if "scaled_dot_product" in func._schema.name:
            self.refuse(
                f"'{self.path[-1][0] or self.title}' computes attention{_here()}, but a packed model has no operation "
                "for it. Export a network without attention."
            )
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.refuse(
                f"'{name}' draws random numbers{_here()}, but the forward must give the same answer each time, "
                "as dropout does in evaluation mode."
            )
        if depends and func._schema.name.removeprefix("aten::") in READS_NUMBERS:
            self.refuse_reading(name)
        written = _written(func, args, kwargs)
        if written is not None:
            if self.refs.get(id(written)) == Ref(-1):  # functionalization's last step: nothing reads the image again
                return written
            if id(written) in self.constants:
                return func(*args, **kwargs)
            if func is torch.ops.aten.as_strided_.default:  # the strides of a mean over a channels-last image
                before = written.clone()
                func(*args, **kwargs)
                if torch.equal(before, written):
                    return written
            if id(written) in self.refs:
                self.refuse(
                    f"'{name}' fills a tensor part by part{_here()}, inside a function of PyTorch, but a packed model "
                    "has no operation for that. Use another function, such as padding with zeros."
                )
            self.refuse(
                f"'{name}' writes into a tensor that outlives the call{_here()}, but the forward must keep "
                "nothing from one call to the next."
            )
        made = func(*args, **kwargs)
        if depends:
            self._record(func, name, args, kwargs, made)
        else:
            self.constants |= {id(item): item for item in pytree.tree_leaves(made)}
        return made

    def refuse(self, message: str) -> NoReturn:
        """Raise an ExportError, and raise it again at the end in case the forward catches it."""
        self.refusal = self.refusal or ExportError(message)
        raise self.refusal

    def refuse_reading(self, name: str) -> NoReturn:
        """Refuse an operation that hands numbers of the image to Python."""
        self.refuse(
            f"'{name}' lets the steps of the forward depend on the numbers of the image{_here()}, but they must be the "
            "same for all images."
        )

    def _called(self, func: Any) -> str:
        """Return the name for an operation: the path of the layer, or the operation's own name."""
        path, kind = self.path[-1]
        name = func._schema.name.partition("::")[2]
        return path if kind else NAMES.get(name, name.lstrip("_"))

    def _record(self, func: Any, name: str, args: Any, kwargs: Any, made: Any) -> None:
        (path, kind), target = self.path[-1], func
        arguments = {argument.name: value for argument, value in zip(func._schema.arguments, args, strict=False)}
        for argument in func._schema.arguments[len(args) :]:
            arguments[argument.name] = kwargs.get(argument.name, argument.default_value)
        if func is torch.ops.xnorkit.layer.default:
            path, target = self.layers[arguments["key"]]
            name, arguments = path, {"x": arguments["x"]}
        outputs = [made] if isinstance(made, Tensor) else list(made)
        arguments = pytree.tree_map_only(Tensor, lambda t: self.refs.get(id(t), t), arguments)
        call = Call(self._unique(name), path, kind, target, arguments, outputs)
        for index, output in enumerate(outputs):
            if id(output) not in self.refs:
                self.refs[id(output)] = Ref(len(self.captured.calls), index)
        self.captured.calls.append(call)

    def _unique(self, name: str) -> str:
        count = self.names.get(name, 0)
        self.names[name] = count + 1
        return name if count == 0 else f"{name}_{count}"


class _Escapes(TorchFunctionMode):
    """Refuses calls that hand numbers of the image to Python without an operation that the recorder sees."""

    CALLS = ("numpy", "__array__", "tolist", "data_ptr", "untyped_storage", "__dlpack__")

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in self.CALLS and args and isinstance(args[0], Tensor) and torch._is_functional_tensor(args[0]):
            self.recorder.refuse_reading(name.strip("_"))
        return func(*args, **(kwargs or {}))


def _written(func: Any, args: Any, kwargs: Any) -> Tensor | None:
    """Return the tensor that an operation writes into, if it does."""
    for argument, value in itertools.zip_longest(func._schema.arguments, args):
        if argument is not None and argument.alias_info is not None and argument.alias_info.is_write:
            return value if value is not None else kwargs.get(argument.name)
    return None


def _state(module: nn.Module) -> list[int]:
    """Return ids that change if the tensors of a module are replaced."""
    return [
        id(value)
        for value in (*module.parameters(), *module.buffers(), *map(vars(module).get, ("weight", "bias")))
        if torch.is_tensor(value)
    ]


def is_itself(module: nn.Module) -> bool:
    """Return whether a module behaves like its class in PyTorch or this library, with nothing overridden or patched."""
    changed = {name for name, value in vars(module).items() if callable(value) and hasattr(type(module), name)}
    for kind in type(module).__mro__:
        if kind.__module__.startswith(("torch.nn.modules.", "xnorkit.")):
            return changed <= HARMLESS
        changed |= {name for name, value in vars(kind).items() if callable(value) or isinstance(value, property)}
    return False


def _here() -> str:
    """Return the line of the user's code that is running, for messages."""
    return _line(traceback.extract_stack())


def _where(trace: Any) -> str:
    return _line(traceback.extract_tb(trace))


def _line(frames: Any) -> str:
    """Return the innermost of `frames` that belongs neither to PyTorch nor to this package."""
    inside = tuple(f"{folder}/" for folder in (Path(torch.__file__).parent, Path(__file__).parent.parent))
    users = [f for f in frames if not f.filename.startswith((*inside, "<"))]
    if not users:
        return ""
    return f" at line {users[-1].lineno} of {Path(users[-1].filename).name}, `{users[-1].line}`"
