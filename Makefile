# Everything a user or CI runs. Settings: make TARGET NAME=value, with the names and defaults below.
MODEL = max_of_k
STRATEGY =
RESOLUTION =
BANDS =
RANK =
NEAR =
BUDGET =
WEIGHT_BITS =
JOBS = $(shell nproc 2>/dev/null || echo 1)
OUT = build
DEVICE = auto
SEED = 0
FAMILY = max_of_k
TASK = max_of_k
K = 4
D_VOCAB = 64
D_MODEL =
D_HEAD =
MODULUS =
OPERATION = addition
D_MLP =
STEPS =
PROOF =
DISTRIBUTION =
MODELS = $(MODEL)
STRATEGIES =
SEEDS =
PROVED =
TIME_LIMIT =
COUNT =
PROFILE =
EXECUTOR =
FILE =
CONFIG =
NAME =
COMPARISON =
FORCE =
FOLD_BIASES =
NETWORKS = 20000
IN_COQ = 200

# What each target takes, besides JOBS, OUT and PYTHON; a setting that is misspelt, or that a target does not look at, would leave
# its default in force without a word.
NETWORK = MODEL K D_VOCAB SEED
TUNING = RESOLUTION BANDS RANK NEAR
TAKES_prove = $(NETWORK) STRATEGY BUDGET $(TUNING) WEIGHT_BITS TIME_LIMIT DISTRIBUTION
TAKES_check = $(NETWORK) STRATEGY DISTRIBUTION PROOF
TAKES_export = MODEL STRATEGY DISTRIBUTION
TAKES_audit = MODEL STRATEGY DISTRIBUTION
TAKES_fuzz = NETWORKS IN_COQ
TAKES_train = MODEL FAMILY SEED STEPS DEVICE K D_VOCAB D_MODEL D_HEAD OPERATION MODULUS D_MLP
TAKES_import = FILE CONFIG NAME FORCE FOLD_BIASES
TAKES_purify = MODEL
TAKES_compare = MODEL MODELS SEEDS STRATEGIES PROVED TIME_LIMIT WEIGHT_BITS NAME PROFILE EXECUTOR
TAKES_frontier = TASK
TAKES_counterexample = $(NETWORK) COUNT TIME_LIMIT WEIGHT_BITS
TAKES_cost = STRATEGY MODEL K D_VOCAB D_HEAD D_MODEL MODULUS D_MLP $(TUNING)
TAKES_report = MODEL STRATEGY COMPARISON
TAKEN = JOBS OUT PYTHON VENV $(sort $(foreach goal,$(MAKECMDGOALS),$(TAKES_$(goal))))
NOT_TAKEN = $(filter-out $(TAKEN),$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
ifneq ($(NOT_TAKEN),)
$(error $(or $(MAKECMDGOALS),help) does not take $(NOT_TAKEN); it takes $(TAKEN))
endif

# MODEL by name, or by K, D_VOCAB and SEED where these are given and MODEL is not.
GIVEN = $(filter command environment,$(foreach name,K D_VOCAB SEED,$(firstword $(origin $(name)))))
CHOSEN = $(if $(GIVEN),$(if $(filter command environment,$(firstword $(origin MODEL))),$(MODEL),--n-ctx $(K) \
  --d-vocab $(D_VOCAB) $(if $(filter command environment,$(firstword $(origin SEED))),--seed $(SEED))),$(MODEL))
OF_DISTRIBUTION = $(if $(DISTRIBUTION),--distribution "$(DISTRIBUTION)")

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
CLI = $(BIN)/compact-proofs
COQ_FOLDERS = coq/theories coq/generated
EXTRAS = train plot sweep notebook docs
comma := ,
space := $(subst ,, )

# The folders of the repository must not be importable under their bare names.
export PYTHONSAFEPATH := 1
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup python coq browser torch doctor theory prove check export audit fuzz mutants test train import purify compare counterexample cost frontier bench report docs notebooks lint types check-admitted check-leftovers \
  check-assumptions check-generated coqchk ci clean accept-golden

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "settings: JOBS OUT PYTHON, and of"
	@$(foreach target,$(patsubst TAKES_%,%,$(sort $(filter TAKES_%,$(.VARIABLES)))),echo "  $(target): $(TAKES_$(target))";)

setup: $(VENV)/.base coq ## install what proving needs: virtual environment, base packages, Coq

python:
	@command -v $(PYTHON) >/dev/null || { echo "setup: $(PYTHON) is not on the PATH; on Debian as root:" \
	  "apt-get update && apt-get install -y --no-install-recommends python3 python3-venv" >&2; exit 4; }

coq: python
	@$(PYTHON) proofs/doctor.py install coq

browser: python ## install the browser that tests pages; where it may not be installed these tests are skipped
	@$(PYTHON) proofs/doctor.py install browser || true

# A stamp is made when its packages are in; an interrupted environment has none and is made anew.
$(VENV)/.base: pyproject.toml constraints.txt | python
	@$(PYTHON) proofs/doctor.py install venv
	$(PYTHON) -m venv $(if $(wildcard $(VENV)/.base),,--clear) $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,$(subst $(space),$(comma),$(EXTRAS))]'
	@touch $(EXTRAS:%=$(VENV)/.with-%) $@

