"""Each trained model that ships: its file, its card, its answers on every instruction set, its accuracy."""

import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from publish import MAX_BYTES, TERMS

from xnorkit import _engine, zoo
from xnorkit.app.evaluate import evaluate_file
from xnorkit.errors import DataError, InputError
from xnorkit.format import read
from xnorkit.models import create_model, list_models
from xnorkit.runtime import load
from xnorkit.train import list_recipes

NAMES = zoo.list_pretrained()


def test_there_are_some() -> None:
    assert "lenet5-digits" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_that_of_the_card(name: str) -> None:
    content, card = zoo.path(name).read_bytes(), zoo.card(name)
    assert card.name == name
    assert hashlib.sha256(content).hexdigest() == card.sha256
    assert len(content) == card.bytes <= MAX_BYTES
    graph = read(zoo.path(name))
    assert graph.input.shape == card.input_shape
    assert graph.input.normalization is not None
    assert graph.metadata == {
        **{key: getattr(card, key) for key in ("name", "data", "split", "images", "top1", "top5", "seed", "commit")},
        "classes": list(card.classes),
        "recipe": card.series.recipe,
        "license": card.data_license,
        "epochs": card.series.epochs,
        "seeds": [run.seed for run in card.series.runs],
        "top1_of_seeds": [run.top1 for run in card.series.runs],
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_consistent(name: str) -> None:
    card = zoo.card(name)
    chosen = next(run for run in card.series.runs if run.seed == card.seed)
    assert card.seed == 0
    assert chosen.top1 == card.top1
    assert card.proof["binary_outputs_equal"] is True
    assert card.proof["images"] == card.images
    assert card.model in list_models()
    assert (card.data_title, card.data_source, card.data_license) == TERMS[card.data]
    for series in (card.series, *card.twins):
        assert series.recipe in list_recipes()
        assert [run.seed for run in series.runs] == sorted({run.seed for run in series.runs})
        assert series.epochs >= 1
    assert zoo.Card.from_json(card.to_json()) == card
    shown = [*card.series.overrides, card.hardware, card.command(card.series)]
    assert not any(re.search(r"(^|[ =])/", text) for text in shown), "a path of the machine that trained it"


@pytest.mark.parametrize("isa", _engine.isas())
@pytest.mark.parametrize("name", NAMES)
def test_stored_logits_on_every_isa(name: str, isa: str) -> None:
    sample = zoo.sample(name)
    assert sample.images.dtype == np.uint8
    assert len(sample.images) == len(sample.labels) <= 10
    count, most = (2, 1) if isa == "reference" else (10, 2)  # the reference takes a second for an image
    for threads in range(1, most + 1):
        logits = load(name, isa=isa, threads=threads)(sample.images[:count])
        np.testing.assert_array_equal(logits, sample.logits[:count])


@pytest.mark.parametrize("name", NAMES)
def test_as_a_module(name: str) -> None:
    module, sample = create_model(name, pretrained=True), zoo.sample(name)
    assert not module.training
    np.testing.assert_array_equal(module(torch.from_numpy(sample.images)).numpy(), sample.logits)
    assert name in repr(module)
    assert module.eval() is module
    with pytest.raises(InputError, match=r"no latent weights\. To train the network again, run xnorkit train"):
        module.train()
    for option in ({"num_classes": 3}, {"binarization": "bwn"}, {"block_type": "react"}):
        with pytest.raises(InputError, match=f"takes no {next(iter(option))}"):
            create_model(name, pretrained=True, **option)


@pytest.mark.parametrize("name", NAMES)
def test_stated_accuracy(name: str) -> None:
    card = zoo.card(name)
    root = os.environ.get("XNORKIT_DATA")
    try:
        found = evaluate_file(Path(name), data_root=Path(root) if root else None, threads=1)
    except DataError as error:
        pytest.skip(f"{card.data_title} is not there: {str(error)[:60]}...")
    if found["split"] != card.split:
        pytest.skip(f"the card is of {card.split}, the data folder has {found['split']}")
    assert {key: found[key] for key in ("images", "top1", "top5")} == {
        "images": card.images,
        "top1": card.top1,
        "top5": card.top5,
    }
