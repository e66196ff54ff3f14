"""Small tables of measured numbers, which text and figures compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xnorkit.report.page.evidence import Evidence, busy
from xnorkit.report.page.names import threads
from xnorkit.report.page.numbers import Cited, cite, count, difference, mean, ratio
from xnorkit.report.records import Record

__all__ = ["OWN", "Pair", "Place", "Sweep", "Trained", "pairs", "places", "sweep", "trained", "usual", "variants"]

OWN = "xnorkit xnor"
ENGINES = ("torch_f32", "torch_compile_f32", "onnxruntime_f32", "openvino_f32", "onnxruntime_int8", "openvino_int8")
BASES = {"gradients": ("rule", "exact"), "ablation": ("change", "full xnor")}
"""The field that distinguishes the variants, and the variant that the others are compared with."""
SOURCES = ("run", "shipped", "card")
SWEEPS = {  # experiment: figure, what changes, how it is called
    "channels": ("4b", "channels", "input channels"),
    "filter": ("4c", "kernel", "filter size"),
    "lenet-channels": ("5a", "channels", "filters"),
    "lenet-filter": ("5b", "kernel", "filter size"),
}
GROWTH = {
    "channels": "more speed-up with more channels",
    "filter": "more speed-up with larger filters",
    "lenet-channels": "more speed-up with more filters, second convolution of LeNet-5",
    "lenet-filter": "more speed-up with larger filters, second convolution of LeNet-5",
}
MINIMA = {
    "us": "min_us",
    "float_us": "float_min_us",
    "speedup": "min_speedup",
    "from_float_speedup": "min_from_float_speedup",
}


@dataclass(frozen=True)
class Trained:
    """Trainings that differ only in their seed; `loss`, `epochs` and `planned` are None if no record has them.

    source: "run", a training of this machine; "shipped", the file of a trained model that ships, evaluated here; or
        "card", a training whose result stands on the card of such a model.
    """

    top1: Sequence[Cited]
    mean: Cited
    seeds: Cited
    loss: Cited | None
    epochs: Cited | None
    planned: Cited | None
    in_part: bool
    splits: Sequence[str]
    images: Sequence[int]
    source: str


def trained(records: Sequence[Record]) -> Trained | None:
    """Return the results of trainings that differ only in their seed, or None if no record has an accuracy."""
    top1, losses = _values(records, "top1"), _values(records, "train_loss")
    if not top1:
        return None
    epochs, planned = cite(records[0], "epochs"), cite(records[0], "epochs_planned")
    in_part = any(record.status == "in part" for record in records)
    splits = sorted({str(record.subject.get("split", "evaluation split")) for record in records})
    images = sorted({int(record.subject.get("images", 0)) for record in records})
    loss = mean(losses) if losses else None
    return Trained(top1, mean(top1), count(top1), loss, epochs, planned, in_part, splits, images, source(records[0]))


def best_training(evidence: Evidence, **network: str) -> Trained | None:
    """Return the training that represents a data set, model and family.

    It is a finished one, rather of this machine than one that ships or stands on a card, of many seeds, and long.
    """
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in evidence.of("accuracy", **network):
        kind = record.subject.get("recipe"), record.subject.get("epochs_planned"), source(record)
        groups.setdefault(kind, []).append(record)
    found = [each for group in groups.values() if (each := trained(group))]
    return min(
        found,
        key=lambda each: (each.in_part, SOURCES.index(each.source), -each.seeds, -(each.epochs or 0)),
        default=None,
    )


def source(record: Record) -> str:
    """Return where an accuracy is from, one of `SOURCES`: a model that ships gives its run the name of a file."""
    return {"xnor": "shipped", "json": "card"}.get(str(record.subject.get("run", "")).rpartition(".")[2], "run")


def side_by_side(found: Mapping[str, Trained], base: str = "") -> tuple[dict[str, Trained], dict[str, Trained]]:
    """Return the trainings of as many seeds as `base`, or of the most, and the others, which stand elsewhere."""
    seeds = found[base].seeds if base in found else max((each.seeds for each in found.values()), default=None)
    return (
        {name: each for name, each in found.items() if each.seeds == seeds},
        {name: each for name, each in found.items() if each.seeds != seeds},
    )


def accuracies(evidence: Evidence, dataset: str, model: str) -> tuple[dict[str, Trained], dict[str, Trained]]:
    """Return the training that represents each family of a network, as `side_by_side` tells them apart."""
    known = families(evidence.known("accuracy", dataset=dataset, model=model))
    each = {name: best_training(evidence, dataset=dataset, model=model, family=name) for name in known}
    return side_by_side({name: found for name, found in each.items() if found})


def networks(records: Sequence[Record]) -> dict[tuple[str, str], list[Record]]:
    """Return the records of each data set and model."""
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        found.setdefault((str(record.subject["dataset"]), str(record.subject["model"])), []).append(record)
    return found


@dataclass(frozen=True)
class Pair:
    """One network on one data set, trained in float32 and in a binary family. `gained`: binary minus float."""

    dataset: str
    model: str
    family: str
    full: Trained
    binary: Trained
    gained: Cited
    lost: Cited
    in_part: bool

    @property
    def unequal(self) -> list[str]:
        """What the two trainings differ in, which makes their difference one of more than the binarization."""
        kinds = {
            "epochs": (self.full.epochs, self.binary.epochs),
            "split": (self.full.splits, self.binary.splits),
            "number of images": (self.full.images, self.binary.images),
        }
        return [kind for kind, (full, binary) in kinds.items() if full != binary]


def pairs(evidence: Evidence) -> list[Pair]:
    """Return every network with float32 and binary trainings of equal seeds: finished first, XNOR before the others."""
    found = []
    for dataset, model in networks(evidence.of("accuracy")):
        row, _ = accuracies(evidence, dataset, model)
        full = row.get("float")
        for family in sorted(row.keys() - {"float", "bwn"}, key=lambda name: (name != "xnor", name)):
            binary = row[family]
            if full:
                gaps = difference(binary.mean, full.mean), difference(full.mean, binary.mean)
                in_part = full.in_part or binary.in_part
                found.append(Pair(dataset, model, family, full, binary, *gaps, in_part))
    return sorted(found, key=lambda pair: pair.in_part)


def families(records: Sequence[Record]) -> list[str]:
    """Return the families of some records, with float, BWN and XNOR first."""
    known = {str(record.subject["family"]) for record in records}
    first = [name for name in ("float", "bwn", "xnor") if name in known]
    return first + sorted(known - set(first))


def file_ratios(evidence: Evidence) -> list[Cited]:
    """Return how many times smaller than its float32 weights each packed network in any table of the page is."""
    ratios = []
    for record in evidence.of("memory"):
        full = evidence.value("memory", "weight_bytes", model=record.subject["model"], family="float")
        if record.subject["family"] != "float":
            ratios.append(ratio(full, cite(record, "file_bytes")))
    for record in evidence.of("paper-memory"):
        ratios.append(ratio(cite(record, "float_bytes"), cite(record, "packed_bytes")))
    return [each for each in ratios if each is not None]


def step_path(evidence: Evidence) -> str:
    """Return the path of all binary training steps, "packed" or "simulated", or "" if they differ.

    Records of earlier versions name no path: they are simulated.
    """
    records = [record for record in evidence.of("training-time") if record.subject["family"] != "float"]
    paths = {str(record.subject.get("path", "simulated")) for record in records}
    return paths.pop() if len(paths) == 1 else ""


def step_ratios(evidence: Evidence) -> dict[str, Cited]:
    """Return the time of each binary training step over that in float32, by the id of its record."""
    found = {}
    for record in evidence.of("training-time"):
        same = {name: record.subject[name] for name in ("model", "batch", "threads") if name in record.subject}
        full = evidence.value("training-time", "step_ms", family="float", **same)
        slower = ratio(cite(record, "step_ms"), full)
        if slower is not None and record.subject["family"] != "float":
            found[record.id] = slower
    return found


@dataclass(frozen=True)
class Place:
    """Calls of one network with one number of threads and images.

    times: per column (an engine; our own with its family), the medians, or if the place is busy the minima, which
    other programs cannot lengthen. known: the columns that the study names, measured or not.
    """

    model: str
    threads: Any
    batch: Any
    busy: bool
    times: dict[str, Cited]
    known: set[str]
    ideal: Cited | None

    def fastest(self, ending: str) -> str | None:
        """Return the fastest measured engine of a kind (`_f32`, `_int8`), or None."""
        return min((name for name in self.times if name.endswith(ending)), key=self.times.__getitem__, default=None)

    def lead(self, ending: str) -> Cited | None:
        """Return the time of the fastest engine of a kind over ours."""
        return ratio(self.times.get(self.fastest(ending) or ""), self.times.get(OWN))

    def unmeasured(self, ending: str) -> bool:
        """Return whether an engine of a kind, possibly the fastest, has no time."""
        return any(name.endswith(ending) and name not in self.times for name in self.known)


def places(evidence: Evidence) -> list[Place]:
    """Return every network, number of threads and batch whose calls the study times."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in evidence.known("inference"):
        groups.setdefault(tuple(record.subject[name] for name in ("model", "threads", "batch")), []).append(record)
    found = []
    for (model, number, batch), records in groups.items():
        statistic = "min_us" if busy(records) else "median_us"
        columns = {column(record): record for record in records}
        times = {name: time for name, record in columns.items() if (time := cite(record, statistic)) is not None}
        ideal = cite(columns.get(OWN), "ideal_us")
        found.append(Place(model, number, batch, busy(records), times, set(columns), ideal))
    return found


