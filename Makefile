# make demo   attack the bundled victim on eight photographs
# make test   lint, types, tests: what CI runs
# make docs   the documentation as a site, in build/site
# All set up .venv on first use, and again only where what it is made from has changed.
# make test-pyiqa   the adapter against pyiqa itself, in an environment of its own: 7 GB, minutes

PYTHON ?= python3
BIN := .venv/bin
PYIQA_VENV ?= .venv-pyiqa

.PHONY: demo test test-pyiqa lint docs clean

demo: .venv/demo.stamp
	$(BIN)/iqaudit demo --overwrite

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

test-pyiqa: $(PYIQA_VENV)/stamp
	$(PYIQA_VENV)/bin/python -m pytest tests/pyiqa

lint: .venv/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/docs.stamp
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/site

clean:
	rm -rf .venv .venv-pyiqa iqaudit-demo

.venv/demo.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/test.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ .venv/demo.stamp

.venv/docs.stamp: pyproject.toml constraints.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "iqaudit needs Python 3.11 or later; name one as in: make PYTHON=python3.12 demo")'
	$(PYTHON) -m venv .venv

# Not beside .venv's packages: torchvision's wheels load only with the torch they were built for.
$(PYIQA_VENV)/stamp: pyproject.toml constraints-pyiqa.txt
	$(PYTHON) -m venv $(PYIQA_VENV)
	$(PYIQA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
	  -c constraints-pyiqa.txt -e '.[pyiqa]' pytest
	touch $@
