"""Train a recipe and write its checkpoint."""

import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from xnorkit.cli.arguments import ArgumentParser, Namespace, name
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_pairs, print_table
from xnorkit.errors import InputError

OVERRIDE = re.compile(r"[A-Za-z_][\w.]*=")
# Options of XNOR-Net-PyTorch and of PyTorch's examples -> what to write here; a word of VALUE stands for the value.
VALUE = re.compile(r"\b(N|RATE|NUMBER|NAME|DIR)\b")
OLD = {
    "-b": "batch_size=N",
    "--batch-size": "batch_size=N",
    "--lr": "optimizer.lr=RATE",
    "--learning-rate": "optimizer.lr=RATE",
    "--lr-epochs": "schedule.name=step schedule.step_epochs=N",
    "--wd": "optimizer.weight_decay=NUMBER",
    "--weight-decay": "optimizer.weight_decay=NUMBER",
    "--momentum": "optimizer.momentum=NUMBER",
    "-a": "the name of a recipe, or model.name=NAME",
    "--arch": "the name of a recipe, or model.name=NAME",
    "--caffe-data": "data.name=imagenet-lmdb data.preprocessing=seed",
    "-e": "xnorkit evaluate runs/NAME/last.ckpt",
    "--evaluate": "xnorkit evaluate runs/NAME/last.ckpt",
    "-j": "--workers N",
    "--start-epoch": "--resume last",
    "--no-cuda": "--accelerator cpu",
    "--cpu": "--accelerator cpu",
    "--gpu": "--accelerator gpu",
    "--gpus": "--accelerator gpu --devices N",
    "--world-size": "--devices N",
    "--dist-backend": "--strategy ddp",
    "--root-dir": "--data DIR",
    "--data-path": "--data DIR",
}
# Those without a counterpart -> why none is needed.
NEEDLESS = dict.fromkeys(("-p", "--print-freq", "--log-interval"), "A training prints how far it is by itself.")
NEEDLESS["--test-batch-size"] = "The size of the batches of an evaluation changes no result."
NEEDLESS["--dist-url"] = "The address comes from torchrun or SLURM."
HARDWARE = ("devices", "num_nodes", "accelerator", "strategy", "workers", "threads")
LIMITS = ("limit_train_batches", "limit_eval_batches", "fast_dev_run")


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(hint=as_field, description="Train a recipe: a name from `xnorkit recipes` or a YAML file.")
    add = parser.add_argument
    add("recipe", help="name or path of a recipe")
    add("overrides", nargs="*", default=[], help="fields to change, such as epochs=5 optimizer.lr=0.01")
    add("--exp-name", type=name, help="folder of the run inside the logs; default the recipe's name")
    add("--output", type=Path, help="folder of the run; default runs/EXP_NAME")
    add("--overwrite", action="store_true", help="replace the run that is in the folder")
    add("--resume", type=name, help="'last' or a checkpoint to continue from")
    add("--pretrained", type=name, help="checkpoint, or name of a run, whose weights to start with")
    add("--seed", type=int, help="as seed=N")
    add("--seeds", help="train once for each, as 0,1,2, and report the mean and the spread")
    add("--precision", help="as precision=bf16-mixed; 32-true, bf16-mixed or 16-mixed")
    add("--devices", help="number of devices, 'auto' for all, or their numbers as 0,2")
    add("--num-nodes", type=int, help="machines of the run")
    add("--strategy", help="how processes work together: auto or ddp")
    add("--fast-dev-run", action="store_true", help="one batch of training and of evaluation; writes nothing")
    add("--print-config", action="store_true", help="print the recipe with all its fields, and do not train")
    add_training_options(parser)
    return parser


def add_training_options(parser: ArgumentParser) -> None:
    """Add the options of every command that trains: data, machine, limits, output."""
    add = parser.add_argument
    add("--data", type=Path, help="folder that holds the data set's official files")
    add("--download", type=bool, default=False, help="true: fetch the data set if the folder lacks it")
    add("--logger", help="also log to any of csv, tensorboard, wandb, mlflow, with commas")
    add("--accelerator", help="auto, cpu, gpu, mps")
    add("--workers", type=int, help="processes that read the data, per device")
    add("--threads", type=int, help="threads of PyTorch; default its own choice")
    add("--machine", type=Path, help="machine file; default ~/.config/xnorkit.yaml, if there is one")
    add("--limit-train-batches", type=int, help="train on this many batches per epoch, for trials")
    add("--limit-eval-batches", type=int, help="evaluate on this many batches, for trials")
    add("--json", action="store_true", help="print the result as JSON")


def as_field(option: str, value: str) -> str:
    """Return how to write an option that is a field of the recipe or has another name: epochs=3 for --epochs 3."""
    old = option.replace("_", "-")
    if not old.startswith("--"):  # -b64
        old, value = old[:2], old[2:] or value
    if old in NEEDLESS:
        return f"It is an option of another program. {NEEDLESS[old]} Leave it out."
    if old in OLD:
        ours = VALUE.sub(lambda word: value or word[0], OLD[old])
        return f"It is an option of another program. Write {ours}."
    from xnorkit.train.recipe import Recipe

    field = option.lstrip("-").replace("-", "_")
    known = {entry.name for entry in fields(Recipe)}
    return f"It is a field of the recipe. Write {field}={value or 'VALUE'}." if field.partition(".")[0] in known else ""


