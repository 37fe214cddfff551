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
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-24s %s\n", $$1, $$2}'

# Asked each time: a .venv may be left without pip, with a Python that is gone or too old, or be none of its own.
IS_ENVIRONMENT := import sys; assert sys.version_info >= (3, 11) and sys.prefix != sys.base_prefix
.PHONY: venv runtime servers lab dev ci
venv:
	@$(BIN)/python -I -c '$(IS_ENVIRONMENT); import pip' 2>/dev/null \
		|| { $(BIN)/python -I -c '$(IS_ENVIRONMENT)' 2>/dev/null && $(BIN)/python -I -m ensurepip >/dev/null 2>&1; } \
		|| if command -v $(PYTHON) >/dev/null; then \
			$(PYTHON) -m venv --clear .venv \
				|| { echo "$(PYTHON) can't make .venv (Debian and Ubuntu want the package python3.11-venv)"; exit 1; }; \
		elif command -v uv >/dev/null; then \
			uv venv --clear --seed --python 3.11 .venv; \
		else \
			echo "No $(PYTHON) here. Install Python 3.11, or uv, which brings it, or name yours: make PYTHON=/path/to/python3.11 ..."; exit 1; \
		fi

# It knows what was installed, so that all works without a network later. TORCH_BACKEND=cu130 takes another build of
# torch, TORCH_BACKEND= what pip finds by itself.
runtime servers lab dev ci: venv
	@$(BIN)/python -I deploy/install.py $@

run: runtime  ## Train on MovieLens-100K, serve it and stream the rest (RATE=events per second)
	@$(BIN)/python -m streamrec run --dataset ml-100k --rate $(RATE)

stack-local: servers  ## The same on a Kafka broker, MongoDB and Redis, each part restartable
	@$(BIN)/python -m streamrec stack-local --dataset ml-100k --rate $(RATE)

# Two at once, for each leaves cores idle. What the gate compiles no test has to compile again, so that it comes first:
# a dozen processes of the first tests would each compile the same for a minute.
test: dev  ## Every test and the rules on imports; before it the quality gate, lint and types
	@$(MAKE) --no-print-directory -j2 quality-gate lint
	@$(MAKE) --no-print-directory tests

# In the order of their folders: files of one long test, which xdist would leave for the end, come early. What failed
# while others took the processors is run once more by itself; if it passes then, its name above is a fault to mend.
tests: dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q \
	|| $(BIN)/python -m pytest --last-failed --last-failed-no-failures none -q

quality-gate: dev  ## Whether recall on the beginning of MovieLens-100K is what it was
	$(BIN)/python -m benchmarks.quality.gate

test-verbose: dev  ## Every test by its name, one after the other
	$(BIN)/python -m pytest -v

test-ci: ci  ## Every test, with JUnit's XML and coverage in var/coverage/, lines and branches, child processes included
	@mkdir -p var/coverage && rm -f var/coverage/data*
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q \
		--junitxml=var/coverage/tests.xml --cov --cov-report=xml --cov-report=term:skip-covered

test-kafka: dev  ## The Kafka suite on an Apache Kafka of yours: KAFKA_BOOTSTRAP=host:9092 make test-kafka
	@test -n "$(KAFKA_BOOTSTRAP)" || { echo "Name a broker: KAFKA_BOOTSTRAP=host:9092 make test-kafka (its topics get a prefix of their own, and are deleted at the end)"; exit 1; }
	$(BIN)/python -m pytest -q tests/contract/test_events.py tests/unit/adapters -k kafka

# The laboratory, LAB='--set generator.n_users=1000' tells it more.
LAB_STEPS := generate-data build-features tune-als train-models generate-recommendations evaluate run-experiments dashboard all
generate-data:  ## Laboratory: draw the made-up shop (LAB='--set section.key=value' for each of these but dashboard)
build-features:  ## Laboratory: features of users and items, correct at a point in time
tune-als:  ## Laboratory: settings of ALS that are best on the validation part; no part of `all`
train-models:  ## Laboratory: fit all batch models
generate-recommendations:  ## Laboratory: each user's best 20 by each model
evaluate:  ## Laboratory: judge the models on what came later
run-experiments:  ## Laboratory: A/B/n and interleaving on simulated clicks
dashboard:  ## Laboratory: what the steps found, as a page in var/lab/dashboard
all:  ## Laboratory: every step that is not up to date
$(LAB_STEPS): lab
	$(BIN)/python -m lab $@ $(LAB)

format: dev  ## Bring the code into form, and mend what can be mended by itself
	$(BIN)/python -m ruff check --fix-only .
	$(BIN)/python -m ruff format .

lint: style types security  ## Style, form and types, tests included, and the search for unsafe code

style: dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: dev
	$(BIN)/python -m mypy

quality: lint quality-gate  ## Lint, types, the search for unsafe code and the quality gate

security: dev  ## Unsafe code, by bandit
	$(BIN)/python -m bandit -q -c pyproject.toml -r streamrec models faiss_server recommender_server dashboard lab

# It asks PyPI, so that it is no part of `make test`; where PyPI is out of reach it says that nothing was checked.
audit: ci  ## Known vulnerabilities of all pinned packages, by pip-audit; needs a network
	$(BIN)/python -I deploy/audit.py

locks: dev  ## Requirements of each image with hashes, in requirements/locked; after a pin was changed
	$(BIN)/python -I deploy/locks.py

sbom: dev  ## Bills of materials of the images (CycloneDX), in var/sbom
	$(BIN)/python -I deploy/sbom.py

test-nightly: dev  ## The long tests (FUZZ_S=seconds for spoiled bytes, an hour by default)
	STREAMREC_FUZZ_S=$(FUZZ_S) $(BIN)/python -m pytest -q --override-ini addopts="--strict-markers -ra --import-mode=importlib" -m nightly tests
	STREAMREC_NEW_EXAMPLES=1 $(BIN)/python -m pytest -q -n $(WORKERS) tests/properties

bench: dev  ## Benchmarks of the embedded default; tables on screen, JSON in benchmarks/results/
	$(BIN)/python -m benchmarks

bench-quick: dev  ## Whether a hot path costs more than recorded, beside a bare reference, in four minutes
	$(BIN)/python -m benchmarks.quick

bench-services: dev  ## Benchmarks over a real Kafka broker, MongoDB and Redis
	$(BIN)/python -m benchmarks --services

experiment-loop: dev  ## Simulated users in experiments while parts are killed: whether all that they did is counted
	$(BIN)/python -m benchmarks.experiments.loop

docs: dev  ## The documentation as pages, in var/site/index.html; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Read it: $(BIN)/python -m http.server --directory var/site --bind 127.0.0.1 8090"

# What an earlier build left would be packed again.
wheel: dev  ## The package, in dist/: pip install dist/streamrec-*.whl
	rm -rf build dist *.egg-info
	$(BIN)/python -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w dist .
	rm -rf build *.egg-info

# Any Python will do: it has to work without an installation, and with a damaged one.
clean-data:  ## Forget everything learned and stored (keeps the downloaded data set); not while something runs
	@$$(command -v $(BIN)/python || command -v $(PYTHON) || echo python3) -m streamrec.cli.files.clean_data

clean: clean-data  ## Also the data set and the installation
	rm -rf var .venv build dist *.egg-info

.PHONY: $(LAB_STEPS) help run stack-local test test-verbose test-ci quality security audit locks sbom quality-gate tests style types test-kafka format lint test-nightly bench bench-quick bench-services experiment-loop docs wheel clean-data clean
