# longslope: `make up` runs the platform, `make test` proves it. Both make .venv on first use and need only
# Python >= 3.11, make and the package registries. ARGS passes on: make test ARGS="-k quota -x".

MODELS ?= lite
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: help up test lint format bench engine-native vendor clean

help:
	@echo "make up             start the platform (MODELS=mini|lite|family, ARGS=\"--port 9000\")"
	@echo "make test           the whole test suite (ARGS=\"tests/unit -k quota\")"
	@echo "make lint           ruff, pyright strict and the floors"
	@echo "make format         rewrite the code in the house's format"
	@echo "make bench          the gateway's benchmark into benchmarks/results/"
	@echo "make engine-native  rebuild llama.cpp for this machine's processor"
	@echo "make vendor         fetch the console's assets again and compare them with the manifest"
	@echo "make clean          remove .venv, caches and build outputs (never your data)"

up:
	@scripts/make-venv
	@$(BIN)/longslope up --models $(MODELS) $(ARGS)

# pytest comes last, so that its closing line is the last thing printed.
test:
	@scripts/make-venv dev
	@scripts/install-test-services
	@$(BIN)/python -m pytest $(ARGS)

lint:
	@scripts/make-venv dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

format:
	@scripts/make-venv dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench:
	@scripts/make-venv
	@mkdir -p benchmarks/results
	@$(BIN)/longslope bench gateway --json benchmarks/results/gateway.json --plot benchmarks/results/gateway.svg $(ARGS)

engine-native:
	@scripts/make-venv
	@scripts/build-native-engine

vendor:
	@python3 scripts/vendor-assets

clean:
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
