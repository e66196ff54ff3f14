"""What the records say, before it is put into words: pairs of float and binary, ratios, extremes."""

from collections.abc import Sequence
from dataclasses import dataclass

from xnorkit.report.page.cited import Cited, cite
from xnorkit.report.page.evidence import Evidence, Seeds, busy, seeds
from xnorkit.report.records import Record

__all__ = [
    "AccuracyPair",
    "Duel",
    "Sizes",
    "Sweep",
    "accuracy_pairs",
    "best_training",
    "call_time",
    "duels",
    "fastest",
    "measure",
    "own_runs",
    "point_sweep",
    "quiet_step_ratios",
    "sizes",
    "step_ratios",
    "trainings",
    "usual",
]

OWN = "xnorkit"
MINIMA = {
    "us": "min_us",
    "float_us": "float_min_us",
    "speedup": "min_speedup",
    "from_float_speedup": "min_from_float_speedup",
}


@dataclass(frozen=True)
class AccuracyPair:
    """Top-1 accuracy of one network on one data set, float and binary (XNOR, or the family it was trained in)."""

    dataset: str
    model: str
    family: str
    full: Seeds
    binary: Seeds

    @property
    def lost(self) -> Cited:
        """Float minus binary."""
        return self.full.mean - self.binary.mean

    @property
    def in_part(self) -> bool:
        """Whether one of the two has epochs left."""
        return self.full.in_part or self.binary.in_part


def trainings(evidence: Evidence, dataset: object, model: object, family: object) -> list[Seeds]:
    """Return top-1 of one network per recipe and number of epochs, over its seeds; finished and longest ones first."""
    groups: dict[tuple[object, object], list[Record]] = {}
    for record in evidence.of("accuracy"):
        subject = record.subject
        if (subject.get("dataset"), subject.get("model"), subject.get("family")) == (dataset, model, family):
            groups.setdefault((subject.get("recipe"), subject.get("epochs_planned")), []).append(record)
    found = [trained for trained in (seeds(group, "top1") for group in groups.values()) if trained]
    return sorted(found, key=lambda trained: (trained.in_part, -_epochs(trained.records[0])))


def best_training(evidence: Evidence, dataset: object, model: object, family: object) -> Seeds | None:
    """Return the training that speaks for a network: finished before unfinished, then the longest."""
    found = trainings(evidence, dataset, model, family)
    return found[0] if found else None


def _epochs(record: Record) -> float:
    epochs = record.subject.get("epochs", 0)
    return epochs if isinstance(epochs, int | float) else 0


def accuracy_pairs(evidence: Evidence) -> list[AccuracyPair]:
    """Return every data set and network trained in float32 and with binary weights and inputs."""
    keys = dict.fromkeys((str(r.subject["dataset"]), str(r.subject["model"])) for r in evidence.of("accuracy"))
    pairs = []
    for dataset, model in keys:
        full = best_training(evidence, dataset, model, "float")
        families = {str(r.subject["family"]) for r in evidence.of("accuracy", dataset=dataset, model=model)}
        for family in sorted(families - {"float", "bwn"}, key=lambda name: (name != "xnor", name)):
            binary = best_training(evidence, dataset, model, family)
            if full and binary:
                pairs.append(AccuracyPair(dataset, model, family, full, binary))
    return sorted(pairs, key=lambda pair: pair.in_part)


@dataclass(frozen=True)
class Sizes:
    """Bytes of one network: float weights, packed file, packed weights and values of a running program."""

    model: str
    full: Cited
    file: Cited


def sizes(evidence: Evidence) -> list[Sizes]:
    """Return every network whose float weights and XNOR file are known."""
    found = []
    for record in evidence.of("memory", family="xnor"):
        full = evidence.one("memory", model=record.subject["model"], family="float")
        weights, file = cite(full, "weight_bytes"), cite(record, "file_bytes")
        if weights and file:
            found.append(Sizes(str(record.subject["model"]), weights, file))
    return found


@dataclass(frozen=True)
class Duel:
    """One network, xnorkit against the fastest other engine of a kind, same threads and batch.

    among: engines of that kind that were measured; unmeasured: those that were not, which may be faster.
    """

    model: str
    threads: str | int | float
    batch: str | int | float
    own: Cited
    other: Cited
    engine: str
    among: frozenset[str]
    unmeasured: frozenset[str]

    @property
    def ratio(self) -> Cited:
        """How many times as long the other takes."""
        return self.other / self.own


def own_runs(evidence: Evidence) -> list[Record]:
    """Return xnorkit's own records of binary networks' inference."""
    return [r for r in evidence.of("inference", engine=OWN) if r.subject.get("family") != "float"]


