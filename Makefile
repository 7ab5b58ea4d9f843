# ownhue. `make` or `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
CODE   := protocol client server tests

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint format bench fuzz acceptance lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(READY) ## tell the whole story on the terminal: phones, an authority, a checkpoint
	$(BIN)/ownhue city demo

test: $(READY) ## run the tests
	$(BIN)/pytest -q -n auto --dist loadfile -m "not acceptance"

coverage: $(READY) ## measure which branches of protocol/ the tests take, without ../shared (at least 95 %)
	OWNHUE_SHARED=/nonexistent OWNHUE_CI_REQUIRES_SHARED=0 $(BIN)/pytest -q -n auto --dist loadfile -m "not acceptance" \
	  --cov=ownhue --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95 \
	  tests/protocol tests/conformance tests/attacks

lint: $(READY) ## check style, types and the directions of imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

format: $(READY) ## mend what the style checks can mend
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(READY) ## measure speed (prints figures, judges nothing)
	$(BIN)/python -m tests.benchmarks

fuzz: $(READY) ## feed every parser with mutated inputs, guided by coverage, 20 seconds each (Linux, x86-64)
	$(BIN)/python -m tests.fuzz

acceptance: $(READY) ## the longer checks: replays of the real contact trace (needs ../shared)
	$(BIN)/pytest -q -m acceptance --timeout 900

lock: ## make requirements/dev.txt anew from dev.in (needs uv)
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header requirements/dev.in -o requirements/dev.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Hash-checked packages and editable installs cannot share one call of pip, hence two.
$(READY): requirements/dev.txt protocol/pyproject.toml client/pyproject.toml server/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e protocol -e client -e server
	touch $@