def column(record: Record) -> str:
    """Return the column of Table 4 that holds a time."""
    engine = str(record.subject["engine"])
    return f"{engine} {record.subject['family']}" if engine == OWN.split(maxsplit=1)[0] else engine


def columns(found: Sequence[Place]) -> list[str]:
    """Return the columns of Table 4 right of our own: engines in their order, then other families of our own."""
    known = set().union(*(place.known for place in found)) - {OWN}
    return [name for name in ENGINES if name in known] + sorted(known - set(ENGINES))


def usual(found: Sequence[Place]) -> list[Place]:
    """Return the places that the text discusses: the smallest batch on the fewest threads, timed in our engine."""
    timed = [place for place in found if OWN in place.times]
    setting = min(((place.batch, place.threads) for place in timed), default=None)
    return [place for place in timed if (place.batch, place.threads) == setting]


@dataclass(frozen=True)
class Sweep:
    """Speed-up of one convolution over channels or filter size, its points in ascending order."""

    across: str
    records: Sequence[Record]
    busy: bool

    def number(self, record: Record, value: str) -> Cited | None:
        """Return a value of a point; a time is the minimum, which is robust, if other programs ran."""
        return cite(record, MINIMA.get(value, value) if busy([record]) else value)

    def points(self, value: str = "speedup", *, sound: bool = False) -> list[tuple[Cited, Cited]]:
        """Return (size, number) of the points; `sound` selects those with an idle machine and all float32 engines."""
        records = [r for r in self.records if not sound or not (busy([r]) or "unmeasured" in r.subject)]
        pairs = [(cite(record, self.across), self.number(record, value)) for record in records]
        return [(size, number) for size, number in pairs if size is not None and number is not None]

    def at(self, size: float, value: str) -> Cited | None:
        """Return a value of the point of that size."""
        return next((number for at, number in self.points(value) if at == size), None)

    @property
    def unmeasured(self) -> dict[str, list[str]]:
        """Float32 engines without a time, possibly the fastest, with the reason -> the sizes."""
        found: dict[str, list[str]] = {}
        for record in self.records:
            if "unmeasured" in record.subject:
                found.setdefault(str(record.subject["unmeasured"]), []).append(str(record.subject[self.across]))
        return found

    @property
    def facts(self) -> str:
        """The sizes that all points share."""
        first, last = self.records[0].subject, self.records[-1].subject
        texts = {"kernel": "filter {0}x{0}", "in_channels": "{} input channels", "out_channels": "{} filters"}
        texts["height"] = "image {0}x{0}"
        same = [text.format(first[key]) for key, text in texts.items() if key in first and first[key] == last.get(key)]
        return ", ".join([*same, "batch size one", threads(first.get("threads", 1))])