def fastest(evidence: Evidence, own: Record, ending: str) -> tuple[str, Cited] | None:
    """Return the fastest other engine whose name has that ending, measured beside `own`, and its time per call."""
    name = call_time(evidence, own)
    found = [
        (str(record.subject["engine"]), time)
        for record in evidence.of("inference", **_place(own))
        if str(record.subject["engine"]).endswith(ending) and (time := cite(record, name))
    ]
    return min(found, key=lambda pair: pair[1].value) if found else None


def call_time(evidence: Evidence, record: Record) -> str:
    """Return which time per call speaks for a network: the median, or the minimum where other programs ran."""
    return "min_us" if busy(*evidence.of("inference", **_place(record))) else "median_us"


def _engines(evidence: Evidence, own: Record, ending: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the engines of a kind that were measured beside `own`, and those that were not."""
    known = [r for r in evidence.known("inference", **_place(own)) if str(r.subject["engine"]).endswith(ending)]
    run = frozenset(str(r.subject["engine"]) for r in known if r.status != "not run")
    return run, frozenset(str(r.subject["engine"]) for r in known) - run


def _place(record: Record) -> dict[str, str | int | float]:
    return {name: record.subject[name] for name in ("model", "threads", "batch")}


def duels(evidence: Evidence, ending: str = "_f32", **subject: str | int | float) -> list[Duel]:
    """Return every XNOR network against the fastest engine of that kind (`_f32`, `_int8`)."""
    found = []
    for own in own_runs(evidence):
        other, time = fastest(evidence, own, ending), cite(own, call_time(evidence, own))
        matches = all(own.subject.get(name) == value for name, value in subject.items())
        if own.subject.get("family") == "xnor" and other and time and matches:
            where = own.subject
            run, left = _engines(evidence, own, ending)
            found.append(
                Duel(str(where["model"]), where["threads"], where["batch"], time, other[1], other[0], run, left)
            )
    return found


def usual(evidence: Evidence) -> dict[str, str | int | float]:
    """Return the setting that sentences speak of: the smallest batch, on the fewest threads."""
    places = [(record.subject["batch"], record.subject["threads"]) for record in own_runs(evidence)]
    if not places:
        return {}
    batch, threads = min(places, key=lambda place: (float(place[0]), float(place[1])))
    return {"batch": batch, "threads": threads}


@dataclass(frozen=True)
class Sweep:
    """Speed-up of one convolution over channels or filter size, points in ascending order."""

    across: str
    records: Sequence[Record]

    def line(self, value: str) -> list[tuple[Cited, Cited]]:
        """Return the points of one line: measured `speedup`, `formula_speedup` or `limit_speedup`."""
        pairs = [(cite(record, self.across), cite(record, measure(record, value))) for record in self.records]
        return [(x, y) for x, y in pairs if x and y]

    @property
    def busy(self) -> bool:
        """Whether other programs ran during any of its points."""
        return busy(*self.records)

    @property
    def in_part(self) -> bool:
        """Whether at any of its points a float32 engine could not be measured, which may be the fastest."""
        return any("unmeasured" in record.subject for record in self.records)

    def sound(self) -> "Sweep":
        """Return the points that decide: no other program ran, and every float32 engine was measured."""
        return Sweep(self.across, [r for r in self.records if not busy(r) and "unmeasured" not in r.subject])


def measure(record: Record, value: str) -> str:
    """Return the name of the stored value: where other programs ran, a time's minimum, which they cannot lengthen."""
    return MINIMA.get(value, value) if busy(record) else value


def point_sweep(evidence: Evidence, experiment: str, across: str) -> Sweep | None:
    """Return a sweep's records with a measured speed-up, one per place across; None where there is none."""
    found = {record.subject[across]: record for record in evidence.of(experiment) if across in record.subject}
    places = sorted(found, key=lambda place: (isinstance(place, str), place))
    ordered = [found[place] for place in places if cite(found[place], "speedup")]
    return Sweep(across, ordered) if ordered else None


def step_ratios(evidence: Evidence) -> list[tuple[Record, Cited]]:
    """Return every XNOR training step and how many times as long as the float step of its kind it takes."""
    found = []
    for record in evidence.of("training-time", family="xnor"):
        same = {name: record.subject[name] for name in ("model", "batch", "threads") if name in record.subject}
        full = cite(evidence.one("training-time", family="float", **same), "step_ms")
        own = cite(record, "step_ms")
        if full and own:
            found.append((record, own / full))
    return found


def quiet_step_ratios(evidence: Evidence) -> list[tuple[Record, Cited]]:
    """Return those of `step_ratios` that were measured while no other program ran."""
    if busy(*evidence.of("training-time")):
        return []
    return step_ratios(evidence)
