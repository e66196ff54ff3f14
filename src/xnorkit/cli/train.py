"""Train a recipe and write its checkpoint."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from xnorkit.cli.output import print_json, print_pairs

OVERRIDE = re.compile(r"[A-Za-z_][\w.]*=")


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(description="Train a recipe: a name from `xnorkit recipes` or a YAML file.")
    parser.add_argument("recipe", type=str, help="name or path of a recipe")
    parser.add_argument(
        "overrides", type=str, nargs="*", default=[], help="fields to change, as epochs=5 optimizer.lr=0.01"
    )
    parser.add_argument(
        "--data", type=Path | None, default=None, help="folder that holds the data set's official files"
    )
    parser.add_argument("--download", type=bool, default=False, help="true: fetch the data set if the folder lacks it")
    parser.add_argument(
        "--output", type=Path | None, default=None, help="folder for checkpoint and logs; default runs/RECIPE"
    )
    parser.add_argument("--resume", type=str | None, default=None, help="'last' or a checkpoint to go on from")
    parser.add_argument("--threads", type=int | None, default=None, help="threads of PyTorch; default its own choice")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def arrange(words: Sequence[str]) -> list[str]:
    """Return the words of the command with overrides next to the recipe, wherever they stood among the options."""
    options: list[str] = []
    overrides: list[str] = []
    recipe: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("--") and "=" not in before and before != "--json"
        if word.startswith("-") or is_value:
            options.append(word)
        else:
            (overrides if OVERRIDE.match(word) else recipe).append(word)
    return [*recipe, *overrides, *options]


def run(options: Namespace) -> None:
    """Train, then print accuracy, time and where the checkpoint is."""
    from xnorkit.train import fit, load_recipe

    recipe = load_recipe(options.recipe, options.overrides)
    output = options.output or Path("runs") / recipe.name
    try:
        result = fit(
            recipe,
            data_root=options.data,
            download=options.download,
            output=output,
            resume=options.resume,
            threads=options.threads,
            progress=not options.json,
        )
    except KeyboardInterrupt:
        if (output / "last.ckpt").is_file():
            print(f"{output / 'last.ckpt'} holds the last whole epoch; go on with --resume last", file=sys.stderr)
        raise
    if options.json:
        print_json(result.to_json())
    else:
        print_pairs(
            {
                "recipe": recipe.name,
                f"top-1, {result.split}": f"{result.accuracy:.2%}",
                "loss": f"{result.loss:.4f}",
                "epochs": result.epochs,
                "seconds": f"{result.seconds:.1f}",
                "checkpoint": result.checkpoint,
            }
        )
