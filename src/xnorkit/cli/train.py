"""Train a recipe and write its checkpoint."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xnorkit.cli.arguments import ArgumentParser, Namespace
from xnorkit.cli.output import print_json, print_pairs

OVERRIDE = re.compile(r"[A-Za-z_][\w.]*=")
FLAGS = ("--json", "--overwrite", "--fast-dev-run", "--print-config", "--help", "-h")
HARDWARE = ("devices", "num_nodes", "accelerator", "strategy", "workers", "threads")
LIMITS = ("limit_train_batches", "limit_eval_batches", "fast_dev_run")


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Train a recipe: a name from `xnorkit recipes` or a YAML file.")
    add = parser.add_argument
    add("recipe", type=str, help="name or path of a recipe")
    add("overrides", type=str, nargs="*", default=[], help="fields to change, as epochs=5 optimizer.lr=0.01")
    add("--data", type=Path | None, default=None, help="folder that holds the data set's official files")
    add("--download", type=bool, default=False, help="true: fetch the data set if the folder lacks it")
    add(
        "--exp-name", type=str | None, default=None, help="folder of the run inside the logs; default the recipe's name"
    )
    add("--output", type=Path | None, default=None, help="folder of the run; default runs/EXP_NAME")
    add("--overwrite", action="store_true", help="replace the run that is in the folder")
    add("--resume", type=str | None, default=None, help="'last' or a checkpoint to go on from")
    add("--pretrained", type=str | None, default=None, help="checkpoint, or name of a run, whose weights to start with")
    add("--seed", type=int | None, default=None, help="as seed=N")
    add("--precision", type=str | None, default=None, help="as precision=bf16-mixed; 32-true, bf16-mixed or 16-mixed")
    add("--devices", type=str | None, default=None, help="number of devices, 'auto' for all, or their numbers as 0,2")
    add("--num-nodes", type=int | None, default=None, help="machines of the run")
    add("--accelerator", type=str | None, default=None, help="auto, cpu, gpu, mps")
    add("--strategy", type=str | None, default=None, help="how processes work together: auto or ddp")
    add("--workers", type=int | None, default=None, help="processes that read the data, per device")
    add("--threads", type=int | None, default=None, help="threads of PyTorch; default its own choice")
    add(
        "--machine",
        type=Path | None,
        default=None,
        help="machine file; default ~/.config/xnorkit.yaml, if there is one",
    )
    add("--limit-train-batches", type=int | None, default=None, help="train on this many batches per epoch, for trials")
    add("--limit-eval-batches", type=int | None, default=None, help="evaluate on this many batches, for trials")
    add("--fast-dev-run", action="store_true", help="one batch of training and of evaluation; writes nothing")
    add("--print-config", action="store_true", help="print the recipe with all its fields, and do not train")
    add("--json", action="store_true", help="print the result as JSON")
    return parser


def arrange(words: Sequence[str]) -> list[str]:
    """Return the words of the command with overrides next to the recipe, wherever they stood among the options."""
    options: list[str] = []
    overrides: list[str] = []
    recipe: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("--") and "=" not in before and before not in FLAGS
        if word.startswith("-") or is_value:
            options.append(word)
        else:
            (overrides if OVERRIDE.match(word) else recipe).append(word)
    return [*recipe, *overrides, *options]


def run(options: Namespace) -> None:
    """Train, then print accuracy, time and where the checkpoint is."""
    from xnorkit.train import find_checkpoint, fit, load_machine, load_recipe
    from xnorkit.train.memory import reuse_memory

    machine = load_machine(options.machine)
    given = [f"{name}={options[name]}" for name in ("seed", "precision") if options[name] is not None]
    recipe = load_recipe(options.recipe, [*options.overrides, *given], machine.recipe_defaults())
    if options.print_config:
        print(recipe.to_yaml(), end="")
        return
    logs = Path(machine.logs)
    output = options.output or logs / (options.exp_name or recipe.name)
    hardware = machine.hardware(**{name: options[name] for name in (*HARDWARE, *LIMITS)})
    if hardware.accelerator in {"auto", "cpu"}:
        reuse_memory()
    try:
        result = fit(
            recipe,
            data_root=options.data or machine.data,
            download=options.download,
            output=output,
            resume=options.resume,
            pretrained=find_checkpoint(options.pretrained, logs) if options.pretrained else None,
            overwrite=options.overwrite,
            hardware=hardware,
            progress=not options.json,
        )
    except KeyboardInterrupt:
        if (output / "last.ckpt").is_file():
            print(f"{output / 'last.ckpt'} holds the last whole epoch; go on with --resume last", file=sys.stderr)
        raise
    if not result.is_first_process:
        return
    if options.json:
        print_json(result.to_json())
    else:
        print_pairs(_pairs(recipe.name, result, options.fast_dev_run))


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
