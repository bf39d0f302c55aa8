# make run, make test, make check, make bench, make build, make simulate ...: each sets up what it needs.
SHELL := /bin/sh
VENV := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled where it is imported first, and kept: pip would compile what nothing imports, for half a minute
unexport PYTHONDONTWRITEBYTECODE
INSTALL := -m pip install -q --no-compile

.PHONY: run test test-all check lint-template check-template cache-test bench browser build deployed deploy-local emulator lock sam-local simulate chaos mutants fuzz demo site clean

run: .venv/run .venv-emulator/ready build/site/manifest.json   ## the whole platform on http://127.0.0.1:3000
	@exec $(VENV)/python -m local

# Tracing doubles the time of a test: these alone reach 95 % of the branches
TRACED := tests/domain tests/web tests/functions tests/usecases tests/storage

test: .venv/bin/python   ## everything that must hold; from nothing about 9 minutes on 2 cores
	@$(MAKE) -j 2 check lint-template .venv-emulator/ready deployed
	$(VENV)/pytest -n 2 --dist loadgroup --cov --cov-report=term $(TRACED) layers
	$(VENV)/pytest -n 3 --dist loadgroup tests $(TRACED:%=--ignore=%)   # three, as many of these wait

test-all: .venv/test .venv-emulator/ready deployed   ## what `make test` leaves out for its length; under 30 minutes more
	$(MAKE) deploy-local
	$(VENV)/pytest -n 2 --dist loadgroup -m heavy

check: .venv/test   ## lint, format, types, arrows between packages
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	PYTHONPATH=layers/common $(VENV)/lint-imports
	$(VENV)/bandit -q -c pyproject.toml -r functions layers/common/experimentation

lint-template: .venv/test
	$(VENV)/cfn-lint template.yaml monitoring.yaml edge-firewall.yaml

check-template: lint-template .venv-checkov/ready .venv-sam/ready   ## lint, serverless rules, checkov, SAM's own check
	@# a dead-letter queue needs none of its own, an e-mail has none; ES1001: a queue's mapping gives up into the
	@# queue's own; WS1004 does not know LoggingConfig,
	@# nor WS1000 a parameter
	$(VENV)/cfn-lint -a cfn_lint_serverless.rules -i ES1001 ES6000 ES7000 WS1000 WS1004 -- template.yaml monitoring.yaml
	.venv-checkov/bin/checkov --config-file .checkov.yaml
	SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint

cache-test: .venv/test .venv-emulator/ready build/site/manifest.json   ## a real HTTP cache in front: hits, 304s, no leak
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { apt-get update -qq && apt-get install -y -qq nginx; } || \
	    echo "install nginx with your system's package manager; without it these tests are skipped" >&2
	$(VENV)/pytest tests/e2e/test_cache.py -rs

bench: .venv/bench .venv-emulator/ready   ## what it costs; writes benchmarks/RESULTS.md and docs/cost.md
	$(VENV)/python -m benchmarks
	$(VENV)/python -m tools.cost --write

browser: .venv/test .venv-emulator/ready build/site/manifest.json   ## the console in a headless chromium
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; } || \
	    echo "install chromium with your system's package manager; without it these tests are skipped" >&2
	$(VENV)/pytest tests/browser -rs

simulate: .venv/test   ## error rates and power of the statistics, each row against its bar
	$(VENV)/python -m benchmarks.simulate
	$(VENV)/python -m benchmarks.simulate_guard

chaos: .venv/test   ## 3,000 simulated worlds of faults, and one of 100,000 events: what is lost, double or wrong
	$(VENV)/python -m tests.simulation.chaos

mutants: .venv/test   ## deliberate bugs in the counting protocol, each of which the tests must notice
	$(VENV)/python -m tests.mutants

fuzz: .venv/test .venv-emulator/ready .venv-fuzz/ready build/site/manifest.json   ## 4,000 cases made of the OpenAPI document
	PYTHONPATH=layers/common $(VENV)/python -m tests.fuzz

demo: .venv/test .venv-emulator/ready build/site/manifest.json   ## a shop that has been experimenting for thirty days, to look at
	@exec $(VENV)/python -m tools.demo

build: .venv/run .venv-sam/ready   ## what `sam deploy` uploads
	SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint
	SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam build

deploy-local: build .venv-emulator/deploy   ## sam build and sam deploy of the whole stack into the emulator, and calls
	$(VENV)/python -m local.deployment

emulator: .venv/run .venv-emulator/ready   ## what `sam local start-api` needs beside it
	@exec $(VENV)/python -m local.sam_emulator

sam-local: .venv-emulator/ready   ## the API in Lambda's containers, and the emulator; needs Docker
	@docker info >/dev/null 2>&1 || { echo "sam local needs Docker, and none answers here; make run needs none" >&2; exit 1; }
	@$(MAKE) build
	@exec $(VENV)/python -m local.sam_local

deployed: build/deployed/CommonLayer build/deployed/ExportLayer build/deployed/functions build/deployed/PagesFunction

# What `sam build` makes of template.yaml, by the same steps; the end-to-end tests run on it.
build/deployed/CommonLayer build/deployed/ExportLayer: build/deployed/%Layer: template.yaml | .venv/run
	@rm -rf $@ && mkdir -p $@
	$(MAKE) -C $(LAYER_$*) build-$*Layer ARTIFACTS_DIR=$(CURDIR)/$@
	@touch $@

LAYER_Common := layers/common
LAYER_Export := layers/export
build/deployed/CommonLayer: $(shell find layers/common -type f -not -name '*.pyc')
build/deployed/ExportLayer: $(wildcard layers/export/*)

build/deployed/PagesFunction: functions/Makefile functions/pages.py build/site/manifest.json
	@rm -rf $@ && mkdir -p $@
	$(MAKE) -C functions build-PagesFunction ARTIFACTS_DIR=$(CURDIR)/$@
	@touch $@

build/deployed/functions: $(shell find functions -type f -not -name '*.pyc')
	@rm -rf $@ && mkdir -p build/deployed && cp -R functions $@
	@touch $@

site: build/site/manifest.json   ## the console and the documentation, as functions/pages.py serves them

# Everything that the OpenAPI document and the console are made of
SITE_SOURCES := template.yaml pyproject.toml $(shell find console events functions layers/common/experimentation \
    local reference -type f -not -name '*.pyc')

build/site/manifest.json: $(SITE_SOURCES) build/assets/ready | .venv/run
	PYTHONPATH=layers/common $(VENV)/python -m reference.build_site

build/assets/ready: requirements/site.txt | .venv/bin/python
	rm -rf build/assets
	$(VENV)/python $(INSTALL) --no-deps --target build/assets -r $<
	@touch $@

clean:
	rm -rf .venv .venv-* .aws-sam .local build

# .venv-NAME is the environment of requirements/NAME.txt; .venv takes several, each with a stamp of its own.
.venv/bin/python:
	@python=$$(local/find-python) && echo "setting up .venv with $$python" && "$$python" -m venv .venv

# What is deployed, as it is locked: every file by its hash
.venv/layers: layers/common/requirements.txt layers/export/requirements.txt | .venv/bin/python
	$(VENV)/python $(INSTALL) --require-hashes $(^:%=-r %)
	@touch $@

.venv/%: requirements/%.txt | .venv/bin/python
	$(VENV)/python $(INSTALL) -r $<
	@touch $@

.venv/run: .venv/layers
.venv/test: .venv/run
.venv/bench: .venv/test

.venv-%/ready: requirements/%.txt | .venv/bin/python
	@echo "setting up .venv-$*" && $(VENV)/python -m venv .venv-$*
	.venv-$*/bin/python $(INSTALL) -r $<
	@touch $@

.venv-emulator/deploy: requirements/deploy.txt .venv-emulator/ready
	.venv-emulator/bin/python $(INSTALL) -r $<
	@touch $@

lock: .venv-lock/ready   ## layers/*/requirements.txt anew, from requirements.in
	for layer in common export; do \
	    .venv-lock/bin/uv pip compile -q --universal --python-version 3.13 --generate-hashes --annotation-style line \
	        --custom-compile-command "make lock" layers/$$layer/requirements.in -o layers/$$layer/requirements.txt || exit 1; \
	done
