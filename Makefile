# Every command of the project. A target that needs the virtual environment makes it first.
.DEFAULT_GOAL := help
.PHONY: help setup check test demo run year stop wipe up keys bench faults fuzz lock schemas format clean

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
# Compose cannot add: it takes the first port's hundreds, 80 for 8000.
export TROUSSEAU_PORTS ?= $(patsubst %00,%,$(or $(TROUSSEAU_PORT),8000))
READY := .venv/.made-of-the-lock
LAPTOPS ?= 5000
SEED ?= 2020
YEAR = $(if $(AT),--at $(AT)) $(if $(KEYS),--keys $(KEYS)) --laptops $(LAPTOPS) --seed $(SEED)
UV := uv pip compile --universal --python-version 3.11 --generate-hashes pyproject.toml

help: ## list the commands
	@echo 'What can be done here, for example: make demo LAPTOPS=20000 SEED=7 ONCE=1'
	@sed -n 's/^\([a-z]*\):[^#]*## /  \1\t/p' Makefile | expand -t 12
	@echo 'Ports, state folder, databases: TROUSSEAU_... in the environment, see docs/operating.md.'

setup: $(READY) ## make the virtual environment, from the lock, with every hash checked

check: $(READY) ## all that can be told without starting anything: lint, layers, types, copies
	$(BIN)/python -m deploy.checks

test: $(READY) ## every level in its short form, on SQLite and PostgreSQL, with a real Kafka
	@$(BIN)/python deploy/local/needs.py test
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder

demo: $(READY) ## the whole system and three invented school years on it; LAPTOPS=, SEED=, ONCE=1
	@$(BIN)/python deploy/local/needs.py run
	$(BIN)/python -m deploy.local.run demo --laptops $(LAPTOPS) --seed $(SEED) $(if $(filter 1,$(ONCE)),--once)

run: $(READY) ## the whole system until Ctrl-C; it goes on with what var/ holds
	@$(BIN)/python deploy/local/needs.py run
	$(BIN)/python -m deploy.local.run run

year: $(READY) ## the first of those school years on a system that runs; AT=, KEYS=, LAPTOPS=, SEED=
	$(BIN)/python -m deploy.local.run year $(YEAR)

stop: $(READY) ## end the system that runs here
	$(BIN)/python -m deploy.local.run stop

wipe: $(READY) ## remove the databases, log and keys of var/, when nothing runs there
	$(BIN)/python -m deploy.local.run wipe

up: ## the same system in containers, on PostgreSQL (docker compose)
	@$(or $(PYTHON),python3) deploy/local/needs.py up
	docker compose up -d --wait

keys: ## keys of every trial party on the composition, into var/trial-keys.json
	@$(or $(PYTHON),python3) deploy/local/needs.py up
	@mkdir -p var && umask 077 && docker compose run --rm -T keys > var/trial-keys.json.new \
		&& mv var/trial-keys.json.new var/trial-keys.json

bench: $(READY) ## throughput against a raw pipe and a naive handler
	$(BIN)/python -m benchmarks

faults: $(READY) ## the long form of tests/faults: kills, cuts, pauses
	@$(BIN)/python deploy/local/needs.py test
	TROUSSEAU_LONG=1 $(BIN)/pytest tests/faults

fuzz: $(READY) ## the long form of the tests by chance: random and hostile input
	@$(BIN)/python deploy/local/needs.py test
	TROUSSEAU_LONG=1 $(BIN)/pytest -m "fuzz or hypothesis"

lock: ## compile the locks again from pyproject.toml (needs uv)
	$(UV) -o requirements.lock && $(UV) --group dev -o requirements-dev.lock

schemas: $(READY) ## write the schemas of facts, docs/events.md and docs/api again
	$(BIN)/python -m deploy.published write

format: $(READY) ## lay the code out and mend what can be mended by itself
	$(BIN)/ruff check --fix-only --quiet . && $(BIN)/ruff format .

clean: ## remove what the tools left; var/ and its databases stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache deploy/local/target

$(READY): requirements-dev.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; on Debian: python3."; exit 2; }
	@echo 'Making the virtual environment in .venv: its packages are fetched and each hash is checked, a minute or two...'
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) has no venv; on Debian: python3-venv."; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
