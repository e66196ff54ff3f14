"""Builds the WebAssembly module that ships in src/xnorkit/targets/web, with the compiler of the package ziglang.

    python tools/build_web.py            # writes the module, what it was built from, and the licences of its libraries
    python tools/build_web.py --check    # builds it elsewhere, and fails where the bytes differ

The same version of the compiler gives the same bytes on every machine. `xnorkit.wasm.json` holds that version and a
hash of everything that enters the build, which a test compares with the sources.
"""

import argparse
import hashlib
import importlib.resources
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "engine"
MODULE = ROOT / "src" / "xnorkit" / "targets" / "web" / "xnorkit.wasm"
RECORD = MODULE.with_name("xnorkit.wasm.json")
MAX_BYTES = 300_000

FLAGS = [
    *("-target", "wasm32-wasi", "-std=c++17", "-msimd128", "-fno-exceptions", "-fno-rtti", "-DNDEBUG"),
    *("-ffp-contract=off", "-fno-trapping-math", "-fvisibility=hidden", "-Iinclude", "-Isrc", "-I.", "-g0"),
]
KERNELS = ["-O3"]
OTHERS = ["-Oz", "-flto", "-Xclang", "-fmerge-functions", "-DXNORKIT_WITHOUT_REFERENCE", '-DXNORKIT_VERSION="web"']
LINK = ["-target", "wasm32-wasi", "-mexec-model=reactor", "-Oz", "-s"]
SMALLER = ["-O2", "--compress-relocations"]
"""Of the linker, which the compiler's own command line does not pass on."""
OTHER_MACHINES = ("_avx", "_neon")
FUSED = Path("web/fused.cpp")
"""A module of its own, which lies in the engine's as a custom section of this name."""
RELAXED = ["-mrelaxed-simd"]
ALONE = ["--no-entry", "--import-memory", "-z", "stack-size=0", "-s", "-O2"]
LICENSES = {
    "compiler-rt": ["../LICENSE"],  # Zig's own, as is a part of the C library
    "libcxx": ["libcxx/LICENSE.TXT"],
    "libcxxabi": ["libcxxabi/LICENSE.TXT"],
    "musl": ["libc/musl/COPYRIGHT"],
    "wasi-libc": ["libc/wasi/LICENSE", "libc/wasi/LICENSE-MIT"],
}
"""The libraries of which the module holds parts, and where the compiler's package keeps their terms."""
LEFT_OUT = {
    *("src/threads/threads.cpp", "src/threads/openmp_threads.cpp", "src/threads/cores.cpp"),  # there are no threads
    "src/file/load.cpp",  # there are no files
    "src/common/numbers.cpp",  # JavaScript reads and writes numbers
    FUSED.as_posix(),
    *("src/dispatch/sum_table.cpp", "src/kernels/signed_sums/signed_sums_4x64_portable.cpp"),  # of training
}


def sources() -> list[Path]:
    """Return what the module is compiled from: the engine without training, and module.cpp."""
    found = [path for path in [*ENGINE.glob("src/**/*.cpp"), *ENGINE.glob("web/*.cpp")] if _enters(path)]
    return sorted(path.relative_to(ENGINE) for path in found)


def _enters(path: Path) -> bool:
    name = path.relative_to(ENGINE).as_posix()
    return name not in LEFT_OUT and not any(m in path.name for m in OTHER_MACHINES) and "src/training/" not in name


def fingerprint() -> str:
    """Return a hash of the sources, the headers that they may include, and the flags."""
    headers = [*ENGINE.glob("src/**/*.h"), *ENGINE.glob("src/**/*.inc"), *ENGINE.glob("include/**/*.h")]
    files = [*sources(), FUSED, *sorted(path.relative_to(ENGINE) for path in headers if _enters(path))]
    digest = hashlib.sha256(json.dumps([FLAGS, KERNELS, OTHERS, LINK, SMALLER, RELAXED, ALONE]).encode())
    for path in files:
        digest.update(f"\0{path.as_posix()}\0".encode() + (ENGINE / path).read_bytes())
    return digest.hexdigest()


def build(folder: Path) -> bytes:
    """Compile the module in `folder` and return it; the compiler itself remembers what has not changed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = sources()
    kernels = [path for path in paths if "kernels" in path.parts]
    reader = [path for path in paths if "file" in path.parts]
    # Kernels one by one, as their contract asks. The others share headers, and a third of the time, as two texts.
    texts = [_text(folder / "reader.cpp", reader)]
    texts.append(_text(folder / "engine.cpp", [path for path in paths if path not in {*kernels, *reader}]))
    jobs = [*((text, OTHERS) for text in texts), *((path, KERNELS) for path in kernels)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        objects = list(threads.map(lambda job: _compile(job[0], job[1], folder), jobs))
    module = folder / "xnorkit.wasm"
    # The compiler knows where its libraries are, and says how it calls the linker; that call is repeated.
    said = _zig("c++", *LINK, "-v", *map(str, objects), "-o", str(module))
    (line,) = [line for line in said.splitlines() if line.startswith("wasm-ld ")]
    _zig(*line.split(), *SMALLER)
    fused = folder / "fused.wasm"
    _zig("wasm-ld", *ALONE, str(_compile(FUSED, [*KERNELS, *RELAXED], folder)), "-o", str(fused))
    return module.read_bytes() + _section("fused", fused.read_bytes())


def _section(name: str, content: bytes) -> bytes:
    """Return a custom section of a module."""
    body = bytes([len(name)]) + name.encode() + content
    size, length = b"", len(body)
    while length > 127:
        size, length = size + bytes([length % 128 + 128]), length // 128
    return b"\0" + size + bytes([length]) + body


def license_text(name: str) -> str:
    """Return the terms of a library of the compiler."""
    package = importlib.resources.files("ziglang")
    return "\n".join((package / "lib" / file).read_text(encoding="utf-8") for file in LICENSES[name])


def _text(path: Path, parts: list[Path]) -> Path:
    path.write_text("".join(f'#include "{part.as_posix()}"\n' for part in parts), encoding="utf-8")
    return path


def _compile(path: Path, flags: list[str], folder: Path) -> Path:
    made = folder / f"{path.stem}.o"
    _zig("c++", *FLAGS, *flags, "-c", str(path), "-o", str(made))
    return made


def _zig(*arguments: str) -> str:
    """Return what the compiler says."""
    command = [sys.executable, "-m", "ziglang", *arguments]
    done = subprocess.run(command, cwd=ENGINE, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stderr


def main() -> None:
    """Build the module, and write it or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the module that is there, and write nothing")
    options = parser.parse_args()
    module = build(ROOT / "build" / "web")
    record = {
        "compiler": f"ziglang {version('ziglang')}",
        "sources": fingerprint(),
        "bytes": len(module),
        "sha256": hashlib.sha256(module).hexdigest(),
    }
    print(json.dumps(record, indent=2))
    if len(module) > MAX_BYTES:
        sys.exit(f"the module has {len(module):,} bytes, but it must have at most {MAX_BYTES:,}.")
    if options.check:
        if module != MODULE.read_bytes():
            sys.exit(f"{MODULE} is not what the sources give. Run `make web`, and commit the module.")
        return
    MODULE.write_bytes(module)
    for name in LICENSES:
        (ROOT / "licenses" / f"{name}.txt").write_text(license_text(name), encoding="utf-8")
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
