"""Records of a study that never happened: every number is made up, so that a page can be drawn and read in a test."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xnorkit.report.records import Record, Store

CONDITIONS = {
    "cpu": "Made-up CPU 9000",
    "cores": 2,
    "threads": 1,
    "isa": "avx512",
    "os": "Linux 6.1",
    "python": "3.11.2",
    "versions": {"torch": "2.13.0", "numpy": "2.1.0"},
    "commit": "0123456789ab",
    "date": "2031-02-03T04:05:06+00:00",
    "seeds": [0, 1, 2],
    "mode": "full",
    "busy": None,
}
FLOAT_ENGINES = {"torch_f32": 9.0, "onnxruntime_f32": 7.0, "openvino_f32": 6.5, "onnxruntime_int8": 3.0}
MODELS = {"lenet5": 23.0, "nin-cifar10": 479.0, "resnet18-cifar10": 690.0, "resnet18": 4630.0}


class Synthetic:
    """Writes records into a folder; `faster`, `lost` and so on turn what the page has to say around."""

    def __init__(self, folder: Path, **conditions: object) -> None:
        self.folder = folder
        self.store = Store(folder)
        self.conditions = {**CONDITIONS, **conditions}

    def add(
        self, experiment: str, key: str, subject: dict, values: dict, spread: dict | None = None, **more: str
    ) -> None:
        """Append one measured record."""
        record = Record(
            f"{experiment}/{key}", experiment, subject, values, spread or {}, conditions=self.conditions, **more
        )
        self.store.append(record)

    def missing(self, experiment: str, key: str, subject: dict, command: str, reason: str = "not installed") -> None:
        """Append one record that was not run."""
        self.store.append(Record(f"{experiment}/{key}", experiment, subject, {}, {}, "not run", reason, command))

    def accuracy(self, lost: float = 0.0021, seeds: Sequence[int] = (0, 1, 2), epochs: int = 20) -> None:
        """LeNet-5 on MNIST, float minus XNOR is `lost` on average."""
        for family, gap in (("float", 0.0), ("bwn", lost / 2), ("xnor", lost)):
            for seed in seeds:
                status = {} if epochs == 20 else {"status": "in part", "reason": f"{epochs} of 20 epochs"}
                self.lenet5(family, 0.9954 - gap + 0.0003 * (seed - 1), epochs, seed, planned=20, **status)
            self.curve("mnist", "lenet5", family, gap)

    def lenet5(
        self, family: str, top1: float, epochs: int, seed: int, planned: int | None = None, **status: str
    ) -> None:
        """One training of LeNet-5 on MNIST, to its end unless more epochs are planned."""
        subject = {
            "dataset": "mnist",
            "split": "official test",
            "images": 10000,
            "model": "lenet5",
            "family": family,
            "recipe": f"lenet5-mnist-{family}",
            "epochs": epochs,
            "epochs_planned": planned or epochs,
            "seed": seed,
        }
        self.add("accuracy", f"mnist/lenet5/{family}/e{epochs}/s{seed}", subject, {"top1": top1}, **status)

    def curve(self, dataset: str, model: str, family: str, gap: float) -> None:
        """Twenty epochs that fall like a square root."""
        epochs = list(range(1, 21))
        values = {
            "epoch": epochs,
            "train_loss": [0.5 / e**0.9 + gap for e in epochs],
            "eval_loss": [0.4 / e**0.7 + 2 * gap for e in epochs],
            "train_accuracy": [0.999 - 0.1 / e - gap for e in epochs],
            "eval_accuracy": [0.9954 - 0.06 / e - gap for e in epochs],
            "flip_ratio": [None if family == "float" else 0.08 / e for e in epochs],
            "seconds": [12.0] * 20,
        }
        if family == "float":
            del values["flip_ratio"]
        subject = {"run": f"{model}-{dataset}-{family}", "model": model, "family": family, "dataset": dataset}
        self.add("curve", f"{dataset}/{model}/{family}", subject, values)

    def partial(self) -> None:
        """NIN on CIFAR-10: float was not run, XNOR has epochs left."""
        subject = {"dataset": "cifar10", "model": "nin-cifar10", "family": "xnor", "recipe": "nin-cifar10", "seed": 0}
        more = {"split": "official test", "images": 10000, "epochs": 12, "epochs_planned": 320}
        unfinished = {
            "status": "in part",
            "reason": "12 of 320 epochs",
            "command": "xnorkit train nin-cifar10 --data DIR",
        }
        self.add("accuracy", "cifar10/nin-cifar10/xnor", {**subject, **more}, {"top1": 0.6123}, **unfinished)
        command = "xnorkit train nin-cifar10-float --data DIR"
        self.missing("accuracy", "cifar10/nin-cifar10/float", {**subject, "family": "float"}, command, "no such run")

    def deployed(self, wrong: int = 0) -> None:
        """The proof of LeNet-5; `wrong` integers differ."""
        subject = {"dataset": "mnist", "split": "official test", "images": 10000, "model": "lenet5", "family": "xnor"}
        values = {
            "top1": 0.9935,
            "integers": 37_000_000,
            "integers_equal": 37_000_000 - wrong,
            "signs": 12_800_000,
            "signs_flipped": 0,
            "outputs": 100,
            "outputs_equal": 100,
            "predictions_equal": 1000,
            "proof_images": 1000,
            "max_logit_difference": 0.0,
        }
        self.add("deployed", "mnist/lenet5/xnor", subject, values)

    def memory(self, smaller: float = 20.9) -> None:
        """Two networks in three families."""
        for model, params, binary in (("lenet5", 431_220, 425_000), ("resnet18-cifar10", 11_173_066, 10_985_472)):
            for family in ("float", "bwn", "xnor"):
                full = 4 * params + 200
                size = full if family == "float" else round(full / smaller)
                values = {"file_bytes": size, "weight_bytes": size, "resident_bytes": size + 30_000}
                values |= {"binary_params": 0 if family == "float" else binary, "params": params}
                self.add("memory", f"{model}/{family}", {"model": model, "family": family}, values)

    def training(self, ratio: float = 1.37, path: str | None = None) -> None:
        """Steps of two networks, XNOR `ratio` times as long as float; records without a path are old ones."""
        for model, step in (("lenet5", 31.7), ("resnet18-cifar10", 5321.0)):
            for family, longer in (("float", 1.0), ("xnor", ratio)):
                subject = {"model": model, "family": family, "batch": 128, "threads": 1}
                subject |= {} if path is None or family == "float" else {"path": path}
                values = {"step_ms": step * longer, "images_per_s": 128e3 / step / longer, "epoch_images": 60000}
                values |= {"epoch_s": 60000 * step * longer / 128e3, "peak_mib": 512.5}
                self.add("training-time", f"{model}/{family}", subject, values, {"step_ms": [step, step * 2]})

    def inference(self, faster: float = 1.0) -> None:
        """Four networks against four engines; `faster` multiplies the lead of xnorkit."""
        for model, own in MODELS.items():
            for batch in (1, 32) if model != "resnet18" else (1,):
                place = {"model": model, "threads": 1, "batch": batch}
                for family, longer in (("xnor", 1.0), ("float", 8.1)):
                    subject = {**place, "family": family, "engine": "xnorkit"}
                    median = own * batch * longer
                    values = {
                        "median_us": median,
                        "min_us": median * 0.97,
                        "ideal_us": median * 0.7,
                        "file_bytes": 82_600,
                    }
                    self.add("inference", f"{model}/{family}/xnorkit/t1/b{batch}", subject, values)
                for engine, times in FLOAT_ENGINES.items():
                    subject = {**place, "family": "float", "engine": engine}
                    median = own * batch * times * faster
                    values = {"median_us": median, "min_us": median * 0.95, "ideal_us": None, "file_bytes": 1_700_000}
                    self.add("inference", f"{model}/float/{engine}/t1/b{batch}", subject, values)
                subject = {**place, "family": "float", "engine": "openvino_int8"}
                command = "pip install 'xnorkit[bench]'"
                self.missing("inference", f"{model}/float/openvino_int8/t1/b{batch}", subject, command)

    def fault(self, engine: str, reason: str, batches: Sequence[int] = (1, 32)) -> None:
        """Take the time of an engine away from those of `inference`."""
        for model in MODELS:
            for batch in batches if model != "resnet18" else (1,):
                subject = {"model": model, "threads": 1, "batch": batch, "family": "float", "engine": engine}
                command = f"xnorkit bench model {model} --threads 1 --batch {batch}"
                key = f"{model}/float/{engine}/t1/b{batch}"
                self.missing("inference", key, subject, command, f"{engine}: {reason}")

    def sweeps(self, scale: float = 1.0, unmeasured: Mapping[int, str] | None = None) -> None:
        """All four sweeps; measured speed-ups are multiplied by `scale`; unmeasured: place -> engines with reasons."""
        plan = {
            "channels": ("channels", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]),
            "filter": ("kernel", [1, 2, 3, 4, 5, 7, 10, 15, 20]),
            "lenet-channels": ("channels", [10, 30, 50, 128, 512, 1024]),
            "lenet-filter": ("kernel", [1, 2, 3, 4, 5, 6, 7, 8]),
        }
        for experiment, (across, places) in plan.items():
            for place in places:
                subject = {
                    "shape": f"{experiment} {place}",
                    "channels": 256,
                    "kernel": 3,
                    "height": 14,
                    "out_channels": 256,
                }
                subject |= {"family": "xnor", "engine": "xnorkit", "threads": 1, "peer": "openvino_f32", across: place}
                subject |= {"unmeasured": unmeasured[place]} if place in (unmeasured or {}) else {}
                products = int(subject["channels"]) * int(subject["kernel"]) ** 2
                measured = 10.6 * products / (products + 300) * scale
                values = {
                    "us": 0.05 * products,
                    "float_us": 0.05 * products * measured,
                    "speedup": measured,
                    "formula_speedup": 64 * products / (products + 64),
                    "limit_speedup": 10.66,
                    "from_float_speedup": measured * 0.7,
                    "macs_binary": products * 196 * 256,
                    "min_us": 0.048 * products,
                    "float_min_us": 0.048 * products * measured * 0.9,
                    "min_speedup": measured * 0.9,
                    "min_from_float_speedup": measured * 0.65,
                }
                self.add(experiment, str(place), subject, values)

    def paper_memory(self) -> None:
        """The paper's three networks."""
        for model, params, binary in (
            ("AlexNet", 62_378_344, 58_200_000),
            ("VGG-19", 143_667_240, 139_500_000),
            ("ResNet-18", 11_689_512, 10_985_472),
        ):
            values = {
                "float_bytes": 4 * params,
                "double_bytes": 8 * params,
                "packed_bytes": binary // 8 + 4 * (params - binary),
            }
            self.add("paper-memory", model, {"model": model}, {**values, "all_bits_bytes": params // 8})

    def comparisons(self, lead: float = 0.012, seeds: Sequence[int] = (0, 1)) -> None:
        """Gradient rules and ablation; the first of each is ahead by `lead`."""
        rules = ("rule", ("exact", "paper", "seeds", "ste"))
        changes = ("change", ("full xnor", "no alpha", "centred weights", "with K", "binary weights alone"))
        for experiment, (key, variants) in (("gradients", rules), ("ablation", changes)):
            for index, variant in enumerate(variants):
                for seed in seeds:
                    subject = {key: variant, "model": "lenet5", "dataset": "mnist", "epochs": 3, "seed": seed}
                    values = {"top1": 0.985 - lead * index + 0.001 * seed, "train_loss": 0.05 + 0.01 * index}
                    self.add(experiment, f"{variant}/s{seed}", subject, values)

    def peaks(self, fma: float = 89.0) -> None:
        """What registers allow."""
        values = {"binary_gmacs": 949.0, "fma_gmacs": fma, "memory_gbytes_per_s": 12.5}
        self.add("peaks", "t1", {"threads": 1}, values)

    def pictures(self) -> None:
        """Noise in the place of filters, images and signs."""
        draw = np.random.default_rng(0)
        images = draw.integers(0, 256, (24, 1, 28, 28), dtype=np.uint8)
        classes = np.array([str(digit) for digit in range(10)])
        labels, said = np.arange(24) % 10, (np.arange(24) + 3) % 10
        sure = np.linspace(0.99, 0.5, 24, dtype=np.float32)
        maps = draw.choice(np.array([-1, 1], dtype=np.int8), (4, 16, 12, 12))
        kinds = {
            "first-layer-filters": (
                {"weight": draw.normal(size=(20, 1, 5, 5)).astype(np.float32)},
                {"filters": 20, "shown": 20},
            ),
            "binary-filters": (
                {"sign": draw.choice(np.array([-1, 1], dtype=np.int8), (50, 20, 5, 5))},
                {"filters": 50, "plus": 12_600, "weights": 25_000, "shown": 50},
            ),
            "misclassified": (
                {
                    "images": images,
                    "index": labels,
                    "label": labels,
                    "predicted": said,
                    "probability": sure,
                    "classes": classes,
                },
                {"images": 10_000, "wrong": 65, "shown": 24},
            ),
            "sign-maps": (
                {"images": images[:4], "label": labels[:4], "sign": maps, "classes": classes},
                {"channels": 20, "plus": 5_000, "signs": 11_520, "shown": 16},
            ),
        }
        (self.folder / "pictures").mkdir(parents=True, exist_ok=True)
        for kind, (arrays, values) in kinds.items():
            file = f"pictures/{kind}-mnist-lenet5-xnor.npz"
            np.savez_compressed(self.folder / file, **arrays)
            subject = {"kind": kind, "model": "lenet5", "family": "xnor", "dataset": "mnist", "file": file}
            self.add("picture", f"{kind}/mnist/lenet5/xnor", subject, values)

    def whole(self) -> "Synthetic":
        """Every experiment, as a full study leaves it with a training unfinished and an engine not installed."""
        self.accuracy()
        self.partial()
        self.deployed()
        self.memory()
        self.training()
        self.inference()
        self.sweeps()
        self.paper_memory()
        self.comparisons()
        self.peaks()
        self.pictures()
        return self
