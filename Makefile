# make train   environment, then the main job on the embedded synthetic corpus
# make train DATA=/path/to/RAVDESS   the same on the real one
# make bench DATA=/path/to/RAVDESS   what is fast, side by side with other ways
# make test    environment, then lint and the quick tests
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
YAML   ?= hparams/cnn_transformer.yaml
DATA   ?= sample
ARGS   ?=

# The synthetic sample is small: short epochs of small batches show the way in two minutes.
ifeq ($(DATA),sample)
SAMPLE_ARGS := --number_of_epochs 8 --batch_size 8
endif

.PHONY: help environment train test test-all bench lint clean

help:
	@sed -n 's/^# //p' Makefile | head -4

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

environment: $(VENV)/.installed

train: environment
	$(BIN)/python recipes/RAVDESS/train.py "$(YAML)" --data_folder "$(DATA)" $(SAMPLE_ARGS) $(ARGS)

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Two processes, the tests of a file in the same one.
test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-all: lint
	$(BIN)/python -m pytest -m ""

bench: environment
	$(BIN)/python -m benchmarks --data_folder "$(DATA)" $(ARGS)

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache
