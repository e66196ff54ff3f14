"""Measures a packed network as WebAssembly against its float32 and 8-bit twins in onnxruntime-web, in one Chromium.

    npm install --prefix FOLDER onnxruntime-web
    python benchmarks/web_speed.py FOLDER resnet18-cifar10 nin-cifar10

One thread, WebAssembly SIMD, batch 1, random weights and images. Every round runs every candidate, each round begins
with another one; the table shows medians. The times are those for which the page's thread had a processor, so that
programs beside it hardly change them. Before it is timed, the packed network must give the bits of the engine's scalar
reference, and the twins the answer of ONNX Runtime's own build, within 1 % (float32) or 25 % (8 bits).
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from xnorkit.bench.peers.onnx_graphs import export_network, quantize
from xnorkit.bench.subjects import load_subject
from xnorkit.runtime import Model
from xnorkit.targets.web import package_files

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "shared"))
from devtools import Tab, browser

SCRIPT = """
async (shape) => {
  const { load } = await import("/xnorkit.js");
  const ort = await import("/ort/ort.wasm.min.mjs");
  const read = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
  ort.env.wasm.numThreads = 1;
  const image = new Float32Array((await read("/image")).buffer);
  const model = await load();
  // As in a browser without relaxed SIMD.
  const { validate } = WebAssembly;
  WebAssembly.validate = (bytes) => bytes instanceof Uint8Array && validate(bytes);
  const plain = await load();
  WebAssembly.validate = validate;
  const runs = { xnorkit: async () => model.run(image), plain: async () => plain.run(image) };
  for (const name of ["float32", "int8"]) {
    const session = await ort.InferenceSession.create(await read(`/${name}.onnx`), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
    });
    const input = new ort.Tensor("float32", image, [1, ...shape]);
    runs[name] = async () => (await session.run({ x: input })).y.data;
  }
  const answers = {};
  for (const [name, run] of Object.entries(runs)) {
    for (let i = 0; i < 10; ++i) answers[name] = Array.from(await run());
  }
  globalThis.runs = runs;
  return answers;
}
"""
REPEATS = 20
TWINS = {"float32": 0.01, "int8": 0.25}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _milliseconds(tab: Tab, key: str) -> float:
    """Return the time of an image on the processor."""
    start = _processor_seconds(tab)
    tab.evaluate(f"(async () => {{ for (let i = 0; i < {REPEATS}; ++i) await runs.{key}(); }})()")
    return (_processor_seconds(tab) - start) / REPEATS * 1000


def _processor_seconds(tab: Tab) -> float:
    metrics = {entry["name"]: entry["value"] for entry in tab.call("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"]


def measure(tab: Tab, npm: Path, name: str, rounds: int) -> dict[str, NDArray[np.float64]]:
    """Return the milliseconds of every round."""
    subject = load_subject(name)
    assert subject.twin is not None
    shape = subject.graph.input.shape
    image = np.random.default_rng(0).standard_normal((1, *shape), dtype=np.float32)
    float32 = export_network(subject.twin(), shape)
    batches = [np.random.default_rng(1).standard_normal((4, *shape), dtype=np.float32) for _ in range(4)]
    files = {"float32": float32, "int8": quantize(float32, batches)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for file, content in package_files(subject.graph).items():
            (folder / file).write_bytes(content)
        for twin, content in files.items():
            (folder / f"{twin}.onnx").write_bytes(content)
        image.tofile(folder / "image")
        (folder / "index.html").write_text("<!doctype html>", encoding="utf-8")
        os.symlink((npm / "node_modules/onnxruntime-web/dist").resolve(), folder / "ort")
        with _served(folder) as address:
            tab.open(address)
            found = tab.evaluate(f"({SCRIPT})({json.dumps(shape)})")
            times = {key: np.empty(rounds) for key in found}
            for index in range(rounds):
                for place in range(len(times)):
                    key = list(times)[(place + index) % len(times)]
                    times[key][index] = _milliseconds(tab, key)
    answers = {key: np.array(value, np.float32) for key, value in found.items()}
    reference = Model(subject.graph, isa="reference")(image).ravel()
    for key in ("xnorkit", "plain"):
        assert answers[key].tobytes() == reference.tobytes(), f"{key}: the packed network's bits differ"
    for twin, most in TWINS.items():
        (expected,) = onnxruntime.InferenceSession(files["float32"]).run(None, {"x": image})
        error = np.linalg.norm(answers[twin] - expected.ravel()) / np.linalg.norm(expected)
        assert error <= most, f"{twin}: relative error {error:.2g}"
    return times


def main() -> None:
    """Measure the networks that are named, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("npm", type=Path, help="folder with node_modules/onnxruntime-web")
    parser.add_argument("models", nargs="+", help="names of `xnorkit models`")
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    version = json.loads((options.npm / "node_modules/onnxruntime-web/package.json").read_text())["version"]
    with browser() as tab:
        tab.call("Performance.enable", timeDomain="threadTicks")
        print(f"onnxruntime-web {version}, {tab.call('Browser.getVersion')['product']}")
        print("Milliseconds: median (least). plain: xnorkit in a browser without relaxed SIMD.")
        for name in options.models:
            times = measure(tab, options.npm, name, options.rounds)
            cells = [f"{key} {np.median(ms):.2f} ({ms.min():.2f})" for key, ms in times.items()]
            medians = {key: np.median(ms) for key, ms in times.items()}
            ratios = ", ".join(f"{medians[twin] / medians['xnorkit']:.1f} x {twin}" for twin in TWINS)
            print(f"{name}: {', '.join(cells)}; {ratios}", flush=True)


if __name__ == "__main__":
    main()
