# Every command a developer or an operator needs; each makes what it depends on.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
UV := uv==0.13.8
ARGS ?=

.PHONY: help setup demo test check format bench run migrate backup restore revision lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make .venv with every pinned dependency

$(STAMP): requirements.lock
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m uv --version >/dev/null 2>&1 || $(RUN) -m pip install -q --disable-pip-version-check $(UV)
	@$(RUN) -m uv pip install -q --python $(RUN) --require-hashes -r requirements.lock
	@$(RUN) -W ignore -c "import matplotlib.font_manager" # reads the fonts once, which takes seconds
	@touch $@

demo: $(STAMP) ## the whole product on simulated services, with a chat page in the browser
	@$(RUN) -m bot demo $(ARGS)

test: $(STAMP) ## all tests, on real private PostgreSQL, Redis and Milvus
	@$(RUN) -m pytest -q -n 2 --dist loadscope $(ARGS)

check: $(STAMP) ## lint, format, types and architecture
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports --no-logo

format: $(STAMP) ## apply the formatter and the safe fixes
	@$(RUN) -m ruff check --fix-only -q .
	@$(RUN) -m ruff format -q .

bench: $(STAMP) ## benchmarks, each a ratio measured in one run
	@$(RUN) -m bench $(ARGS)

run: $(STAMP) ## production: needs TELEGRAM_BOT_TOKEN
	@$(RUN) -m bot $(ARGS)

migrate: $(STAMP) ## bring DATABASE_URL to the newest schema
	@$(RUN) -m bot migrate $(ARGS)

backup: $(STAMP) ## everything the database holds, to a new file: make backup ARGS=monday.backup
	@$(RUN) -m bot backup $(ARGS)

restore: $(STAMP) ## bring a backup back: make restore ARGS=monday.backup
	@$(RUN) -m bot restore $(ARGS)

revision: $(STAMP) ## write a migration from the models: make revision ARGS="what changed"
	@$(RUN) -m migrations $(ARGS)

lock: $(STAMP) ## pin pyproject.toml again
	@$(RUN) -m uv pip compile -q --universal --generate-hashes --all-extras --no-header --python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove .venv and the private servers' data
	rm -rf $(VENV) var
