.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help
help: ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: setup
setup: ## install what is missing: uv, the Python packages, PostgreSQL, RabbitMQ, the letters' font, the tests' vectors
	@deploy/local/bootstrap.sh

.PHONY: run
run: setup ## start the whole system and wait until it is ready (Ctrl-C stops it)
	@exec $(PY) -m deploy.local.run

.PHONY: stop
stop: ## stop what 'make run' started
	@$(PY) -m deploy.local.stop

.PHONY: demo
demo: setup ## play a whole case, from the phone to the signed letter, and show it
	@$(PY) -m deploy.local.demo

.PHONY: test
test: setup ## set up and pass all tests
	@.venv/bin/pytest -q -n 2 -m 'not alone' $(ARGS)
	@.venv/bin/pytest -q -m alone $(ARGS)

.PHONY: lint
lint: setup-python ## format, ruff, mypy, import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

.PHONY: setup-python
setup-python:
	@deploy/local/bootstrap.sh python

.PHONY: bench
bench: setup ## measure, as ratios against a baseline in the same run
	@$(PY) -m tests.load

.PHONY: seed-year
seed-year: setup ## file two years of a synthetic country into the running system: make seed-year [count=200000]
	@$(PY) -m deploy.synthetic $(if $(count),--count $(count))

.PHONY: bench-scale
bench-scale: setup ## the desk with many cases: make bench-scale [count=1000000]; at most 20 minutes
	@$(PY) -m tests.load.scale $(if $(count),--count $(count))

.PHONY: invariants
invariants: ## check what must always hold on the running system; exit code 1 if something does not
	@$(PY) -m deploy.local.invariants

.PHONY: audit
audit: ## recompute the transparency log of the running system; names each row that is not what was signed
	@$(PY) -m deploy.local.audit

.PHONY: replay
replay: ## send parked events back: make replay [service=sms] [id=7] [type=case.decided.v1] [since=2026-11-24T00:00:00+00:00]
	@$(PY) -m deploy.local.replay $(if $(service),--service $(service)) $(if $(id),--id $(id)) $(if $(type),--type $(type)) $(if $(since),--since $(since))

.PHONY: contracts
contracts: ## write the events' JSON Schemas and the AsyncAPI document anew
	@$(PY) -m shared.contracts.schemas
	@$(PY) -m shared.contracts.asyncapi
