"""Train a recipe with every combination of some values, and compare."""

import sys
from pathlib import Path
from typing import Any

from xnorkit.cli.arguments import ArgumentParser, Namespace, name
from xnorkit.cli.needs import require
from xnorkit.cli.output import print_json, print_pairs, print_table
from xnorkit.cli.train import add_training_options, as_field, recipe_first, refuse_options
from xnorkit.errors import XnorkitError


def parser() -> ArgumentParser:
    """Return the command's options."""
    parser = ArgumentParser(
        hint=_hint,
        description="Train a recipe once with every combination of the values that are given for its fields, and "
        "compare. Repeat the command to continue a sweep that was interrupted.",
    )
    add = parser.add_argument
    add("recipe", help="name or path of a recipe")
    add("overrides", nargs="*", default=[], help="fields, such as optimizer.lr=0.001,0.003 seed=0,1 epochs=5")
    add("--exp-name", type=name, help="folder of the sweep inside the logs; default the recipe's name and -sweep")
    add("--output", type=Path, help="folder of the sweep; default runs/EXP_NAME")
    add_training_options(parser)
    return parser


def _hint(option: str, value: str) -> str:
    if option == "--seeds":
        return f"In a sweep, the seed is a field like others. Write seed={value or '0,1,2'}."
    return as_field(option, value)


def run(options: Namespace) -> None:
    """Train what is not done yet, then print a row per combination, and the best where it may be chosen."""
    require("torch", "lightning", "pydantic", "optuna")
    from xnorkit.app.sweep import Grid, run_sweep
    from xnorkit.train import load_machine
    from xnorkit.train.memory import reuse_memory

    machine = load_machine(options.machine)
    recipe, overrides = recipe_first([options.recipe, *options.overrides])
    refuse_options(overrides, parser())
    grid = Grid(recipe, overrides, machine.recipe_defaults())
    title = next(iter(grid.recipes.values()))[1].name
    output = options.output or Path(machine.logs) / (options.exp_name or f"{title}-sweep")
    limits = {field: getattr(options, field) for field in ("limit_train_batches", "limit_eval_batches")}
    own = {field: getattr(options, field) for field in ("accelerator", "workers", "threads")}
    hardware = machine.hardware(**own, **limits, devices="1", num_nodes=1, strategy="auto")
    if hardware.accelerator in {"auto", "cpu"}:
        reuse_memory()
    try:
        trials = run_sweep(
            grid,
            output,
            hardware=hardware,
            progress=not options.json,
            data_root=options.data or machine.data,
            download=options.download,
            logger=options.logger.split(",") if options.logger else None,
        )
    except KeyboardInterrupt:
        if output.is_dir():
            print(f"{output} holds what is done. Repeat the command to go on.", file=sys.stderr)
        raise
    best = _best(trials) if grid.selects else []
    if options.json:
        chosen = [str(trial.folder) for trial in best]
        rows = [trial.to_json() for trial in trials]
        print_json({"recipe": title, "chosen_by": "selection split" if best else None, "best": chosen, "trials": rows})
    else:
        _show(title, trials, best, grid)
    if not any(trial.result for trial in trials):
        raise XnorkitError(
            f"none of {len(trials)} trainings reached its end, but one must. Correct what each row says."
        )


def _best(trials: list[Any]) -> list[Any]:
    """Return the trials with the highest top-1 of the selection split."""
    top = {id(trial): trial.result["best"]["selection_accuracy"] for trial in trials if trial.result}
    return [trial for trial in trials if top.get(id(trial)) == max(top.values(), default=None) is not None]


def _show(title: str, trials: list[Any], best: list[Any], grid: Any) -> None:
    """Print the table of a sweep, named by the split that it compares, and which combination is best."""
    splits = {trial.result["split"] for trial in trials if trial.result}
    one = grid.selects or len(splits) <= 1
    split = "selection split" if grid.selects else splits.pop() if len(splits) == 1 else ""
    rows = []
    for trial in trials:
        accuracy, measured = "", ""
        if trial.result:
            accuracy = trial.result["best"]["selection_accuracy"] if grid.selects else trial.result["accuracy"]
            accuracy, measured = f"{accuracy:.2%}", trial.result["split"]
        note = "failed" if trial.error else "best" if trial in best else ""
        rows.append([*trial.values.values(), accuracy, *([] if one else [measured]), note])
    columns = [*grid.axes, f"top-1, {split}" if split else "top-1", *([] if one else ["split"]), ""]
    failed = [f"{trial.words}: {trial.error}" for trial in trials if trial.error]
    print_table(f"{title}, {len(trials)} combinations", columns, rows, failed)
    if len(best) == 1:
        own = best[0].result
        print_pairs(
            {
                "best": best[0].words,
                f"its top-1, {own['split']}": f"{own['best']['accuracy']:.2%}",
                "its checkpoint": own["best"]["checkpoint"],
            }
        )
    elif best:
        print_pairs({"best": f"not one: {len(best)} combinations are equal"})
    elif one:
        print_pairs({"best": "not chosen: the recipe holds no images out to choose by (data.selection)"})
    else:
        print_pairs({"best": "not chosen: the combinations were measured on different images"})
