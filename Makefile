# Everything runs in a virtual environment of its own; nothing but Python 3.10 or newer, make and a package registry
# is needed. `make demo` and `make test` are the two commands to start with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Installs in silence, but for errors: what it is about is said before.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --editable
SETUP := setup.cfg pyproject.toml

.PHONY: demo train-demo test check check-trainers versions bench generate format clean

demo: $(VENV)/.core
	@echo "The samples of every source, a mixture, a conversation and a contact sheet:"
	@$(BIN)/video-sft demo
	@echo "To go on: . $(VENV)/bin/activate   and then   video-sft -h"

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
	@test -x $(BIN)/python || { echo "Making a virtual environment in $(VENV) with $$($(PYTHON) --version) ..."; \
		$(PYTHON) -m venv $(VENV); }
	@echo "Installing video-sft and what it needs into $(VENV): datasets, pyarrow, av and others, some 400 MB."
	@echo "The first time this takes a few minutes; nothing outside of $(VENV) is changed ..."
	@$(INSTALL) .
	@echo "Installed."
	@touch $@

$(VENV)/.test: $(VENV)/.core
	@echo "Installing what the tests need, torch and transformers among it: some 2 GB, a few minutes more ..."
	@$(INSTALL) '.[test]'
	@touch $@

$(VENV)/.check: $(VENV)/.test
	@$(INSTALL) '.[test,check]'
	@touch $@

$(VENV)/.versions: $(VENV)/.core
	@$(INSTALL) '.[versions]'
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	@$(INSTALL) '.[test,bench]'
	@touch $@

clean:
	rm -rf $(VENV) .versions .trainers demo-output
