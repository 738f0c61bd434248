SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The interpreter that makes the environment; any CPython from 3.11 on.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# make demo DATA=creditcard.csv PROFILE=ulb BROKER=kafka
DATA ?=
PROFILE ?=
BROKER ?= embedded
# make test JOBS=1: how many processes share the tests; most of them wait, so that there may be more than cores
JOBS ?= 2
# make kafka PORT=9093
PORT ?= 9092

.PHONY: setup demo test faults lint format kafka bench contracts lock clean help

setup: $(STAMP) ## Make .venv with the locked packages and the command .venv/bin/fraud

$(STAMP): requirements/dev.lock pyproject.toml hatch_build.py model/scoring/kernel.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1): make setup PYTHON=python3.12" >&2; exit 2; }
	@echo "Making .venv with the locked packages; this takes about a minute."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)
	@echo "Done. The command is .venv/bin/fraud; with 'source .venv/bin/activate' it is fraud."

demo: setup ## Learn, score and alert on this machine: DATA=file, PROFILE=name and BROKER=kafka are optional
	$(BIN)/python -m demo --broker $(BROKER) $(if $(DATA),--data "$(DATA)") $(if $(PROFILE),--profile "$(PROFILE)")

test: setup ## All tests; those that need a real Kafka say how to get one
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

faults: setup ## Every fault three times over: kills, freezes, outages; all answers counted each time
	for round in 1 2 3; do echo "round $$round"; $(BIN)/python -m pytest tests/faults; done

lint: setup ## Format, style, types, and which way the imports run
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## Format, and mend what can be mended without thinking
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

kafka: setup ## A real Kafka on 127.0.0.1:9092, or PORT, until Ctrl-C (needs Java 17 and mvn)
	$(BIN)/python -m demo.kafka --port $(PORT)

bench: setup ## Every benchmark, one JSON line a figure
	$(BIN)/python -m bench

contracts: setup ## Write docs/contracts anew from the types
	$(BIN)/python -m model.schemas docs/contracts
	$(BIN)/python -m stream.schemas docs/contracts
	$(BIN)/python -m alerting.schemas docs/contracts

lock: ## Resolve the locked packages anew, for all platforms, with hashes and without an index's address
	$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv
	for extra in dev demo alerts score; do \
		.uv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-annotate --custom-compile-command "make lock" \
			--extra $$([ $$extra = score ] && echo signing || echo $$extra) $$([ $$extra = dev ] || echo -c requirements/dev.lock) \
			--output-file requirements/$$extra.lock; \
	done
	echo hatchling | .uv/bin/uv pip compile - --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" -c requirements/dev.lock \
		--output-file requirements/build.lock
	rm -r .uv

clean: ## Remove what was made here, the environment included
	rm -rf .venv .uv .demo .kafka .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
