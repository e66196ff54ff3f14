"""Measures a packed network as WebAssembly against its float32 and 8-bit twins in onnxruntime-web, in one process.

    npm install --prefix FOLDER onnxruntime-web
    python benchmarks/web_speed.py FOLDER resnet18-cifar10 nin-cifar10

Node.js, one thread, WebAssembly SIMD, batch 1, random weights and images. Every round runs every candidate once, each
round begins with another one; the table shows medians. Before it is timed, the packed network must give the bits of the
engine's scalar reference, and the twins the answer of ONNX Runtime's own build, within 1 % (float32) or 25 % (8 bits).
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from xnorkit.bench.peers.onnx_graphs import export_network, quantize
from xnorkit.bench.subjects import load_subject
from xnorkit.runtime import Model
from xnorkit.targets.web import package_files

SCRIPT = """
import { readFile } from "node:fs/promises";
import { load } from "./xnorkit.js";
const ort = await import(process.argv[2]);
ort.env.wasm.numThreads = 1;
const rounds = Number(process.argv[3]);
const shape = JSON.parse(process.argv[4]);
const image = new Float32Array(new Uint8Array(await readFile("image")).buffer);
const model = await load();
const runs = { xnorkit: async () => model.run(image) };
for (const name of ["float32", "int8"]) {
  const session = await ort.InferenceSession.create(new Uint8Array(await readFile(`${name}.onnx`)), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const input = new ort.Tensor("float32", image, [1, ...shape]);
  runs[name] = async () => (await session.run({ x: input })).y.data;
}
const names = Object.keys(runs);
const answers = {};
const times = {};
for (const name of names) {
  for (let i = 0; i < 10; ++i) answers[name] = Array.from(await runs[name]());
  times[name] = [];
}
for (let round = 0; round < rounds; ++round) {
  for (let i = 0; i < names.length; ++i) {
    const name = names[(i + round) % names.length];
    await new Promise((done) => setTimeout(done, 3));
    const start = performance.now();
    await runs[name]();
    times[name].push(performance.now() - start);
  }
}
console.log(JSON.stringify({ answers, times }));
"""
TWINS = {"float32": 0.01, "int8": 0.25}


def measure(npm: Path, name: str, rounds: int) -> dict[str, NDArray[np.float64]]:
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
        (folder / "bench.mjs").write_text(SCRIPT, encoding="utf-8")
        peer = next((npm / "node_modules/onnxruntime-web/dist").glob("ort.node.min.mjs"))
        command = ["node", "bench.mjs", peer.resolve().as_uri(), str(rounds), json.dumps(shape)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    answers = {key: np.array(value, np.float32) for key, value in found["answers"].items()}
    reference = Model(subject.graph, isa="reference")(image).ravel()
    assert answers["xnorkit"].tobytes() == reference.tobytes(), "the packed network's bits differ"
    for twin, most in TWINS.items():
        (expected,) = onnxruntime.InferenceSession(files["float32"]).run(None, {"x": image})
        error = np.linalg.norm(answers[twin] - expected.ravel()) / np.linalg.norm(expected)
        assert error <= most, f"{twin}: relative error {error:.2g}"
    return {key: np.array(value) for key, value in found["times"].items()}


def main() -> None:
    """Measure the networks that are named, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("npm", type=Path, help="folder with node_modules/onnxruntime-web")
    parser.add_argument("models", nargs="+", help="names of `xnorkit models`")
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    version = json.loads((options.npm / "node_modules/onnxruntime-web/package.json").read_text())["version"]
    print(f"onnxruntime-web {version}, Node.js {subprocess.check_output(['node', '--version'], text=True).strip()}")
    print(f"{'model':20} {'xnorkit':>12} {'float32':>12} {'int8':>12}   ms: median (least)")
    for name in options.models:
        times = measure(options.npm, name, options.rounds)
        cells = [f"{np.median(ms):.2f} ({ms.min():.2f})" for ms in times.values()]
        medians = {key: np.median(ms) for key, ms in times.items()}
        ratios = ", ".join(f"{medians[twin] / medians['xnorkit']:.1f} x {twin}" for twin in TWINS)
        print(f"{name:20} {cells[0]:>12} {cells[1]:>12} {cells[2]:>12}   {ratios}")


if __name__ == "__main__":
    main()
