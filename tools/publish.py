"""Turn run folders of several seeds into a trained model: NAME.xnor, NAME.json (its card), NAME.npz (images).

This is not a command: `tools/publish_zoo.py` calls it and rewrites the pages of docs/.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from run_figures import RunRecord, read_series

from xnorkit import runtime
from xnorkit.app.evaluate import evaluate_file
from xnorkit.app.export import ExportResult, export_checkpoint
from xnorkit.errors import InputError
from xnorkit.format import read, write
from xnorkit.zoo import Card, Run, Series

__all__ = ["MAX_BYTES", "TERMS", "publish", "set_twins"]

MAX_BYTES = 3_000_000
SAMPLED = 8

TERMS: Mapping[str, tuple[str, str, str]] = {
    "digits": (
        "the digits of scikit-learn",
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998)",
        "CC BY 4.0",
    ),
    "mnist": (
        "MNIST",
        "LeCun, Cortes and Burges, The MNIST database of handwritten digits (1998)",
        "stated by others as CC BY-SA 3.0; the authors name none",
    ),
    "cifar10": (
        "CIFAR-10",
        "Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009)",
        "none stated by the author, who asks to be cited",
    ),
}
"""A data set -> its title, source and licence."""


def publish(
    name: str,
    folders: Sequence[Path],
    output: Path,
    *,
    data_root: Path,
    hardware: str,
    commit: str,
    twins: Sequence[Sequence[Path]] = (),
    seed: int = 0,
) -> Card:
    """Write the packed model of one run, its card and a few images; return the card.

    The run of `seed` ships, which is fixed before the runs. Its file is proved on the whole evaluation
    split, and every seed's file is evaluated on the engine.

    Args:
        name: the name of the trained model, such as `lenet5-mnist`.
        folders: the folders of the runs of one recipe with different seeds.
        output: the folder to write into.
        data_root: the folder of the data sets.
        hardware: a description of the machine of the runs.
        commit: the commit of the sources.
        twins: the folders of the runs in other binarizations, one series each.
        seed: the seed that ships.

    Raises:
        InputError: the folders are not a series, none has `seed`, the terms of the data set are unknown, or the file is
            larger than `MAX_BYTES`.
        ExportError: the packed model differs from the trained one.
    """
    records = read_series(folders)
    chosen = next((record for record in records if record.recipe.seed == seed), None)
    recipe = records[0].recipe
    if chosen is None or recipe.data.name not in TERMS:
        raise InputError(
            f"seeds {[record.recipe.seed for record in records]} on data '{recipe.data.name}', but need seed {seed} "
            f"among them, and data of known terms: {', '.join(TERMS)}."
        )
    others = tuple(_twin(read_series(folders), recipe.data.name) for folders in twins)
    title, source, terms = TERMS[recipe.data.name]
    runs, found, proved = [], {}, None
    target = output / f"{name}.xnor"
    with tempfile.TemporaryDirectory(dir=output) as folder:
        for record in records:
            file = Path(folder) / f"{record.recipe.seed}.xnor"
            images = None if record is chosen else SAMPLED
            exported = export_checkpoint(record.checkpoint, file, data_root=data_root, images=images, terms=terms)
            reached = evaluate_file(file, data_root=data_root, test_flip=record.recipe.test_flip)
            runs.append(Run(record.recipe.seed, reached["top1"], record.top1, record.seconds))
            if record is chosen:
                found, proved = reached, exported
        assert proved is not None
        about = {"name": name, "seed": seed, "seeds": [run.seed for run in runs], "commit": commit}
        measured = {key: found[key] for key in ("split", "images", "top1", "top5")}
        graph = read(proved.path)
        trained = {"epochs": chosen.epochs, "top1_of_seeds": [run.top1 for run in runs]}
        graph = replace(graph, metadata={**graph.metadata, **measured, **about, **trained})
        draft = Path(folder) / target.name
        write(draft, graph)
        if draft.stat().st_size > MAX_BYTES:
            raise InputError(f"{name} takes {draft.stat().st_size:,} bytes, but at most {MAX_BYTES:,} may ship.")
        draft.replace(target)
    _write_sample(name, target, recipe.data.name, data_root)
    card = Card(
        name=name,
        description=recipe.description,
        model=recipe.model.name,
        input_shape=graph.input.shape,
        classes=tuple(graph.metadata["classes"]),
        data=recipe.data.name,
        data_title=title,
        data_source=source,
        data_license=terms,
        split=found["split"],
        images=found["images"],
        top1=found["top1"],
        top5=found["top5"],
        seed=seed,
        series=_series(records, runs),
        twins=others,
        proof=_proof(proved),
        hardware=hardware,
        commit=commit,
        bytes=target.stat().st_size,
        sha256=hashlib.sha256(target.read_bytes()).hexdigest(),
    )
    _write_card(card, output)
    return card


def set_twins(card: Card, twins: Sequence[Sequence[Path]], output: Path) -> Card:
    """Rewrite a card with `twins` in the place of those of their binarizations, and return it.

    The packed file and the other twins do not change.

    Args:
        card: the card of the trained model.
        twins: the folders of the runs in other binarizations, one series each.
        output: the folder of the card.

    Raises:
        InputError: folders are not a series, or belong to another data set.
    """
    new = [_twin(read_series(folders), card.data) for folders in twins]
    replaced = {twin.binarization for twin in new}
    kept = [twin for twin in card.twins if twin.binarization not in replaced]
    card = replace(card, twins=(*kept, *new))
    _write_card(card, output)
    return card


def _write_card(card: Card, output: Path) -> None:
    text = json.dumps(card.to_json(), indent=1)
    (output / f"{card.name}.json").write_text(text + "\n", encoding="utf-8")


def _write_sample(name: str, file: Path, data_name: str, data_root: Path) -> None:
    """Store the first images of the evaluation split with the logits of the file."""
    from xnorkit.data import create_data

    images, labels = create_data(data_name, data_root).test_arrays(SAMPLED)
    logits = runtime.load(file)(images)
    arrays: dict[str, Any] = {"images": images, "labels": labels, "logits": logits}
    np.savez_compressed(file.with_suffix(".npz"), **arrays)


def _series(records: Sequence[RunRecord], runs: Sequence[Run]) -> Series:
    first = records[0]
    binarization = first.recipe.model.binarization
    return Series(first.recipe.name, first.overrides, binarization, first.epochs, first.planned, tuple(runs))


def _twin(records: Sequence[RunRecord], data: str) -> Series:
    if records[0].recipe.data.name != data:
        raise InputError(f"{records[0].folder} has data '{records[0].recipe.data.name}', but it must be '{data}'.")
    return _series(records, [Run(r.recipe.seed, r.top1, r.top1, r.seconds) for r in records])


def _proof(result: ExportResult) -> dict[str, float]:
    proof = result.proof
    return {
        "images": proof.images,
        "predictions_equal": proof.predictions_equal,
        "binary_outputs_equal": bool(proof.binary_outputs_equal),
        "signs": proof.end_to_end_bits,
        "signs_flipped": proof.total_flips,
        "max_logit_difference": proof.max_logit_difference,
    }
