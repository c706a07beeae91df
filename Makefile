# The everyday commands. Everything is installed into .venv, from whatever index pip is set up to use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO := demo
RUNS ?= runs/studies
TEXT ?=
VALID ?=
INPUTS ?= 20000
SEED ?= 0
COVERAGE ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test golden check check-long docs bench figures format lab clean

help: ## list these commands
	@echo "make COMMAND, where COMMAND is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-11s %s\n", $$1, $$2}'

install: $(INSTALLED) ## set up .venv (the other commands do so when needed)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "tinyinterp needs Python 3.11 or later; '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>&1 | head -n 1). Name another: make PYTHON=python3.12" >&2; \
		exit 1; }
	@echo "Installing into $(VENV): some minutes, most of them for PyTorch." >&2
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	@touch $@

demo: $(INSTALLED) ## label the heads and neurons of the bundled model, and write a story
	$(BIN)/tinyinterp info
	$(BIN)/tinyinterp heads --out $(DEMO)/heads
	$(BIN)/tinyinterp neurons --layer 4 --out $(DEMO)/neurons
	@echo
	@echo "Made:"
	@echo "  $(CURDIR)/$(DEMO)/heads/heads.html  a heat map and a label for every head"
	@echo "  $(CURDIR)/$(DEMO)/neurons           the words that each neuron of layer 4 fires on"
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] && command -v xdg-open >/dev/null; then \
		xdg-open $(DEMO)/heads/heads.html >/dev/null 2>&1 || true; \
	elif [ "$$(uname)" = Darwin ]; then \
		open $(DEMO)/heads/heads.html || true; \
	fi
	@echo
	$(BIN)/tinyinterp generate "Once upon a time"

# Each worker keeps to one thread; more than four mostly wait for one another's imports. The notebooks
# come first: one of them takes minutes, and nothing should wait for it at the end.
test: $(INSTALLED) ## run the tests, the examples in docstrings and the notebooks (COVERAGE=1 counts lines)
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --nbmake --nbmake-timeout=900 \
		$(if $(COVERAGE),--cov --cov-report=) notebooks tests tinyinterp train analyses

golden: $(INSTALLED) ## write the golden tables anew; git diff tests/golden shows what changed
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONPATH=tests:. $(BIN)/python -m golden.renew

check: $(INSTALLED) ## formatting, lint, spelling and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/codespell
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

check-long: $(INSTALLED) ## 20,000 damaged inputs (INPUTS=, SEED=), runs that are killed, other Pythons
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 HF_HUB_OFFLINE=1 PYTHONPATH=tests:. $(BIN)/python -W ignore -m fuzz.campaign $(INPUTS) $(SEED)
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 -m long tests
	.ci/pythons 3.12 3.13

docs: $(INSTALLED) ## build the site into build/site, which opens from disk
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet -f mkdocs.yml
	$(BIN)/python .ci/offline.py build/site
	@echo "The site: $(CURDIR)/build/site/index.html"

bench: $(INSTALLED) ## measure speed and memory, and write docs/performance.md (slow)
	$(BIN)/python tests/benchmarks/page.py

figures: $(INSTALLED) ## make the studies that are missing (RUNS=, TEXT=, VALID=; see docs/studies.md)
	$(BIN)/python -m analyses --missing --runs $(RUNS) $(if $(TEXT),--text $(TEXT)) $(if $(VALID),--valid $(VALID))

format: $(INSTALLED) ## reformat, mend what can be mended, empty the notebooks
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/python .ci/tidy_notebooks.py

lab: $(INSTALLED) ## open the guided tour in JupyterLab
	$(BIN)/tinyinterp lab

clean: ## remove the demo and all caches; .venv, data and runs stay
	rm -rf $(DEMO) build dist .pytest_cache .ruff_cache .hypothesis
	find tinyinterp train tests -name __pycache__ -type d -prune -exec rm -rf {} +
