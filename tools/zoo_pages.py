"""Write docs/zoo/NAME.md, and the tables in README.md and docs/models.md, from the cards of trained models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xnorkit.errors import InputError
from xnorkit.zoo import Card, Series
from xnorkit.zoo.cards import EMBEDDED

__all__ = ["GOALS", "Goal", "card_page", "goals_table", "models_table", "readme_table", "write_pages"]

BEGIN, END = "<!-- {}: made by tools/publish_zoo.py -->", "<!-- /{} -->"

INPUT_NOTES = {
    "digits": (
        "It was trained on light strokes on black, digits of 8x8 pixels. For dark strokes on light paper add "
        "`--invert`. A model trained on MNIST reads digits better."
    ),
    "mnist": (
        "It was trained on light strokes on black, a digit centred in the picture. For dark strokes on light paper add "
        "`--invert`. Anything that is no digit gets a digit's name, too."
    ),
    "cifar10": (
        "It was trained on photographs of 32x32 pixels. Larger ones are resized whole; what matters should fill the "
        "picture. Anything outside the ten classes gets one of their names, too."
    ),
}


@dataclass(frozen=True)
class Goal:
    """A goal: a line of the table of results.

    Attributes:
        title: the network, data and split.
        accuracy: the target, or '' for none.
        recipe: the recipe that aims at it; its float twin is `twin`.
        shorter: a recipe of fewer epochs for the same network, whose result stands until there is one of `recipe`.
        bwn: the recipe of its twin with binary weights alone; by default the same recipe with that binarization.
    """

    title: str
    accuracy: str
    recipe: str
    twin: str
    bwn: str = ""
    shorter: str = ""


GOALS = (
    Goal("LeNet-5, MNIST, official test", "99.45 %", "lenet5-mnist", "lenet5-mnist-float", "lenet5-mnist-bwn"),
    Goal("ResNet-18, modern, CIFAR-10, batch 5", "92 %", "resnet18-cifar10-react", "resnet18-cifar10-float"),
    Goal("ResNet-18, plain XNOR, CIFAR-10, batch 5", "88 %", "resnet18-cifar10", "resnet18-cifar10-float"),
    Goal("NIN, CIFAR-10, batch 5", "88 %", "nin-cifar10", "nin-cifar10-float", shorter="nin-cifar10-short"),
    Goal("VGG-small, CIFAR-10, batch 5", "91 %", "vgg-small-cifar10", "vgg-small-cifar10-float"),
    Goal("ResNet-20, ReActNet's blocks, CIFAR-10, batch 5", "", "resnet20-cifar10", "resnet20-cifar10-float"),
)


def goals_table(cards: Sequence[Card]) -> str:
    """Return the table of targets and results, with the command of each run that is missing."""
    lines = ["| network, data, split | to reach | 1-bit weights and activations | 1-bit weights (BWN) | float32 |"]
    lines.append("|---|---|---|---|---|")
    for goal in GOALS:
        found = {card.series.recipe: card for card in cards}
        card = found.get(goal.recipe) or found.get(goal.shorter)
        cells = [
            _cell(card.series if card else None, goal.recipe),
            _cell(card.twin("bwn") if card else None, goal.bwn or f"{goal.recipe} model.binarization=bwn"),
            _cell(float_twin(cards, goal.recipe), goal.twin),
        ]
        lines.append(f"| {goal.title} | {goal.accuracy or '-'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def float_twin(cards: Sequence[Card], recipe: str) -> Series | None:
    """Return the runs of the float twin of a recipe, whichever card has them: several networks share one twin."""
    name = next((goal.twin for goal in GOALS if recipe in (goal.recipe, goal.shorter)), None)
    twins = (twin for card in cards for twin in card.twins)
    return next((twin for twin in twins if twin.recipe == name), None)


def models_table(cards: Sequence[Card]) -> str:
    """Return the table of the files that ship."""
    if not cards:
        return "None ships yet."
    lines = ["| name | network | data, split | top-1 of the file | over the seeds | epochs | bytes |"]
    lines.append("|---|---|---|---|---|---|---|")
    for card in cards:
        series = card.series
        lines.append(
            f"| [`{card.name}`](zoo/{card.name}.md) | `{card.model}`, {series.binarization} | "
            f"{card.data_title}, {card.split}, {card.images:,} images | {_percent(card.top1)} | {series.words} | "
            f"{_epochs(series)} | {card.bytes:,} |"
        )
    return "\n".join(lines)


def readme_table(cards: Sequence[Card]) -> str:
    """Return the table of the README: what ships for CIFAR-10, beside its float twin."""
    lines = ["| CIFAR-10, batch 5 as validation | float32 | 1-bit weights and activations | epochs | file |"]
    lines.append("|---|---:|---:|---:|---:|")
    for card in cards:
        if card.data == "cifar10":
            twin = float_twin(cards, card.series.recipe)
            lines.append(
                f"| [`{card.name}`](docs/zoo/{card.name}.md) | {twin.words if twin else '–'} | {card.series.words} | "
                f"{_epochs(card.series)} | {card.bytes / 1e6:.2f} MB |"
            )
    return "\n".join(lines)


def card_page(card: Card) -> str:
    """Return the page of a trained model."""
    series, proof = card.series, card.proof
    shape = " x ".join(map(str, card.input_shape))
    top5 = "" if card.top5 is None else f", top-5 {_percent(card.top5)}"
    rows = [
        f"| {run.seed} | {_percent(run.top1)} | {_percent(run.top1_pytorch)} | {run.seconds / 60:.0f} min |"
        for run in series.runs
    ]
    twins = [
        f"| {twin.binarization} | {twin.words} | {_epochs(twin)} | `{card.command(twin)}` |"
        for twin in sorted(card.twins, key=lambda twin: twin.binarization)
    ]
    lines = [
        f"# {card.name}",
        "",
        f"{card.description}. {card.bytes:,} bytes; top-1 {_percent(card.top1)}{top5} on {card.data_title}, "
        f"{card.split} ({card.images:,} images).",
        "",
        "```bash",
        f"xnorkit predict {card.name} picture.png",
        f"xnorkit predict {card.name} --sample",
        f"xnorkit evaluate {card.name}{'' if card.data == EMBEDDED else ' --data DIR'}",
        "```",
        "",
        INPUT_NOTES.get(card.data, ""),
        "",
        "| | |",
        "|---|---|",
        f"| architecture | `{card.model}`, binarization `{series.binarization}` |",
        f"| input | {shape}; any picture is resized to it by `predict` |",
        f"| classes | {', '.join(card.classes)} |",
        f"| trained with | `{card.command(series)}` |",
        f"| epochs | {_epochs(series)} |",
        f"| hardware | {card.hardware} |",
        f"| sources | commit {card.commit} |",
        f"| data | {card.data_source}; licence: {card.data_license} |",
        f"| sha256 | `{card.sha256}` |",
        "",
        "## Accuracy",
        "",
        f"{series.words}. The file is that of seed {card.seed}, fixed before the runs; every run is after its last "
        "epoch, and nothing was chosen on these images.",
        "",
        "| seed | packed, on the engine | PyTorch | training |",
        "|---|---|---|---|",
        *rows,
        "",
        *_twins(twins),
        "## The file is the trained model",
        "",
        f"On all {proof['images']:,} images of the split: fed with the trained model's own bits, every binary layer "
        f"gave the same integers and bits; end to end {proof['signs_flipped']:,} of {proof['signs']:,} signs differed, "
        f"{proof['predictions_equal']:,} predictions were equal, and the largest difference of a logit was "
        f"{proof['max_logit_difference']:.2g}.",
        "",
    ]
    return "\n".join(lines)


def write_pages(root: Path, cards: Sequence[Card]) -> None:
    """Write the tables between their markers in `README.md` and `docs/models.md`, and `docs/zoo/NAME.md` for each card.

    Raises:
        InputError: a page has no markers.
    """
    _write_tables(root / "README.md", {"cifar": readme_table(cards)})
    _write_tables(root / "docs/models.md", {"trained": models_table(cards), "reached": goals_table(cards)})
    for card in cards:
        (root / "docs/zoo" / f"{card.name}.md").write_text(card_page(card), encoding="utf-8")


def _write_tables(page: Path, tables: Mapping[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    for marker, table in tables.items():
        begin, end = BEGIN.format(marker), END.format(marker)
        if begin not in text or end not in text:
            raise InputError(f"{page} has no lines {begin} and {end}, but needs both around the table.")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    page.write_text(text, encoding="utf-8")


def _twins(rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    title = "The same architecture in other binarizations, in PyTorch:"
    return [title, "", "| binarization | top-1 | epochs | command |", "|---|---|---|---|", *rows, ""]


def _cell(series: Series | None, arguments: str) -> str:
    if series is None:
        return f"not run: `xnorkit train {arguments} --data DIR`"
    short = "" if series.epochs >= series.epochs_planned else f"; {_epochs(series)} epochs"
    return f"{series.words}{short}"


def _epochs(series: Series) -> str:
    whole = series.epochs >= series.epochs_planned
    return str(series.epochs) if whole else f"{series.epochs} of {series.epochs_planned}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
