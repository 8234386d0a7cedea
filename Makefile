# Needs only make and Python: everything else goes into .venv.
#
#   make demo    translate the sample to piano, strings and organ, into .demo/
#   make test    lint, type check, build the docs, run the tests
#   make bench   measure real-time factors on this machine
#   make starter make the bundled weights again, from nothing, into .starter/: hours
#   make docs    write the generated pages, then build the site into site/
#   make clean   remove all that these made, but .starter/

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# its advertisement is no message of ours
export NO_MKDOCS_2_WARNING := 1
SAMPLE := docs/examples/sample.flac
DEMO_DOMAINS := piano,strings,organ

.PHONY: demo test bench starter docs clean

demo: $(VENV)/installed
	@mkdir -p .demo
	$(BIN)/umt convert $(SAMPLE) --to $(DEMO_DOMAINS) -o .demo/ --overwrite
	@echo "This is $(SAMPLE) in other sounds; your own: $(BIN)/umt convert song.mp3 --to piano"

# pytest comes last, so that its summary ends the output
test: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mkdocs build --strict --quiet
	$(BIN)/pytest

bench: $(VENV)/installed
	$(BIN)/python tests/bench/bench_convert.py

# goes on where it was stopped; asks for FluidSynth and Debian's fluid-soundfont-gm
starter: $(VENV)/installed-dev
	cd domains && ../$(BIN)/python -m starter all ../.starter

docs: $(VENV)/installed-dev
	$(BIN)/python docs/make_cli.py
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) .demo site build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The stamps make a second run quick; a change of what is to be installed renews them.
$(VENV)/installed: $(VENV)/created pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[fast]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/created pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[dev,fast,starter]'
	@touch $@ $(VENV)/installed
