# make demo    from raw text to a model that writes (about eleven minutes with the installation)
# make test    the tests
# make check   lint, format, types and layers, as CI runs them
#
# PYTHON=python3.12 make demo    chooses the Python (3.11 or newer).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo install install-dev test check format clean

demo: install
	$(BIN)/groundup run recipes/quickstart.toml
	$(BIN)/groundup generate runs/quickstart --max-tokens 80 \
	  --temperature 0.7 --top-p 0.9 --repetition-penalty 1.1 \
	  --prompt "def read_lines" --prompt "class Stack" --prompt "import os"

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "groundup needs Python 3.11 or newer; set PYTHON=... (this is `$(PYTHON) --version`)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

test: install-dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
