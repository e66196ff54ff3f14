"""The package in Node.js: the bits of the scalar reference, and errors in words. The page: what it refuses."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import build_web
import numpy as np
import pytest
from handwritten import HandFile
from single_ops import CASES, case, images_for

from xnorkit.errors import ExportError, FormatError
from xnorkit.format import Graph, InputSpec, Node, Normalization, Preparation, read
from xnorkit.format.file import from_bytes
from xnorkit.runtime import Model
from xnorkit.targets.web import outputs_in_node, package_files, page
from xnorkit.zoo import list_pretrained, path, sample

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


@needs_node
@pytest.mark.parametrize("name", list_pretrained())
def test_the_samples_of_a_trained_model(name: str) -> None:
    """The stored logits are those of every instruction set (tests/zoo)."""
    stored, count = sample(name), 10 if name.startswith("lenet5") else 2
    outputs = outputs_in_node(package_files(read(path(name))), stored.images[:count])
    assert outputs.tobytes() == stored.logits[:count].tobytes()


@needs_node
@pytest.mark.parametrize("name", CASES)
def test_every_operation(name: str) -> None:
    graph = case(name)
    images = images_for(graph, 2)
    expected = Model(graph, isa="reference")(images)
    assert outputs_in_node(package_files(graph), images).tobytes() == expected.tobytes()


# Goes in front of xnorkit.js: Node.js 20 has relaxed SIMD behind a flag. Counts the tiles that fused.cpp computes.
RELAXED = """
import { setFlagsFromString } from "node:v8";
setFlagsFromString("--experimental-wasm-relaxed-simd");
let tiles = 0;
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (module, imports) => {
  if (imports.env && %(unfused)s) return { instance: { exports: { multiply_add: () => 0, fused_sums: () => 1 } } };
  const { fused_sums } = imports.xnorkit ?? {};
  if (fused_sums) {
    imports.xnorkit.fused_sums = (...tile) => {
      const done = fused_sums(...tile);
      tiles += done;
      return done;
    };
  }
  return instantiate(module, imports);
};
process.on("exit", () => {
  if (tiles > 0 === %(unfused)s) process.exitCode = 3;
});
"""


@pytest.fixture(scope="module")
def relaxed_simd() -> None:
    """Skip where Node.js has no relaxed SIMD."""
    path = str(build_web.MODULE)
    code = (
        'import { readFileSync } from "node:fs"; import { setFlagsFromString } from "node:v8";'
        'setFlagsFromString("--experimental-wasm-relaxed-simd");'
        f"const module = new WebAssembly.Module(readFileSync({json.dumps(path)}));"
        'console.log(WebAssembly.validate(WebAssembly.Module.customSections(module, "fused")[0]));'
    )
    command = ["node", "--input-type=module", "-e", code]
    if subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() != "true":
        pytest.skip("this Node.js has no relaxed SIMD")


@needs_node
@pytest.mark.usefixtures("relaxed_simd")
@pytest.mark.parametrize("unfused", [False, True])
@pytest.mark.parametrize("name", ["float_conv2d", "float_conv2d groups", "float_linear", "dynamic"])
def test_fused_multiply_adds_where_the_browser_has_them(name: str, unfused: bool) -> None:
    graph = case(name)
    images = images_for(graph, 2)
    files = package_files(graph)
    files["xnorkit.js"] = (RELAXED % {"unfused": json.dumps(unfused)}).encode() + files["xnorkit.js"]
    assert outputs_in_node(files, images).tobytes() == Model(graph, isa="reference")(images).tobytes()


def _script(tmp_path: Path, body: str, graph: Graph | None = None) -> str:
    """Return what a script beside a package prints."""
    for name, content in package_files(graph or read(path("lenet5-digits"))).items():
        (tmp_path / name).write_bytes(content)
    script = tmp_path / "script.mjs"
    script.write_text(
        'import { readFile } from "node:fs/promises";\nimport { load, supported, XnorkitError } from "./xnorkit.js";\n'
        "const refused = async (body) => {\n  try { await body(); } catch (error) {\n"
        "    console.log(error instanceof XnorkitError ? error.message : `${error.stack}`); return; }\n"
        '  console.log("nothing was refused");\n};\n' + body,
        encoding="utf-8",
    )
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_node
def test_what_a_model_is_read_from(tmp_path: Path) -> None:
    model = json.dumps(str(tmp_path / "model.xnor"))
    text = _script(
        tmp_path,
        f"""for (const model of [{model}, new URL("model.xnor", import.meta.url), readFile({model})]) {{
          console.log((await load({{ model }})).classes.length);
        }}
        for (const model of ["nowhere.xnor", null, 5]) await refused(() => load({{ model }}));
        await refused(() => load({{ module: {model} }}));""",
    ).splitlines()
    assert text.pop().startswith("The engine cannot be compiled (")
    assert text[:3] == ["10", "10", "10"]
    assert text[3].startswith("nowhere.xnor cannot be read (ENOENT")
    assert [line.endswith("but it must be the model: bytes or an address.") for line in text[3:]] == [True] * 3


@needs_node
def test_images_that_do_not_fit(tmp_path: Path) -> None:
    text = _script(
        tmp_path,
        """const model = await load();
        await refused(() => model.run(new Uint8Array(5)));
        await refused(() => model.run([1, 2, 3]));
        await refused(() => model.run(new Float32Array(784).fill(NaN)));
        await refused(() => model.run());
        console.log(JSON.stringify([model.input, model.output, model.classes, model.run(new Uint8Array(784)).length]));
        """,
    ).splitlines()
    assert "has 5 numbers, but it must have 784" in text[0]
    assert "of type Array, but it must be a Uint8Array of pixels or a Float32Array" in text[1]
    assert "NaN or an infinite number" in text[2]
    assert "of type undefined" in text[3]
    size = {"channels": 1, "height": 28, "width": 28, "takesFloats": True, "takesPixels": True}
    output = {"channels": 10, "height": 1, "width": 1}
    assert json.loads(text[4]) == [size, output, [str(i) for i in range(10)], 10]


@needs_node
def test_files_that_are_damaged(tmp_path: Path) -> None:
    text = _script(
        tmp_path,
        """const file = new Uint8Array(await readFile(new URL("model.xnor", import.meta.url)));
        file[file.length - 1] ^= 1;
        await refused(() => load({ model: file }));
        await refused(() => load({ model: file.subarray(0, 100) }));
        await refused(() => load({ model: new Uint8Array(0) }));
        const again = await load();
        console.log(again.run(new Uint8Array(784)).length);
        """,
    ).splitlines()
    assert "it was altered" in text[0]
    assert all(", but it must " in line and line.endswith(".") for line in text[:3]), text
    assert text[3] == "10"


def _with_std(number: str) -> bytes:
    file = HandFile()
    file.text = json.dumps(file.document).replace("[0.25]", f"[{number}]")
    return file.to_bytes()


@needs_node
@pytest.mark.parametrize("number", ["0.1", "1e-3", "2.5E-1", "0.30000000000000004", "3", "123456789012345678901234.5"])
def test_javascript_reads_the_numbers_of_a_file(number: str) -> None:
    content = _with_std(number)
    images = np.random.default_rng(3).integers(0, 256, (2, 1, 4, 4), dtype=np.uint8)
    graph = from_bytes(content)
    files = {**package_files(graph), "model.xnor": content}
    assert outputs_in_node(files, images).tobytes() == Model(graph)(images).tobytes()


@needs_node
@pytest.mark.parametrize("number", [0.1, -2.5, 1e300, 1 / 3])
def test_javascript_writes_the_numbers_of_a_message(number: float) -> None:
    file = HandFile()
    file.document["output"] = number
    written = json.dumps(number)
    with pytest.raises(FormatError, match=re.escape(f"'output' is {written}, ")):
        from_bytes(file.to_bytes())
    files = {**package_files(read(path("lenet5-digits"))), "model.xnor": file.to_bytes()}
    with pytest.raises(ExportError, match=re.escape(f"'output' is {written}, ")):
        outputs_in_node(files, np.zeros((1, 1, 4, 4), np.uint8))


@needs_node
def test_a_browser_without_simd(tmp_path: Path) -> None:
    text = _script(
        tmp_path,
        "WebAssembly.validate = () => false;\nconsole.log(supported());\nawait refused(() => load());\n",
    ).splitlines()
    assert text[0] == "false"
    assert "no WebAssembly SIMD" in text[1]
    assert "from 2023 or later" in text[1]


@needs_node
def test_pixels_in_another_order() -> None:
    by = Normalization((0.5, 0.4, 0.3), (0.25, 0.26, 0.27))
    spec = InputSpec((3, 4, 4), normalization=by, preparation=Preparation("bgr", transposed=True))
    node = Node("clip", "clip", ("input",), {"min": -1.5, "max": 1.5}, {})
    graph = Graph("ordered", spec, (node,), "clip", {})
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, 4, 4), dtype=np.uint8)
    expected = Model(graph, isa="reference")(pixels)
    assert outputs_in_node(package_files(graph), pixels).tobytes() == expected.tobytes()


def _digits(**changes: object) -> Graph:
    graph = read(path("lenet5-digits"))
    return replace(graph, input=replace(graph.input, **changes))


def test_models_that_no_page_can_show() -> None:
    with pytest.raises(ExportError, match=r"takes prepared floats \(whitened\).*but for a page it must take"):
        page(_digits(normalization=None, preparation=Preparation(prepared="whitened")))
    with pytest.raises(ExportError, match="for a page it must take pixels"):
        page(_digits(normalization=None))
    node = Node("clip", "clip", ("input",), {"min": 0.0, "max": None}, {})
    for channels, text in ((2, "reads 2 channels"), (1, "returns 4 x 4 positions")):
        spec = InputSpec((channels, 4, 4), Normalization((0.5,) * channels, (1.0,) * channels))
        with pytest.raises(ExportError, match=text):
            page(Graph("plain", spec, (node,), "clip", {}))


def test_what_a_page_says() -> None:
    graph = replace(read(path("lenet5-mnist")), name="<b>&{{engine}}")
    text = page(graph)
    assert "<title>&lt;b&gt;&amp;{{engine}} in this page</title>" in text
    assert "<b>" not in text
    assert re.search(r"<dd>[\d.]+ million 1-bit, [\d.]+ million float</dd>", text)
    assert 'id="paper"' in text
    assert 'id="camera"' not in text
    assert 'id="camera"' in page(read(path("nin-cifar10")))
    assert not re.search(r"https?://", re.sub(r"<script type=\"text/plain\".*?</script>", "", text))


def test_a_package_has_a_name_that_npm_takes() -> None:
    files = package_files(replace(read(path("lenet5-mnist")), name="My Model: v2"))
    assert json.loads(files["package.json"])["name"] == "my-model-v2"
    assert set(json.loads(files["package.json"])["files"]) | {"package.json"} == set(files)