$(EXTRAS:%=$(VENV)/.with-%): $(VENV)/.with-%: $(VENV)/.base
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[$*]'
	@touch $@

torch: $(VENV)/.with-train ## install torch, which training and .pt files need (commands that need it do so themselves)

doctor: python ## say which tools are found, which are wanted, how to install them
	@$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) proofs/doctor.py

theory: setup ## build the Coq theory
	@$(CLI) theory --jobs $(JOBS) --out $(OUT)

prove: setup ## prove a bound for MODEL by STRATEGY (default the best) and have Coq check it
	@$(CLI) prove $(CHOSEN) $(if $(BUDGET),--budget $(BUDGET)) $(if $(STRATEGY),--strategy $(STRATEGY)) $(if $(RESOLUTION),--resolution $(RESOLUTION)) \
	  $(if $(BANDS),--bands $(BANDS)) $(if $(RANK),--rank $(RANK)) $(if $(NEAR),--near $(NEAR)) \
	  $(if $(WEIGHT_BITS),--weight-bits $(WEIGHT_BITS)) $(if $(TIME_LIMIT),--time-limit $(TIME_LIMIT)) $(OF_DISTRIBUTION) \
	  --jobs $(JOBS) --out $(OUT)

check: $(if $(PROOF),coq,setup) ## have Coq check MODEL and STRATEGY once more, or the proof of a stranger in the folder PROOF
	@$(if $(PROOF),$(PYTHON) -I proofs/check_proof.py "$(PROOF)",$(CLI) check $(CHOSEN) $(if $(STRATEGY),--strategy $(STRATEGY)) $(OF_DISTRIBUTION)) \
	  --jobs $(JOBS) --out $(OUT)

export: setup ## write the proof of MODEL, or of every shipped model, to build/proofs for strangers to check
	@$(CLI) export $(if $(filter command environment,$(firstword $(origin MODEL))),$(MODEL)) \
	  $(if $(STRATEGY),--strategy $(STRATEGY)) $(OF_DISTRIBUTION) --jobs $(JOBS) --out $(OUT)

audit: setup ## rebuild everything behind one proof of MODEL from .v files; print what it says and rests on
	@$(CLI) audit $(MODEL) $(if $(STRATEGY),--strategy $(STRATEGY)) $(OF_DISTRIBUTION) --jobs $(JOBS) --out $(OUT)

fuzz: $(VENV)/.dev coq ## attack the checkers with NETWORKS random networks by their mirrors, IN_COQ of them in Coq too
	@$(CLI) theory --jobs $(JOBS) --out $(OUT)
	$(BIN)/python -m compact_proofs.proofs.attack.fuzz --networks $(NETWORKS) --coq $(IN_COQ) --jobs $(JOBS) --out $(OUT)/attack