def refuse_options(overrides: Sequence[str], parser: ArgumentParser) -> None:
    """Raise InputError for an override that is an option: resume=last for --resume last."""
    from xnorkit.train.recipe import Recipe

    known = {action.dest for action in parser._actions} - {entry.name for entry in fields(Recipe)}
    for override in overrides:
        field, _, value = override.partition("=")
        if field in known:
            option = f"--{field.replace('_', '-')}"
            raise InputError(f"{field} is not a field of the recipe but an option. Write {option} {value}.")


def run(options: Namespace) -> None:
    """Train, then print accuracy, time and where the checkpoint is."""
    require("torch", "lightning", "pydantic")
    from xnorkit.train import find_checkpoint, fit, fit_seeds, load_machine, load_recipe
    from xnorkit.train.memory import reuse_memory

    machine = load_machine(options.machine)
    values = vars(options)
    given = [f"{field}={values[field]}" for field in ("seed", "precision") if values[field] is not None]
    name, overrides = recipe_first([options.recipe, *options.overrides])
    refuse_options(overrides, parser())
    recipe = load_recipe(name, [*overrides, *given], machine.recipe_defaults())
    if options.print_config:
        print(recipe.to_yaml(), end="")
        return
    logs = Path(machine.logs)
    output = options.output or logs / (options.exp_name or recipe.name)
    hardware = machine.hardware(**{field: values[field] for field in (*HARDWARE, *LIMITS)})
    if hardware.accelerator in {"auto", "cpu"}:
        reuse_memory()
    chosen: dict[str, Any] = {
        "data_root": options.data or machine.data,
        "download": options.download,
        "output": output,
        "resume": options.resume,
        "pretrained": find_checkpoint(options.pretrained, logs) if options.pretrained else None,
        "overwrite": options.overwrite,
        "hardware": hardware,
        "progress": not options.json,
        "logger": options.logger.split(",") if options.logger else None,
    }
    if options.seeds is not None:
        _show_seeds(recipe.name, fit_seeds(recipe, _seeds(options), **chosen), options)
        return
    try:
        result = fit(recipe, **chosen)
    except KeyboardInterrupt:
        if (output / "last.ckpt").is_file():
            print(f"{output / 'last.ckpt'} holds the last whole epoch. Continue with --resume last.", file=sys.stderr)
        raise
    if not result.is_first_process:
        return
    if options.json:
        print_json(result.to_json())
    else:
        print_pairs(_pairs(recipe.name, result, options.fast_dev_run))


def _seeds(options: Namespace) -> list[int]:
    """Return the seeds of --seeds."""
    if options.seed is not None:
        raise InputError("--seed and --seeds are both given, but only one of them must be.")
    try:
        return [int(word) for word in options.seeds.split(",")]
    except ValueError:
        raise InputError(
            f"--seeds is {options.seeds}, but it must be whole numbers with commas between them, such as 0,1,2."
        ) from None


def _show_seeds(name: str, found: Any, options: Namespace) -> None:
    """Print a row per seed, and the mean and spread."""
    results = list(found.results.items())
    if not results[0][1].is_first_process:
        return
    if options.json:
        print_json(found.to_json())
        return
    rows = [[str(seed), f"{one.accuracy:.2%}", f"{one.loss:.4f}", f"{one.seconds:.1f}"] for seed, one in results]
    print_table(f"{name}, {results[0][1].split}", ["seed", "top-1", "loss", "seconds"], rows)
    print_pairs({"top-1": found.words})


def recipe_first(words: list[str]) -> tuple[str, list[str]]:
    """Return the recipe and the overrides, which may stand on either side of it."""
    recipes = [word for word in words if not OVERRIDE.match(word)]
    if not recipes:
        raise InputError(
            f"{' '.join(words)} is given without a recipe, but there must be one. Give its name or path, such as "
            "lenet5-digits."
        )
    words.remove(recipes[0])
    return recipes[0], words


def _pairs(name: str, result: Any, trial: bool) -> dict[str, object]:
    pairs: dict[str, object] = {"recipe": name, f"top-1, {result.split}": f"{result.accuracy:.2%}"}
    flip = " (with test-time flip)" if result.test_flip else ""
    if result.top5 is not None:
        pairs["top-5"] = f"{result.top5:.2%}{flip}"
    pairs["loss"] = f"{result.loss:.4f}"
    if trial:
        return {**pairs, "checkpoint": "none: one batch of training and of evaluation, nothing was written"}
    pairs |= {"epochs": result.epochs, "seconds": f"{result.seconds:.1f}", "checkpoint": result.checkpoint}
    if result.best is None:
        return {**pairs, "best epoch": "not chosen: the recipe holds no images out to choose by (data.selection)"}
    best = result.best
    pairs["best epoch"] = f"{best.epoch}: {best.selection_accuracy:.2%} of the selection split{flip}"
    return {**pairs, "its top-1": f"{best.accuracy:.2%}{flip}", "its checkpoint": best.checkpoint}
