# Needs Python 3.10 to 3.13; installs everything else into .venv.
PYTHON ?= python3
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
# CI passed with the versions in requirements.lock.
INSTALL := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --constraint requirements.lock
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.py,tests.fuzz.%,$(wildcard tests/fuzz/fuzz_*.py))

.PHONY: demo hand-in test test-machines lint lock fuzz submission install install-dev clean

demo: $(VENV)/installed
	$(VENV_PYTHON) train.py --demo

test: $(VENV)/installed-dev
	$(VENV_PYTHON) -m pytest -n 2 --dist loadfile

# The numerical tests as on other processors, Python versions and dependencies. A selection: make test-machines MACHINES=--quick
test-machines: $(VENV)/installed-dev
	$(VENV_PYTHON) -m tests.run_on_machines $(MACHINES)

# The rules are in pyproject.toml.
lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

# Locks the newest versions that pyproject.toml allows, for all Python versions and systems.
lock: | $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(VENV)/bin/uv pip compile pyproject.toml --quiet --upgrade --all-extras --universal --python-version 3.10 \
		--no-python-downloads --no-annotate --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --output-file requirements.lock

# make hand-in PICKLE=youtube_train_data.pkl: converts the course's pickle, trains, and writes runs/hand-in/submission.zip
PICKLE ?= youtube_train_data.pkl
HAND_IN_EPOCHS ?= 10
hand-in: $(VENV)/installed
	test -e "$(basename $(PICKLE)).h5" || $(VENV_PYTHON) convert_pkl_to_h5.py "$(PICKLE)"
	$(VENV_PYTHON) train.py --data "$(basename $(PICKLE)).h5" --validation-split random --no-augment \
		--epochs $(HAND_IN_EPOCHS) --out runs/hand-in
	$(VENV_PYTHON) make_submission.py runs/hand-in

# make submission RUN=runs/first
submission: $(VENV)/installed
	$(VENV_PYTHON) make_submission.py "$(RUN)"

# atheris has wheels for Linux and Python 3.11 to 3.13.
fuzz: $(VENV)/installed-fuzz
	for fuzzer in $(FUZZERS); do echo "$$fuzzer" && $(VENV_PYTHON) -m "$$fuzzer" $(FUZZ_SECONDS) || exit 1; done

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(VENV_PYTHON):
	$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and 'error: Python 3.10 to 3.13 is needed; name one with make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml requirements.lock | $(VENV_PYTHON)
	$(INSTALL) .
	touch $@

$(VENV)/installed-dev: pyproject.toml requirements.lock | $(VENV_PYTHON)
	$(INSTALL) ".[video,dev]"
	touch $(VENV)/installed $@

$(VENV)/installed-fuzz: $(VENV)/installed
	$(INSTALL) ".[video,release,fuzz]"
	touch $@

clean:
	rm -rf $(VENV) .venvs .mypy_cache .ruff_cache .import_linter_cache