mutants: $(VENV)/.dev coq ## change the Coq checkers and their mirrors in one place at a time: a proof or a test must break
	@$(CLI) theory --jobs $(JOBS) --out $(OUT)
	$(BIN)/python -m compact_proofs.proofs.attack.coq_mutants --jobs $(JOBS) --out $(OUT)/mutants
	$(BIN)/python -m compact_proofs.proofs.attack.mirror_mutants --jobs $(JOBS) --out $(OUT)/mutants

# One process a core: more threads would only wait for each other. The tests of a file stay together: they share what one run of
# coqc has printed, or build/ and coq/. The long files come first.
test: $(VENV)/.dev coq browser ## run all tests
	@$(CLI) theory --jobs $(JOBS) --out $(OUT)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

train: $(VENV)/.with-train ## train MODEL of FAMILY with SEED (7 or 0-15), STEPS, D_MODEL; K, D_VOCAB, D_HEAD or MODULUS, OPERATION, D_MLP
	@$(CLI) train $(MODEL) --family $(FAMILY) --seed $(SEED) --device $(DEVICE) --out $(OUT) $(if $(STEPS),--steps $(STEPS)) \
	  $(if $(D_MODEL),--d-model $(D_MODEL)) $(if $(filter max_of_k,$(FAMILY)),--n-ctx $(K) --d-vocab $(D_VOCAB) \
	  $(if $(D_HEAD),--d-head $(D_HEAD)),--operation $(OPERATION) $(if $(MODULUS),--modulus $(MODULUS)) $(if $(D_MLP),--d-mlp $(D_MLP)))

import: $(if $(filter %.pt %.pth,$(FILE)),$(VENV)/.with-train,setup) ## make a model called NAME of the network in FILE (.pt, .pth, .safetensors), which the JSON CONFIG describes
	@$(CLI) import $(if $(FILE),"$(FILE)") $(if $(CONFIG),--config "$(CONFIG)") $(if $(NAME),--name $(NAME)) $(if $(FORCE),--force) \
	  $(if $(FOLD_BIASES),--fold-biases) --out $(OUT)

purify: setup ## make MODEL_purified: each neuron of MODEL replaced by a cosine of one frequency
	@$(CLI) purify $(MODEL) --out $(OUT)

# Seeds are trained where they are missing; what is proved in Coq needs Coq.
compare: $(VENV)/.with-sweep $(if $(SEEDS),$(VENV)/.with-train) $(if $(filter-out 0 none,$(PROVED)),coq) ## STRATEGIES on MODELS (at SEEDS, as 0-15), the first PROVED of each in Coq: table NAME
	@$(CLI) compare $(MODELS) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(STRATEGIES),--strategies $(STRATEGIES)) \
	  $(if $(PROVED),--proved $(PROVED)) $(if $(TIME_LIMIT),--time-limit $(TIME_LIMIT)) $(if $(WEIGHT_BITS),--weight-bits $(WEIGHT_BITS)) \
	  $(if $(NAME),--name $(NAME)) $(if $(PROFILE),--profile "$(PROFILE)") $(if $(EXECUTOR),--executor $(EXECUTOR)) --jobs $(JOBS) --out $(OUT)

frontier: $(VENV)/.dev coq ## measure every strategy of TASK (max_of_k or modular) over many seeds: table and picture in docs/ (an hour)
	@$(CLI) frontier --task $(TASK) --jobs $(JOBS) --out $(OUT)

bench: setup ## measure the shipped models
	@$(CLI) bench --jobs $(JOBS) --out $(OUT)

counterexample: setup ## find COUNT inputs (or all) that MODEL gets wrong, or say that there is none; TIME_LIMIT in seconds
	@$(CLI) counterexample $(CHOSEN) $(if $(COUNT),--count $(COUNT)) $(if $(TIME_LIMIT),--time-limit $(TIME_LIMIT)) \
	  $(if $(WEIGHT_BITS),--weight-bits $(WEIGHT_BITS))

