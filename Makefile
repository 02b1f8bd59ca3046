# Every target works from a bare clone: bootstrap.py makes .venv the first time.
PYTHON ?= python3
VENV := .venv/bin
export PYTHONPATH := $(CURDIR)
# Names the stack, so that several can run side by side: make up NAME=second
NAME ?=

.NOTPARALLEL:
.PHONY: help demo up down sandbox bench test lint types imports links unit dags roles end_to_end format lock local dev clean

help: ## Say what can be made
	@grep -hE '^[a-z_]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: local ## Watch real releases happen, then a verdict
	@$(VENV)/python -m include.local demo $(if $(NAME),--name $(NAME))

up: local ## Start sandbox and Airflow, and leave them running
	@$(VENV)/python -m include.local up $(if $(NAME),--name $(NAME))

down: local ## Stop all that `make up` started
	@$(VENV)/python -m include.local down $(if $(NAME),--name $(NAME))

sandbox: local ## Run the sandbox alone, in the foreground
	@$(VENV)/python -m include.local sandbox $(if $(NAME),--name $(NAME))

bench: dev ## Measure, and print the figures (some 15 minutes)
	@$(VENV)/python -m include.local bench

test: lint types imports links unit dags roles end_to_end ## Everything that CI runs

lint: dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .

types: dev
	$(VENV)/mypy

imports: dev
	$(VENV)/lint-imports

links: dev ## Look for dead links in the documentation
	$(VENV)/python -m pytest -q tests/unit/test_links.py

unit: dev ## Unit and integration tests
	$(VENV)/python -m pytest -q -n 4 --dist worksteal tests/unit tests/integration

dags: dev ## What Airflow makes of the DAG files
	$(VENV)/python -m pytest -q tests/dags

roles: ## What each role may do, under both of Airflow's auth managers
	@$(PYTHON) bootstrap.py fab
	$(VENV)/python -m pytest -q tests/roles

end_to_end: dev ## Releases on two real Airflows, side by side
	$(VENV)/python -m pytest -q -n 2 --dist loadfile tests/end_to_end

format: dev ## Lay the code out
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

lock: ## Write the lock files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-local.in -o requirements-local.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --no-deps --generate-hashes --no-emit-index-url --no-header requirements-fab.in -o requirements-fab.lock

local:
	@$(PYTHON) bootstrap.py local

dev:
	@$(PYTHON) bootstrap.py dev

clean: down ## Stop everything and remove the environment and all stacks' files
	@$(VENV)/python -m include.local clean
	rm -rf .venv .venv.lock
