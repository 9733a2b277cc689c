# Two commands for a fresh machine: `make demo` and `make test`. PYTHON chooses the interpreter, 3.10 or newer.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slurm lint docs clean

demo: .venv/.installed
	$(BIN)/ganexp budget=1min

# Small tensors: a thread per process and a process per core are faster than threads that wait for each other.
# Coverage is that of the tests' own processes; Slipcover measures it at no cost, where a tracer took two thirds more.
test: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m slipcover -m pytest -n auto --maxprocesses 8 --dist worksteal

# A small cluster on this host; scripts/slurm_up.sh says what it needs.
test-slurm: .venv/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slurm

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation, as pages that need neither a network nor a server.
docs: .venv/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo build/site/index.html

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.installed .venv/.installed-docs

.venv/.installed-docs: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	@touch $@

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache
