# Two commands do everything on a machine with Python 3.11+, Node 20+ and (for tests) Go 1.21+: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint check contracts vectors bench faults softhsm lock clean
.DEFAULT_GOAL := demo

$(VENV)/.service: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing chainsvc (a minute on a new machine) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.service
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

devnet/node_modules/.installed: devnet/package-lock.json
	@echo "Installing the local chain node ..."
	@cd devnet && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(VENV)/.geth: $(VENV)/.service chainsvc/devnet/consortium/geth.py  ## built once by Go, unless it is on PATH
	@$(BIN)/python -c 'from chainsvc.devnet.consortium.geth import find_geth; print("geth:", find_geth())'
	@touch $@

contracts/node_modules/.installed: contracts/package-lock.json
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

SOFTHSM := /usr/lib/softhsm/libsofthsm2.so

$(SOFTHSM):
	@echo "Installing Debian's package softhsm2, a security module in software that tests sign with ..."
	@command -v apt-get >/dev/null || { echo "There is no apt-get: put SoftHSM2's library at $@, then run this again."; exit 1; }
	@$(if $(filter 0,$(shell id -u)),,sudo) sh -c 'apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends softhsm2 >/dev/null'

softhsm: $(SOFTHSM)  ## what the tests of keys in security modules need

ENGINE ?= anvil
NODE_OF_anvil := devnet/node_modules/.installed
NODE_OF_clique := $(VENV)/.geth

demo: $(VENV)/.service $(NODE_OF_$(ENGINE))  ## notarize and verify the sample exports; ONCE=1 ends after the summary, ENGINE=clique
	@PYTHONPATH=scripts $(BIN)/python -m demo --engine $(ENGINE) $(if $(ONCE),--once)

PROCESSES ?= 2

test: $(VENV)/.dev $(VENV)/.geth devnet/node_modules/.installed contracts/node_modules/.installed $(SOFTHSM)  ## every test, in PROCESSES processes; 0: in one
	@$(BIN)/python -m pytest --numprocesses $(PROCESSES) --no-loadscope-reorder

lint: $(VENV)/.dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/interrogate --quiet chainsvc adapters scripts

contracts: $(VENV)/.dev contracts/node_modules/.installed devnet/node_modules/.installed  ## compile, and write artifacts and gas
	@$(BIN)/python scripts/compile.py

vectors: $(VENV)/.dev  ## write tests/vectors
	@$(BIN)/python scripts/vectors.py

bench: $(VENV)/.dev devnet/node_modules/.installed  ## ratios of rates, in one run
	@PYTHONPATH=scripts $(BIN)/python -m bench

N ?= 100
SEED ?= 1
STATE ?= .faults

faults: $(VENV)/.dev devnet/node_modules/.installed  ## N rounds of faults on real parts; the same command goes on
	@PYTHONPATH=tests $(BIN)/python -m faults --rounds $(N) --seed $(SEED) --state $(STATE)

lock: $(VENV)/.dev  ## resolve the dependencies anew
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra service --extra embedded pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--extra service --extra embedded --extra pkcs11 --group dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .demo .demo-clique .faults .pytest_cache .mypy_cache .ruff_cache .hypothesis
