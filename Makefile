# make run | demo | test | lint | client | audit | bench | bench-quick | faults | soak | lock. Needs make and Python 3.11 or newer; everything else goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; PYTHON=/path/to/python3 chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header

.DEFAULT_GOAL := help
# Otherwise each of the many processes of a stack, and of the tests, compiles the whole project again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help run demo test lint client audit bench bench-quick faults soak lock

help:
	@echo 'make run    start everything on this machine; Ctrl-C stops it'
	@echo 'make demo   start everything, deliver real GitHub webhooks, verify each, stop'
	@echo 'make test   run the tests'
	@echo 'make lint   ruff, mypy, import-linter'
	@echo 'make client the OpenAPI document, and the Python client that is made from it'
	@echo 'make audit  look both lock files up in the database of known vulnerabilities (needs the internet)'
	@echo 'make bench  measure everything, in about half an hour; make bench-quick: the throughput ratios, in at most 4'
	@echo 'make faults kill, freeze and cut off everything under load; nothing may be lost (20 minutes)'
	@echo 'make soak   the same at random for an hour'
	@echo 'make lock   compute the lock files again (needs uv)'

run: $(VENV)/run.stamp
	@exec $(BIN)/python manage.py up

demo: $(VENV)/run.stamp
	@exec $(BIN)/python manage.py demo

test: $(VENV)/dev.stamp
	@exec $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Django wants these to start; neither is used.
client: $(VENV)/dev.stamp
	SECRET_KEY=none WEBHOOKS_ENCRYPTION_KEYS=bm90aGluZyBpcyBlbmNyeXB0ZWQgd2l0aCB0aGlzLi4= DATABASE_URL=postgres://none@127.0.0.1:1/none \
		$(BIN)/python manage.py spectacular --format openapi-json --file docs/openapi.json
	$(BIN)/python clients/python/make.py

# Fails as well when the database cannot be reached: not looked up is not the same as nothing found.
audit: $(VENV)/dev.stamp
	$(BIN)/python -m pip_audit --strict --disable-pip --require-hashes -r requirements.lock
	$(BIN)/python -m pip_audit --strict --disable-pip --require-hashes -r requirements-dev.lock

bench: $(VENV)/dev.stamp
	@exec $(BIN)/python -m benchmarks

bench-quick: $(VENV)/dev.stamp
	@exec $(BIN)/python -m benchmarks --quick --only throughput

faults: $(VENV)/dev.stamp
	@exec $(BIN)/python -m tests.faults

soak: $(VENV)/dev.stamp
	@exec $(BIN)/python -m tests.faults.soak

lock:
	$(COMPILE) --extra embedded --extra demo --extra aws --output-file requirements.lock
	$(COMPILE) --extra dev --output-file requirements-dev.lock

$(BIN)/python:
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Clarion needs Python 3.11 or newer: install it, or say where it is: make run PYTHON=/path/to/python3' >&2; \
		exit 1; }
	@echo 'making $(VENV) with $(PYTHON)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'This Python cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv).' >&2; \
		exit 1; }

# The stamp is newer than its lock file when the lock file is installed.
$(VENV)/run.stamp: requirements.lock | $(BIN)/python
	@echo 'installing $<'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock | $(BIN)/python
	@echo 'installing $<'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
