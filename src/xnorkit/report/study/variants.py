"""The comparison of gradient rules and of parts of the binarization, on one network with one budget."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from xnorkit.report.records import Record
from xnorkit.report.study.run_folder import read_run
from xnorkit.report.study.study import Step, Study, Subject, blank, measured
from xnorkit.report.study.trainings import VARIANT, train
from xnorkit.train import BinarizerSpec, Recipe, StageSpec, load_recipe

__all__ = ["ABLATION", "GRADIENTS", "Variant", "recipe_of", "variant_steps"]

SIGN, SCALED_SIGN = BinarizerSpec("BasicInputBinarizer"), BinarizerSpec("XNORWeightBinarizer")
ENDS = ["_first_", "_last_"]


@dataclass(frozen=True)
class Variant:
    """The processes of a binary layer's input, weight and sums; None omits one."""

    activations: BinarizerSpec | None = SIGN
    weight: BinarizerSpec | None = SCALED_SIGN
    output: BinarizerSpec | None = None


def _scaled(**options: object) -> Variant:
    return Variant(weight=BinarizerSpec("XNORWeightBinarizer", dict(options)))


# The rules of docs/how-xnor-net-works.md; "seeds" is the rule of the reference code.
GRADIENTS = {
    "exact": _scaled(gradient="exact"),
    "paper": _scaled(gradient="paper"),
    "seeds": _scaled(gradient="xnor-net-pytorch"),
    "ste": _scaled(gradient="ste"),
}
ABLATION = {
    "full xnor": Variant(),
    "no alpha": _scaled(compute_alpha=False),
    "centred weights": _scaled(center_weights=True),
    "with K": Variant(output=BinarizerSpec("XNORScaleBinarizer")),
    "binary weights alone": Variant(activations=None),
    "binary activations alone": Variant(weight=None),
}
KEYS = {"gradients": ("rule", GRADIENTS), "ablation": ("change", ABLATION)}


def variant_steps(study: Study, experiment: str) -> Iterable[Step]:
    """Yield one step per variant and seed of "gradients" or "ablation"."""
    key, variants = KEYS[experiment]
    for seed in study.seeds:
        for name, variant in variants.items():
            yield _step(study, experiment, (key, name), variant, seed)


def recipe_of(study: Study, variant: Variant, name: str, seed: int) -> Recipe:
    """Return the recipe of the plan with the binarization of a variant, in one stage, and the common budget."""
    base = load_recipe(study.plan.variants.recipe)
    stage = StageSpec(
        name=name,
        epochs=study.epochs or study.plan.variants.epochs,
        pre_activation=variant.activations or BinarizerSpec("nn.Identity"),
        post_activation=variant.output,
        weight=variant.weight,
        ignore_layers=ENDS,
    )
    return replace(base, name=name, seed=seed, stages=[stage])


def _step(study: Study, experiment: str, what: tuple[str, str], variant: Variant, seed: int) -> Step:
    key, name = what
    plan = study.plan.variants
    epochs = study.epochs or plan.epochs
    folder = f"{VARIANT}{experiment}-{name.replace(' ', '-')}-{epochs}-s{seed}"
    recipe = recipe_of(study, variant, folder, seed)
    data = recipe.data.name
    subject: Subject = {key: name, "model": recipe.model.name, "dataset": data, "epochs": epochs, "seed": seed}
    command = f"xnorkit report{' --quick' if study.plan.mode == 'quick' else ''} --only {experiment}"
    record = blank(experiment, f"{name}/{data}/e{epochs}/s{seed}", subject, command)

    def measure() -> Iterable[Record]:
        train(study, recipe, folder)
        run = read_run(study.own_runs / folder)
        if run is None:
            return
        values = {"top1": run.last("eval_accuracy"), "train_loss": run.last("train_loss")}
        split: Subject = {} if run.result is None else {"split": run.result["split"], "images": run.result["images"]}
        yield measured(record, values, status=run.status, reason=run.reason, subject=split)

    return Step(f"{experiment}: {name}, seed {seed}", plan.seconds * epochs / plan.epochs, [record], measure)
