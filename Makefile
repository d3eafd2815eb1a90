# The front door. `make scenarios` runs the main job, `make test` proves the project.
# pip's own environment variables (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...) are honoured.
PYTHON ?= python3
ENGINE ?= process
ENGINES ?= process,container
ROUNDS ?= 3
JOBS   ?= 1000
SEED   ?= 1
WALKS  ?= 5
STEPS  ?= 12
STAGES ?= before mixed after rolled_back
N ?= 10
EXTRAS ?= app,embedded,dev
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# One thread per process: two threads on a shared core are slower than one.
export OMP_NUM_THREADS ?= 1
# Compiled files are kept: without them every process of the tests compiles the project
# and pytest's rewritten modules again, 3 s each.
unexport PYTHONDONTWRITEBYTECODE
# A run ends with the make that owns it, even when make is killed (harness/keeper.py).
OWNED  := QUEUEPROOF_OWNER_PID=$$PPID

# SEEN=FOLDER: what tests marked with a feature show is stored there as well, so that
# `python -m ci.features --seen FOLDER` need not run them again.
PYTEST := $(BIN)/pytest
ifdef SEEN
PYTEST = $(BIN)/python -m pytest -p ci.feature_outcomes --feature-beside --feature-outcomes $(SEEN)/$@.json
endif

# A Docker daemon and two images, made of this machine's own files where they are missing.
WITH_IMAGES := ci/engine.sh up && images="$$(ci/images/make)" && eval "$$images" &&
ifeq ($(ENGINE),container)
IMAGES := $(WITH_IMAGES)
endif

.DEFAULT_GOAL := help
.PHONY: help install scenarios stages features unit test check bench load mutants churn walk soak faults conformance foreign peer openapi quality clean

help:  ## what there is to run
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 12

install: $(STAMP)  ## create .venv and install the pinned packages (the others do it too)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "queueproof needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Remedy: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. Remedy on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@echo "Installing into $(VENV): torch (CPU build about 190 MB) and about 90 small packages (150 MB)."
	@echo "The first time takes 2 to 5 minutes; after that only when pyproject.toml or constraints.txt change."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

scenarios: $(STAMP)  ## the main job: real Redis, real workers, real damage, verdicts (ENGINE=container: in containers)
	@$(IMAGES) $(OWNED) $(PYTEST) scenarios/ -n 2 --dist worksteal --engine $(ENGINE)

stages: $(STAMP)  ## what users meet before, during and after the migration, and after its rollback
	@$(IMAGES) for stage in $(STAGES); do \
	  $(OWNED) $(BIN)/pytest scenarios/test_stages.py --stage $$stage --engine $(ENGINE) || exit; \
	done

features: $(STAMP)  ## each row of the documents, what shows it, its verdict (ENGINE=container: what speaks of images)
	@$(IMAGES) $(OWNED) $(BIN)/python -m ci.features --engine $(ENGINE)

# Twice as many processes as the 2 cores this is aimed at: the tests wait for real processes half of their time.
unit: $(STAMP)  ## unit tests of all rooms, or of one: ROOM=harness
	@$(OWNED) $(PYTEST) $(ROOM) -n 4 --dist worksteal

test: check unit scenarios  ## check, unit tests of all rooms, the scenarios on processes

check: $(STAMP)  ## ruff, mypy --strict on harness and patterns, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(STAMP)  ## every benchmark, one table
	@$(OWNED) $(BIN)/python -m loadtests.bench all

load: $(STAMP)  ## throughput against replicas x concurrency, beside stock Celery: a page with pictures
	@$(OWNED) $(BIN)/python -m loadtests.grid

mutants: $(STAMP)  ## the kill matrix: each mutant is caught by its own contract, each noop holds (ONLY="NAME ...")
	@$(OWNED) $(BIN)/python -m ci.mutants $(ONLY)

soak: $(STAMP)  ## the scenarios N times in the background; again: how far, what held, the spread (ENGINE=container)
	@$(IMAGES) $(BIN)/python -m ci.soak --runs $(N) --engine $(ENGINE)

churn: $(STAMP)  ## many jobs while children, workers and connections are killed (JOBS=1000 SEED=1)
	@$(OWNED) $(BIN)/python -m loadtests.churn --jobs $(JOBS) --seed $(SEED) --engine $(ENGINE)

walk: $(STAMP)  ## users and bad luck in random order (WALKS=5 STEPS=12 SEED=1); a failure is made short and stored
	@$(OWNED) $(BIN)/queueproof walk --walks $(WALKS) --steps $(STEPS) --seed $(SEED)

faults: $(STAMP)  ## every fault on an engine: does it bite, does it heal (ENGINE=container, ROUNDS=1)
	@$(IMAGES) $(OWNED) $(BIN)/python -m loadtests.faults --engine $(ENGINE) --rounds $(ROUNDS)

conformance: $(STAMP)  ## one suite for both engines; needs root or a Docker daemon (ENGINES=container)
	@$(WITH_IMAGES) $(OWNED) $(BIN)/pytest harness/tests/conformance --engines $(ENGINES)

foreign: $(STAMP)  ## `queueproof check` on foreign applications, both ends of Celery's versions (ONLY="bookshop")
	@$(OWNED) $(BIN)/pytest harness/tests/foreign -n 4 --dist worksteal -k "not first_verdict$(if $(ONLY), and ($(ONLY)))"
	@$(OWNED) $(BIN)/pytest harness/tests/foreign -k first_verdict

peer: $(STAMP)  ## a stack of pytest-celery's, judged by our contracts; needs a Docker daemon
	@$(WITH_IMAGES) $(OWNED) $(BIN)/python harness/tests/peer/run.py

openapi: $(STAMP)  ## schemathesis on the running application: in health, and without its Redis
	@$(OWNED) $(BIN)/python -m loadtests.openapi

quality: $(STAMP)  ## gates of the models: perplexity, SAE, steering effect; TVAE scores, exact resume
	@$(BIN)/python -m reference_app.steering.quality
	@$(BIN)/python -m reference_app.tvae.quality

clean:  ## stop what ci/engine.sh started; remove .venv, runs and caches
	@ci/engine.sh down
	rm -rf $(VENV) .qp build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
