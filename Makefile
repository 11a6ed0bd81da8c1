# Everything runs in a virtual environment of its own; nothing but Python 3.10 or newer, make and a package registry
# is needed. `make demo` and `make test` are the two commands to start with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SETUP := setup.cfg pyproject.toml

.PHONY: demo train-demo test coverage check check-trainers versions bench generate format clean

demo: $(VENV)/.core
	$(BIN)/video-sft demo

train-demo: $(VENV)/.test
	mkdir -p demo-output
	cp dataset_cards/train.ipynb demo-output/
	$(BIN)/jupyter execute --inplace demo-output/train.ipynb
	@echo "demo-output/train.ipynb has run; the loss: demo-output/loss.png"

test: $(VENV)/.test
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

# Measuring makes tests take 1.75 times their processor time (Python 3.11, branches), so the whole suite runs without it,
# and these, which take most branches for their time, once more with it. pyproject.toml says how many have to be taken.
COVERED := $(addprefix tests/,annotations checking cli/test_commands.py cli/test_eval_ids.py mixing/test_mix.py \
	mixing/test_eval_lists.py mixing/test_recipes.py mixing/test_report.py builders/test_malformed_rows.py \
	builders/test_contract.py builders/test_videochat2_hub.py publishing/test_videos.py publishing/test_publish.py \
	publishing/test_reading.py outside/test_definitions.py media loading/test_file_names.py loading/test_loading.py \
	loading/test_damaged_caches.py rows/test_messages.py training/test_bad_rows.py training/test_families.py \
	training/test_limits.py training/test_times.py training/test_trainers.py video/test_audio.py video/test_clip.py \
	video/test_stated_facts.py video/test_frame_folder.py video/test_packet_tables.py video/test_unusual_layouts.py \
	video/test_range_cache.py video/test_remote_requests.py video/test_sampling.py video/test_waiting.py)

coverage: $(VENV)/.test
	$(BIN)/python -m pytest -q --cov --numprocesses auto --maxprocesses 4 --dist loadfile $(COVERED) $(ARGS)

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
