# What a developer does with cometape. Needs python3 (3.11 or newer) and make; everything else is
# installed here, into .venv and tests/node/*/node_modules, from lock files with hashes. Two clients
# of the tests are Debian packages: root has them installed, anybody else is told the command.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
UV_VERSION := 0.13.9
# Tests wait for clients and timeouts as much as they compute: one more than there are cores.
WORKERS = $(shell $(PY) -c 'import os; print(1 + (os.cpu_count() or 1))')

NODE_PARTS := cometd3 cometd4 cometd5 cometd7 cometd9 faye browser har server suite
NODE_STAMPS := $(NODE_PARTS:%=tests/node/%/node_modules/.installed)
NODE_DRIVER := tests/support/node_runtime.py
FOREIGN := tests/foreign/.downloaded
BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

# Wheels and sources by hash; what comes as source is built by the packages of build.lock.
define install
$(PIP) install --quiet --require-hashes -r requirements/build.lock
$(PIP) install --quiet --require-hashes --no-build-isolation --use-pep517 -r requirements/$(1).lock
$(PIP) install --quiet --no-deps --no-build-isolation --editable .
endef

say = printf '\033[1m── %s\033[0m\n' $(1)

.PHONY: help demo test test-newest system-tools check format cassettes lock bench clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo-ready  ## record, inspect and replay a Workbins session, in under a minute
	@$(PY) docs/examples/demo.py

test: $(VENV)/.dev-ready $(NODE_STAMPS) $(FOREIGN) system-tools  ## the whole test suite, in parallel (ARGS="-k words" to choose)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-newest:  ## the same with the newest Python here, up to 3.13, and the mitmproxy that wants it
	@python=$$(PYTHON="$(PYTHON)" bash requirements/newest-python.sh); \
	if [ -z "$$python" ]; then \
	  printf 'cometape: no Python here is newer than %s: nothing more to test\n' "$(PYTHON)"; \
	else \
	  $(MAKE) --no-print-directory test PYTHON="$$python" VENV=.venv-newest; \
	fi

# What tests drive and neither PyPI nor npm has; installs nothing where it may not.
system-tools:
	@bash requirements/system-tools.sh

check: $(VENV)/.dev-ready  ## linter, formatting, two type checkers
	@$(call say,"ruff check"); $(PY) -m ruff check .
	@$(call say,"ruff format --check"); $(PY) -m ruff format --check .
	@$(call say,"mypy --strict"); $(PY) -m mypy
	@$(call say,"pyright"); $(PY) -m pyright --pythonpath $(PY)

format: $(VENV)/.dev-ready  ## mend what the linter can mend, and the layout of the code
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

cassettes: $(VENV)/.dev-ready  ## record the cassettes in cassettes/ anew; look at the diff
	@$(PY) docs/examples/record_cassettes.py

bench: $(VENV)/.dev-ready  ## the benchmarks: start-up, requests per second, memory per held connect
	@for benchmark in $(BENCHMARKS); do $(call say,"$$benchmark"); $(PY) $$benchmark; done

lock: $(VENV)/.dev-ready  ## renew the lock files, for Python 3.11 to 3.13 (UPGRADE=1: newest versions)
	@$(PIP) install --quiet uv==$(UV_VERSION)
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile() { \
	  $(call say,"requirements/$$1.lock"); \
	  $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-annotate --no-emit-index-url --no-emit-find-links -o requirements/$$1.lock "$${@:2}"; \
	}; \
	compile dev $(if $(UPGRADE),--upgrade) --extra dev pyproject.toml requirements/build.in; \
	compile demo -c requirements/dev.lock pyproject.toml requirements/demo.in; \
	compile build -c requirements/dev.lock requirements/build.in
	@for part in $(NODE_PARTS); do \
	  $(call say,"tests/node/$$part/package-lock.json"); $(PY) $(NODE_DRIVER) lock tests/node/$$part; done
	@$(call say,"benchmarks/peers/package-lock.json"); $(PY) $(NODE_DRIVER) lock benchmarks/peers

clean:  ## remove what was installed and built here
	rm -rf $(VENV) .venv-newest build dist tests/node/*/node_modules \
	  benchmarks/peers/node_modules
	rm -rf tests/foreign/*.tar.gz $(FOREIGN)
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

# A file's time is the whole bookkeeping: a second `make` finds the stamps newer than the locks.

$(PY):
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash requirements/make-venv.sh

$(VENV)/.demo-ready: requirements/demo.lock requirements/build.lock pyproject.toml | $(PY)
	@$(call say,"Python packages from requirements/demo.lock")
	@$(call install,demo)
	@touch $@

$(VENV)/.dev-ready: requirements/dev.lock requirements/build.lock pyproject.toml | $(PY)
	@$(call say,"Python packages from requirements/dev.lock")
	@$(call install,dev)
	@touch $@ $(VENV)/.demo-ready

tests/node/%/node_modules/.installed: tests/node/%/package-lock.json | $(VENV)/.dev-ready
	@$(call say,"npm packages from $<")
	@$(PY) $(NODE_DRIVER) install tests/node/$*
	@touch $@

$(FOREIGN): tests/foreign/aiocometd.txt | $(VENV)/.dev-ready
	@$(call say,"the tests of aiocometd from $<")
	@$(PIP) download --quiet --no-deps --no-binary :all: --no-build-isolation --require-hashes \
	  -r $< -d $(@D)
	@touch $@
