# The verbs. `make demo` and `make test` each work as the first command on a machine with Python 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PINS := conformance/foreign/py20305.txt
FOREIGN := .venv-peers/py20305
FOREIGN_STAMP := $(FOREIGN)/.installed
# One process a processor, four at most: with one more, demonstrations in real time meet a machine that is late.
PROCESSES := $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -lt 4 ] && echo $$n || echo 4)
# A file stays with one process, which shares its fixtures; one test: .venv/bin/python -m pytest path::name
WORKERS := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo test soak mutants peers sep2-model fuzz check fmt lint types arch cov bench clauses dist clean

help: ## List the verbs.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) $(FOREIGN_STAMP) ## Build .venv with everything for users and developers, and that of a foreign client.

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "gridgate needs Python 3.11 to 3.13"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -e . --group test --group check
	touch $@

# A foreign client has an environment of its own, apart from ours; where it cannot be had, its tests skip and say so.
$(FOREIGN_STAMP): $(PINS) | $(STAMP)
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(FOREIGN) \
	  && $(BIN)/uv pip install --quiet --python $(FOREIGN)/bin/python --compile-bytecode --require-hashes -r $(PINS) \
	  && touch $@ || echo "py20305 is not installed: the tests that need it will skip"

demo: $(STAMP) ## Replay the Phoenix field demonstration (three processes, about a minute).
	$(BIN)/gridgate demo phoenix

test: $(STAMP) $(FOREIGN_STAMP) ## Run the whole test suite, in one process more than there are processors (four at most).
	$(BIN)/python -m pytest -q $(WORKERS)

soak: $(STAMP) ## Crashes, power loss, faults, simulated days and wrong devices, in one table (up to 20 minutes).
	$(BIN)/gridgate-conformance soak

clauses: $(STAMP) ## Write the tables of clauses and their tests anew.
	$(BIN)/python -m conformance.coverage

sep2-model: $(STAMP) ## Write the classes and tables of IEEE 2030.5 anew from schemas/sep2.
	$(BIN)/python -m conformance.sep2model

mutants: $(STAMP) ## Try every wrong reference device on whole plans and keep the matrix (many minutes).
	$(BIN)/gridgate-conformance mutants --full --jobs 2 --write docs/conformance
	$(BIN)/gridgate-conformance mutants --check docs/conformance

peers: $(STAMP) ## Judge openleadr, our VEN and our VTN: a verdict that is not the expected one fails (a quarter of an hour).
	$(BIN)/gridgate-conformance peers openleadr --subset
	$(BIN)/gridgate-conformance peers gridgate
	$(BIN)/gridgate-conformance peers gridgate-sep2
	$(BIN)/gridgate-conformance peers gridgate-vtn-pull
	$(BIN)/gridgate-conformance peers gridgate-vtn-push

fuzz: $(STAMP) ## Attack every reader with damaged messages, guided by coverage (10 minutes each).
	$(BIN)/uv pip install --quiet --python $(BIN)/python atheris
	$(BIN)/python -m conformance.fuzz --seconds 600

check: $(STAMP) lint types arch ## What must be green at every push: style, types, layers, quick tests.
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow and not peer"

fmt: $(STAMP) ## Format.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

lint: $(STAMP) ## Style.
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: $(STAMP) ## Types.
	$(BIN)/mypy

arch: $(STAMP) ## Layers and import contracts.
	$(BIN)/lint-imports --no-logo

cov: $(STAMP) ## Branch coverage.
	$(BIN)/uv pip install --quiet --python $(BIN)/python coverage
	$(BIN)/python -m coverage run -m pytest -q
	$(BIN)/python -m coverage report

bench: $(STAMP) ## Measure against the published bars.
	$(BIN)/gridgate bench decode2b

dist: $(STAMP) ## Build the wheel.
	$(BIN)/uv build --wheel --quiet --out-dir dist

clean: ## Remove what was built and generated.
	rm -rf $(VENV) .venv-peers dist var build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
