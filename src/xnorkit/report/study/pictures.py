"""The arrays that the page draws, filters, signs and mistakes, each in an .npz file beside the records."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xnorkit import runtime
from xnorkit.app.predict import softmax
from xnorkit.app.trained import prepared_by
from xnorkit.data import ImageData, create_data
from xnorkit.errors import InputError
from xnorkit.export import pack
from xnorkit.format import infer_shapes
from xnorkit.nn import BinaryConv2d
from xnorkit.report.records import Record
from xnorkit.report.study.plan import RunSpec
from xnorkit.report.study.run_folder import Run
from xnorkit.report.study.study import Step, Study, Subject, blank, measured
from xnorkit.report.study.trainings import command_of, find_run
from xnorkit.runtime import unpack_bits
from xnorkit.train import load_checkpoint, read_checkpoint

__all__ = ["picture_steps"]

SHOWN_FILTERS, SHOWN_MISTAKES, SHOWN_IMAGES, SHOWN_MAPS = 64, 24, 4, 16
SECONDS = 1.0
FOLDER = "pictures"
Picture = tuple[Mapping[str, NDArray[Any]], dict[str, int]]


@dataclass(frozen=True)
class _Shown:
    """A trained network, its data, and its packed program."""

    study: Study
    run: Run

    @cached_property
    def model(self) -> nn.Module:
        return load_checkpoint(self.run.checkpoint)[0]

    @cached_property
    def data(self) -> ImageData:
        recipe = self.run.recipe
        return create_data(recipe.data.name, self.study.data, recipe.data.options())

    @cached_property
    def packed(self) -> runtime.Model:
        stored = read_checkpoint(self.run.checkpoint)
        by, preparation = prepared_by(stored, self.data)
        about: dict[str, Any] = {"normalization": by, "preparation": preparation}
        return runtime.Model(pack(self.model, self.data.input_shape, name=self.run.recipe.name, **about))


def _first_layer_filters(shown: _Shown) -> Picture:
    """Arrays: weight (O, C_in, KH, KW) float32."""
    layer = next(module for module in shown.model.modules() if isinstance(module, nn.Conv2d))
    weight = layer.weight.detach().numpy()[:SHOWN_FILTERS]
    return {"weight": weight}, {"filters": layer.out_channels, "shown": len(weight)}


def _binary_filters(shown: _Shown) -> Picture:
    """Arrays: sign (O, C_in, KH, KW) int8, +1 and -1, of the first binary convolution."""
    layer = next((module for module in shown.model.modules() if isinstance(module, BinaryConv2d)), None)
    if layer is None:
        raise InputError(f"the network of {shown.run.folder} has no binary convolution, but the picture needs one.")
    with torch.no_grad():
        values = layer.weight_pre_process(layer.weight)
    sign = torch.where(values >= 0, 1, -1).to(torch.int8).numpy()
    figures = {"filters": len(sign), "plus": int((sign > 0).sum()), "weights": sign.size}
    return {"sign": sign[:SHOWN_FILTERS]}, {**figures, "shown": min(len(sign), SHOWN_FILTERS)}


def _misclassified(shown: _Shown) -> Picture:
    """Arrays: images (N, C, H, W) uint8; index, label, predicted, probability (N,); classes.

    They are the mistakes of the packed network, the most confident first.
    """
    images, labels = shown.data.test_arrays()
    probabilities = np.concatenate(
        [softmax(shown.packed(part)) for part in np.array_split(images, -(-len(images) // 1000))]
    )
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    wrong = np.flatnonzero(predicted != labels)
    first = wrong[np.argsort(-confidence[wrong], kind="stable")][:SHOWN_MISTAKES]
    arrays = {
        "images": images[first],
        "index": first,
        "label": labels[first],
        "predicted": predicted[first],
        "probability": confidence[first].astype(np.float32),
        "classes": np.array(shown.data.classes),
    }
    return arrays, {"images": len(images), "wrong": len(wrong), "shown": len(first)}


def _sign_maps(shown: _Shown) -> Picture:
    """Arrays: images (N, C, H, W) uint8, sign (N, M, OH, OW) int8: the first activations that are bits, +1 and -1."""
    images, labels = shown.data.test_arrays(SHOWN_IMAGES)
    values = infer_shapes(shown.packed.graph)
    name = next((node.name for node in shown.packed.graph.nodes if values[node.name].kind == "bits"), None)
    if name is None:
        raise InputError(f"the network of {shown.run.folder} has no binary activations, but the picture needs some.")
    signs = unpack_bits(shown.packed.trace(images)[name], values[name].channels).transpose(0, 3, 1, 2)
    figures = {"channels": values[name].channels, "plus": int((signs > 0).sum()), "signs": signs.size}
    arrays = {"images": images, "label": labels, "sign": signs[:, :SHOWN_MAPS], "classes": np.array(shown.data.classes)}
    return arrays, {**figures, "shown": min(values[name].channels, SHOWN_MAPS)}


KINDS: dict[str, Callable[[_Shown], Picture]] = {
    "first-layer-filters": _first_layer_filters,
    "binary-filters": _binary_filters,
    "misclassified": _misclassified,
    "sign-maps": _sign_maps,
}


def picture_steps(study: Study) -> Iterable[Step]:
    """Yield one step per picture of each run that the plan shows."""
    for spec in map(study.plan.spec, study.plan.pictures):
        for kind in KINDS:
            subject = {"kind": kind, "model": spec.model, "family": spec.family, "dataset": spec.dataset}
            record = blank("picture", f"{kind}/{spec.key}", subject, command_of(spec), "its training is not run")
            measure = partial(_draw, study, spec, kind, record)
            yield Step(f"picture: {kind}, {spec.key}", SECONDS, [record], measure)


def _draw(study: Study, spec: RunSpec, kind: str, record: Record) -> list[Record]:
    run = find_run(study, spec)
    if run is None or run.float_stage:
        return [replace(record, reason=record.reason if run is None else run.float_stage)]
    arrays, figures = KINDS[kind](_Shown(study, run))
    file = f"{FOLDER}/{kind}-{spec.dataset}-{spec.model}-{spec.family}.npz"
    path = study.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    where: Subject = {"file": file, "run": run.folder.name}
    return [measured(record, figures, status=run.status, reason=run.reason, subject=where)]
