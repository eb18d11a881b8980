# The commands a person types. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt
PYTEST_ARGS ?=
# A process per core, one thread each: threads of several processes wait for each other.
PARALLEL ?= -n logical --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint bench trust mutants truths report docs-check test-wheel axe clean

help: ## This list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "topolab needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# One stamp per set of dependencies: a second run installs nothing.
$(VENV)/.installed-run: $(INPUTS) | $(BIN)/python
	@echo "Installing topolab and its pinned dependencies (a few minutes the first time)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: $(INPUTS) | $(BIN)/python
	@echo "Installing topolab with what its tests need (a few minutes the first time)"
	@$(PIP) --editable ".[test]"
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-dev: $(INPUTS) | $(BIN)/python
	@echo "Installing topolab with its development tools"
	@$(PIP) --editable ".[dev]"
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-test

demo: $(VENV)/.installed-run ## Train two networks on embedded data, analyse them, write a report
	@$(BIN)/topolab demo --out demo

test: $(VENV)/.installed-test ## Tests of every behaviour, doctests, documentation examples (8 minutes on 2 cores)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

test-all: $(VENV)/.installed-test ## The same with the long forms: more examples, more kills
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) --long $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## ruff, mypy --strict on the four packages, the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.installed-test ## Every number that the documents quote, with its peer
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

report: $(VENV)/.installed-run ## Rebuild the gallery's reports (minutes), or one: GALLERY=growth
	@$(BIN)/python reports/gallery/build.py $(GALLERY)

trust: $(VENV)/.installed-test ## 300 kills and 10,000 damaged files (half an hour); a short form is in `make test`
	@$(BIN)/python benchmarks/trust

truths: $(VENV)/.installed-test ## What the words of selection are worth, on runs of known truth
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/truths --workers 2

mutants: $(VENV)/.installed-test ## Change the code in one place at a time: would the tests notice? (hours)
	@$(BIN)/python benchmarks/mutants

docs-check: $(VENV)/.installed-test ## Links, examples and completeness of the documents
	@$(BIN)/python -m pytest -q tests/docs README.md docs

test-wheel: $(VENV)/.installed-dev ## Build the wheel, install it outside the checkout, test that
	@BIN=$(CURDIR)/$(BIN) PYTHON=$(PYTHON) PARALLEL="$(PARALLEL)" bash tests/test-wheel.sh

axe: ## Fetch the newest accessibility checker the tests know of (needs npm)
	@npm install --silent --no-audit --no-fund --no-package-lock

clean: ## Remove the environment, caches and the demo
	rm -rf $(VENV) .venv-* build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
