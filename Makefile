# `make demo` needs Python 3.10 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
FUZZ_SECONDS ?= 60

.PHONY: demo test fuzz install install-dev clean

demo: $(VENV)/installed
	$(RUN) train.py --demo

test: $(VENV)/installed-dev
	$(RUN) -m pytest

# atheris has wheels for Linux and Python 3.11 to 3.13.
fuzz: $(VENV)/installed-fuzz
	$(RUN) fuzz/fuzz_pickle_reader.py $(FUZZ_SECONDS)
	$(RUN) fuzz/fuzz_store.py $(FUZZ_SECONDS)

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(RUN):
	$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and 'error: Python 3.10 to 3.13 is needed; name one with make PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(RUN)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(VENV)/installed-fuzz: requirements-fuzz.txt $(VENV)/installed
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	touch $@

clean:
	rm -rf $(VENV)
