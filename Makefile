# Every target does its own set-up: `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# Images of containers often set it; every program that starts would compile itself anew.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8000
DATA ?= ./data
BIN := .venv/bin
# The newest interpreter that starts and has what a server needs. DBOS takes a Python from 3.12 on
# to have SQLite 3.42, which one built on an older system has not.
PYTHON := $(firstword $(foreach p,python3.14 python3.13 python3.12 python3.11 python3,$(shell $(p) -c 'import sqlite3, ssl, sys, venv; assert (3, 11) <= sys.version_info[:2] <= (3, 14); assert sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= (3, 42)' 2>/dev/null && echo $(p))))
# Lambda's Python 3.13, for the tests of the function; pyenv's is found without being chosen.
LAMBDA_PYTHON = $(firstword $(foreach p,python3.13 $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.13.*/bin/python3.13),$(shell $(p) -c 'import ssl, sys, venv; assert sys.version_info[:2] == (3, 13)' 2>/dev/null && echo $(p))))
FRONT := $(shell find frontend src/sarau/web/pages/strings -type f -not -path '*/node_modules/*')

.PHONY: help
help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: serve
serve: .venv/run front ## Run Sarau at http://localhost:$(PORT), with its data in $(DATA)
	$(BIN)/sarau serve --port $(PORT) --data $(DATA)

.PHONY: test
test: .venv/dev front system ## Run the test suite
	$(BIN)/pytest -n 2 --dist worksteal -m 'not browser and not soak and not faults and not aws and not function and not scale and not ceph' $(ARGS)

.PHONY: test-browser
test-browser: .venv/dev front system ## Drive the page in Chromium
	$(BIN)/pytest -n 2 --dist worksteal -m browser $(ARGS)

.PHONY: test-soak
test-soak: .venv/dev front system ## Kill servers at random while uploads run, and count what is lost
	$(BIN)/pytest -n 2 --dist worksteal -m soak -rP $(ARGS)

.PHONY: test-aws
test-aws: .venv/dev .localstack/.built front system ## Keep the library in S3: contract, faults, whole tracks, hosts that are cut off
	$(BIN)/pytest -m aws $(ARGS)

.PHONY: test-ceph
test-ceph: .venv/dev system ## Hold the library's contract against Ceph's S3; needs root
	@tests/install_system.sh ceph
	$(BIN)/pytest -m ceph $(ARGS)

.PHONY: test-function
test-function: .venv/dev .localstack/.built .lambda/.built front system ## Run the function for Lambda as it is deployed; needs Python 3.13
	$(BIN)/pytest -m function $(ARGS)

.PHONY: test-faults
test-faults: .venv/dev front system ## Cut the power, break the disks; needs root
	$(BIN)/pytest -n 2 --dist worksteal -m faults -rP $(ARGS)

TRACKS ?= 2000
.PHONY: test-scale
test-scale: .venv/dev front system ## Take TRACKS tracks through workers that are killed, on PostgreSQL
	SARAU_TEST_TRACKS=$(TRACKS) $(BIN)/pytest -m scale -s $(ARGS)

FUZZ_S ?= 60
.PHONY: fuzz
fuzz: .cache/fuzz/.built .venv/dev system ## Throw spoiled bytes at our own parsers, for FUZZ_S seconds
	$(BIN)/python -m tests.fuzz.corpus .cache/fuzz/corpus
	PYTHONPATH=src:. .cache/fuzz/venv/bin/python -m tests.fuzz.run .cache/fuzz/corpus \
		-max_total_time=$(FUZZ_S) -max_len=70000 -timeout=10 -rss_limit_mb=1024 -artifact_prefix=.cache/fuzz/

.PHONY: check
check: .venv/dev ## Run every gate: format, lint, types, floors, locks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python requirements/check_locks.py

.PHONY: bench
bench: .venv/dev system ## Measure against peers, in one run
	$(BIN)/python -m bench

.PHONY: lock
lock: .venv/dev ## Resolve the dependencies anew
	$(BIN)/python requirements/compile.py

.PHONY: clean
clean: ## Remove what was installed and built, but no data
	rm -rf .venv .localstack .lambda frontend/node_modules src/sarau/web/static/dist

.PHONY: front
front: src/sarau/web/static/dist/.built
src/sarau/web/static/dist/.built: $(FRONT) | .venv/run
	$(BIN)/python frontend/hatch_build.py
	@touch $@

# An environment is exactly its lock: hashes are required, and nothing else stays.
.venv/uv: requirements/build.lock
	@test -n "$(PYTHON)" || { echo "Sarau needs Python 3.11 to 3.14 with venv, ssl and sqlite3" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	@touch $@

.venv/dev: .venv/uv requirements/dev.lock pyproject.toml
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run

# What plays S3 and SQS in the tests has dependencies of its own.
.localstack/.built: .venv/uv requirements/localstack.lock
	test -x .localstack/bin/python || $(PYTHON) -m venv .localstack
	$(BIN)/uv pip sync --quiet --python .localstack/bin/python --require-hashes requirements/localstack.lock
	@touch $@

.PHONY: has-function-python
has-function-python:
	@test -n "$(LAMBDA_PYTHON)"

# What the function runs in, and a server with the same engine beside it.
.lambda/.built: .venv/uv requirements/lambda-runtime.lock requirements/aws.lock
	@test -n "$(LAMBDA_PYTHON)" || { echo "the tests of the function need Python 3.13" >&2; exit 1; }
	test -x .lambda/runtime/bin/python || $(LAMBDA_PYTHON) -m venv .lambda/runtime
	test -x .lambda/server/bin/python || $(LAMBDA_PYTHON) -m venv .lambda/server
	$(BIN)/uv pip sync --quiet --python .lambda/runtime/bin/python --require-hashes requirements/lambda-runtime.lock
	$(BIN)/uv pip sync --quiet --python .lambda/server/bin/python --require-hashes requirements/aws.lock
	@touch $@

.PHONY: lambda
lambda: .venv/uv ## Build the function's packages for AWS Lambda, in dist/lambda
	$(BIN)/python deploy/lambda/package.py $(ARGS)

.PHONY: aws
aws: .venv/run requirements/aws.lock ## Add what a library in S3 needs
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/aws.lock

.PHONY: otel
otel: .venv/run requirements/otel.lock ## Add what traces need
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/otel.lock

.PHONY: vorbis
vorbis: .venv/run requirements/vorbis.lock ## Add the encoder of Ogg Vorbis
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/vorbis.lock

.venv/run: .venv/uv requirements/run.lock pyproject.toml
	test -e .venv/dev || $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.lock
	test -e .venv/dev || $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.cache/fuzz/.built: requirements/fuzz.lock | .venv/uv
	test -x .cache/fuzz/venv/bin/python || $(PYTHON) -m venv .cache/fuzz/venv
	$(BIN)/uv pip sync --quiet --python .cache/fuzz/venv/bin/python --require-hashes requirements/fuzz.lock
	@touch $@

# Programs that only the tests and the benchmarks need, where they are missing.
.PHONY: system
system:
	@tests/install_system.sh
