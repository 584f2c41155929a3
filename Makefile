# `make demo` needs Python 3.10 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
FUZZ_SECONDS ?= 60

.PHONY: demo test test-machines fuzz submission install install-dev clean

demo: $(VENV)/installed
	$(VENV_PYTHON) train.py --demo

test: $(VENV)/installed-dev
	$(VENV_PYTHON) -m pytest -n 2 --dist loadfile

# The tests that compute, on all that this machine can pretend to be: make test-machines MACHINES=--quick for a few of them.
test-machines: $(VENV)/installed-dev
	$(VENV_PYTHON) tests/run_on_machines.py $(MACHINES)

# make submission RUN=runs/first
submission: $(VENV)/installed
	$(VENV_PYTHON) make_submission.py "$(RUN)"

# atheris has wheels for Linux and Python 3.11 to 3.13.
fuzz: $(VENV)/installed-fuzz
	$(VENV_PYTHON) fuzz/fuzz_pickle_reader.py $(FUZZ_SECONDS)
	$(VENV_PYTHON) fuzz/fuzz_store.py $(FUZZ_SECONDS)

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(VENV_PYTHON):
	$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and 'error: Python 3.10 to 3.13 is needed; name one with make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV_PYTHON)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-video.txt $(VENV)/installed
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(VENV)/installed-fuzz: requirements-fuzz.txt $(VENV)/installed
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	touch $@

clean:
	rm -rf $(VENV) .venvs
