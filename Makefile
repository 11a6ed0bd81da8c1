# Everything runs in a virtual environment of its own; nothing but Python 3.10 or newer, make and a package registry
# is needed. `make demo` and `make test` are the two commands to start with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SETUP := setup.cfg pyproject.toml

.PHONY: demo train-demo test check check-trainers versions bench generate format clean

demo: $(VENV)/.core
	$(BIN)/video-sft demo

train-demo: $(VENV)/.test
	mkdir -p demo-output
	cp dataset_cards/train.ipynb demo-output/
	$(BIN)/jupyter execute --inplace demo-output/train.ipynb
	@echo "demo-output/train.ipynb has run; the loss: demo-output/loss.png"

test: $(VENV)/.test
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.generate --check

versions: $(VENV)/.versions
	$(BIN)/python -m tests.versions $(ARGS)

check-trainers: $(VENV)/.core
	$(BIN)/python -m tests.trainers $(ARGS)

generate: $(VENV)/.check
	$(BIN)/python -m tests.generate

format: $(VENV)/.check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.bench
	$(BIN)/python -m tests.benchmarks $(ARGS)

$(VENV)/.core: $(SETUP)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	touch $@

$(VENV)/.versions: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[versions]'
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	touch $@

clean:
	rm -rf $(VENV) .versions .trainers demo-output
