# `make demo` and `make test` need Python 3.11 or newer and set up everything else themselves. For `make test` that
# includes Debian's PgBouncer, PostgreSQL and Chromium, where packages can be installed: tests/servers/install.sh.

PYTHON ?= python3
BIN := .venv/bin
STORIES := shop shop-fixed queue-workers queue-workers-fixed five-replicas five-replicas-fixed hidden-pool \
	hidden-pool-fixed autoscaled autoscaled-fixed bypass bypass-fixed two-hops two-hops-fixed

.PHONY: demo test check fix golden clean servers

## Shows what poolcheck says about a web shop with the faults that teams make.
demo: .venv/ready
	@$(BIN)/poolcheck check fixtures/shop; test $$? -eq 1

## Everything that CI runs.
test: .venv/ready-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest

## Formats the code and makes ruff's own fixes.
fix: .venv/ready-for-tests
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## Writes anew what poolcheck says about the fixtures: read the diff.
golden: .venv/ready-for-tests
	@for story in $(STORIES); do \
		$(BIN)/poolcheck check --isolated fixtures/$$story > fixtures/$$story.out; test $$? -le 1 || exit 2; \
	done

clean:
	rm -rf .venv build dist

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "poolcheck needs Python 3.11 or newer, and this is %d.%d: make PYTHON=python3.11 …" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/ready-for-tests: .venv/ready | servers
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

## The servers that tests start; tests that are skipped without them say what is written here.
servers: .venv/ready
	@tests/servers/install.sh | tee .venv/servers-not-installed
