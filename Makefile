# make train   environment, then the main job on the embedded synthetic corpus
# make train DATA=/path/to/RAVDESS   on the real one, all epochs: hours without a GPU
# make bench DATA=/path/to/RAVDESS   what is fast, side by side with other ways
# make test    environment, then lint and the quick tests
# make test-all      the slow ones too; make test-lowest: with the lowest allowed versions
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

.PHONY: help environment train test test-all test-lowest bench lint clean

help:
	@sed -n 's/^# //p' Makefile | head -5

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

# Two processes, the tests of a file in the same one. Sorted by the number of their tests, long files
# of few tests would come last, and one process would wait for the other.
IN_TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: lint
	$(BIN)/python -m pytest $(IN_TWO)

test-all: lint
	$(BIN)/python -m pytest -m ""

# The lowest version that setup.cfg allows of everything it names, in an environment of its own.
# Wheels only: nobody compiles an old numpy.
$(VENV)-lowest/.installed: setup.cfg
	$(PYTHON) -m venv --clear $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet uv
	$(VENV)-lowest/bin/uv pip install --quiet --python $(VENV)-lowest/bin/python \
		--resolution lowest-direct --only-binary :all: --no-binary ser-lib --editable ".[test]"
	touch $@

test-lowest: $(VENV)-lowest/.installed
	$(VENV)-lowest/bin/python -m pytest $(IN_TWO)

bench: environment
	$(BIN)/python -m benchmarks --data_folder "$(DATA)" $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m benchmarks.growth)

clean:
	rm -rf $(VENV) $(VENV)-lowest runs .pytest_cache .ruff_cache