cost: setup ## operations of STRATEGY in closed form, at K, D_VOCAB, .. or MODULUS, D_MLP, ..; or of MODEL's own certificate
	@$(CLI) cost $(if $(STRATEGY),--strategy $(STRATEGY)) $(if $(filter command environment,$(firstword $(origin MODEL))),--model $(MODEL), \
	  $(if $(MODULUS),--modulus $(MODULUS) $(if $(D_MLP),--d-mlp $(D_MLP)),--n-ctx $(K) --d-vocab $(D_VOCAB) \
	  $(if $(D_HEAD),--d-head $(D_HEAD))) $(if $(D_MODEL),--d-model $(D_MODEL))) $(if $(RESOLUTION),--resolution $(RESOLUTION)) \
	  $(if $(BANDS),--bands $(BANDS)) $(if $(RANK),--rank $(RANK)) $(if $(NEAR),--near $(NEAR))

report: setup $(VENV)/.with-plot ## write the page of MODEL, or of the folder COMPARISON; with STRATEGY show that proof here
	@$(CLI) report $(if $(COMPARISON),--comparison "$(COMPARISON)",$(MODEL) $(if $(STRATEGY),--strategy $(STRATEGY))) --out $(OUT)

docs: $(VENV)/.with-docs coq ## make the documentation's site: build/docs/site
	@$(CLI) theory --jobs $(JOBS) --out $(OUT)
	@$(BIN)/python docs/make_site.py --out $(OUT)

notebooks: setup $(VENV)/.with-notebook $(VENV)/.with-sweep ## prove what the notebooks import, run them without a browser, copy them with outputs to build/notebooks
	@$(CLI) notebooks --jobs $(JOBS) --out $(OUT)

lint: $(VENV)/.dev check-admitted check-leftovers ## ruff, and the two checks of the Coq theory below
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy
	@mkdir -p .types/compact_proofs
	@for folder in models extract proofs; do ln -sfn ../../$$folder .types/compact_proofs/$$folder; done
	$(BIN)/mypy

check-admitted: python ## refuse axioms, open proofs and barred features in the Coq theory
	@$(PYTHON) proofs/theory_lint.py admitted

check-leftovers: python ## refuse Check, Print, Search and the like, and files over 500 lines
	@$(PYTHON) proofs/theory_lint.py leftovers

check-assumptions: setup ## compare what the soundness theorems rest on with proofs/golden_assumptions.txt
	@$(CLI) theory --jobs $(JOBS) --out $(OUT) --assumptions

check-generated: setup ## re-read every generated Coq file by the whitelist grammar
	@$(CLI) reread --out $(OUT)

coqchk: setup ## run Coq's independent checker on every module of the theory
	@$(CLI) theory --jobs $(JOBS) --out $(OUT) --coqchk

accept-golden: $(VENV)/.dev coq ## accept the present output as golden; look at the difference before you commit it
	@$(CLI) theory --jobs $(JOBS) --out $(OUT) --accept-assumptions
	ACCEPT_GOLDEN=1 $(BIN)/pytest

ci: ## all that CI does
	bash .ci/run

clean: ## remove what was built and generated; the virtual environment and trained models stay
	@find $(wildcard $(COQ_FOLDERS)) \( -name '*.vo' -o -name '*.vio' -o -name '*.vok' -o -name '*.vos' -o -name '*.glob' -o -name '.*.aux' \) -delete
	@rm -rf coq/generated coq/CoqMakefile coq/CoqMakefile.conf coq/.CoqMakefile.d coq/.built.json coq/.lock coq/.[ln]ia.cache coq/.nra.cache
	@if [ -d $(OUT) ]; then find $(OUT) -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} +; fi
	@rm -rf .types .pytest_cache .hypothesis .ruff_cache .mypy_cache dist *.egg-info