def sweep(evidence: Evidence, experiment: str) -> Sweep | None:
    """Return the points of a sweep with a measured speed-up, one per size, or None if there are none."""
    across = SWEEPS[experiment][1]
    found = {record.subject[across]: record for record in evidence.of(experiment) if cite(record, "speedup")}
    records = [found[size] for size in sorted(found)]
    return Sweep(across, records, busy(records)) if records else None


def best_points(sweeps: Sequence[Sweep | None], *, sound: bool = False) -> list[Cited]:
    """Return every measured speed-up of some sweeps."""
    return [speedup for each in sweeps if each for _, speedup in each.points(sound=sound)]


def variants(evidence: Evidence, experiment: str, equal: bool = True) -> dict[tuple[str, str], dict[str, Trained]]:
    """Return the trainings of each variant, the base first, for each data set and model.

    They have as many seeds as the base has, or, unless `equal`, another number.
    """
    found = {}
    key, base = BASES[experiment]
    for network, records in networks(evidence.of(experiment)).items():
        groups: dict[str, list[Record]] = {base: []}
        for record in records:
            groups.setdefault(str(record.subject[key]), []).append(record)
        each = {name: result for name, group in groups.items() if (result := trained(group))}
        found[network] = side_by_side(each, base)[not equal]
    return found


def rival(found: dict[str, Trained], experiment: str) -> tuple[str, Cited, str] | None:
    """Return the best other variant, the base's lead over it, and the reason to doubt the lead, or ''."""
    base = found.get(BASES[experiment][1])
    others = {name: each for name, each in found.items() if each is not base and "alone" not in name}
    if base is None or not others:
        return None
    best = max(others, key=lambda name: others[name].mean)
    other = others[best].top1
    overlap = min(base.top1) <= max(other) and min(other) <= max(base.top1)
    single = min(len(base.top1), len(other)) == 1
    doubt = "by one seed" if single else "the seeds differ by more" if overlap else ""
    return best, difference(base.mean, others[best].mean), doubt


def _values(records: Sequence[Record], name: str) -> list[Cited]:
    return [value for record in records if (value := cite(record, name)) is not None]
