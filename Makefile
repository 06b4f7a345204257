# The tasks of users and developers; `make help` lists them. They need Python >= 3.11, git and
# make; the rest is pinned in envs/ and installed into .venv by the first target that needs it.

CORES = all
CONFIG =
ARGS =
PYTHON =

IN_ENV = . .venv/bin/activate &&
# --configfile takes all values that follow it: an option must come next, or it would take ARGS.
WITH_CONFIG = $(if $(CONFIG),--configfile '$(CONFIG)')
REPORT = results/report$(if $(CONFIG),-$(basename $(notdir $(CONFIG)))).html
# Files of tests run in order, so that tests/faults, which takes longest, does not start last.
SIDE_BY_SIDE = --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
CLUSTER = tests/workflow/slurm/cluster.py

.DEFAULT_GOAL := help
.PHONY: help run status report test test-all test-slurm tables faults lint docs bench env lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile
	@echo
	@echo '  CORES=4                          cores to use (all)'
	@echo '  CONFIG=config/experiments/X.yaml experiment (config/config.yaml)'
	@echo '  ARGS="..."                       more arguments for the tool behind the target'
	@echo '  PYTHON=python3.12                Python to make .venv with (the first from 3.11 on)'

run: env ## run an experiment; the last line is the path of its report
	$(IN_ENV) snakemake --logger infoplane $(WITH_CONFIG) --cores $(CORES) $(ARGS)

status: env ## show how far the runs are; ARGS=name: another experiment's
	$(IN_ENV) python -m infoplane.status $(ARGS) --configfile '$(or $(CONFIG),config/config.yaml)'

report: env ## after a run: write Snakemake's report, one file in results/
	$(IN_ENV) snakemake $(WITH_CONFIG) --report '$(REPORT)' $(ARGS)

test: env ## run all tests except the long ones
	$(IN_ENV) pytest $(SIDE_BY_SIDE) -m 'not slow' $(ARGS)

# Tests on SLURM mostly wait: they run at the same time as the others, and print after them.
test-all: env ## run the long tests: faults, whole experiments, SLURM
	@$(IN_ENV) code=0; spoken=$$(mktemp); \
	if command -v slurmctld munged >/dev/null; then \
	    $(MAKE) --no-print-directory test-slurm >"$$spoken" 2>&1 & slurm=$$!; \
	else echo 'no SLURM here: its tests are skipped (Debian: apt-get install slurm-wlm munge)'; fi; \
	pytest $(SIDE_BY_SIDE) -m 'slow and not slurm' $(ARGS) || code=1; \
	if [ -n "$$slurm" ]; then wait $$slurm || code=1; cat "$$spoken"; fi; \
	rm -f "$$spoken"; exit $$code

test-slurm: env ## run the tests of SLURM (root, slurm-wlm, munge)
	$(IN_ENV) trap 'python $(CLUSTER) stop' EXIT && \
	    python $(CLUSTER) start && pytest -m slurm tests/workflow/slurm $(ARGS)

faults: env ## kill jobs, damage stores, fill the disk; print the outcomes
	$(IN_ENV) python tests/faults $(ARGS)

lint: env ## check style: ruff, snakefmt, snakemake --lint
	$(IN_ENV) ruff check .
	$(IN_ENV) ruff format --check .
	$(IN_ENV) snakefmt --check workflow/Snakefile workflow/rules
	$(IN_ENV) snakemake --lint

docs: env ## build the documentation into docs/_build/html
	$(IN_ENV) sphinx-build -W --keep-going -q -b html $(ARGS) docs docs/_build/html
	@echo 'open docs/_build/html/index.html'

tables: env ## write generated files: schema, conda pins, intervals
	$(IN_ENV) python -m infoplane.config
	$(IN_ENV) python envs/make_conda.py
	$(IN_ENV) python -m infoplane.truth.calibrate

bench: env ## measure speed against peers and this machine
	$(IN_ENV) python benchmark/run.py $(ARGS)

env: ## prepare .venv and compile the kernels
	@PYTHON='$(PYTHON)' sh envs/prepare.sh
	@$(IN_ENV) python -m infoplane.compile

COMPILE = uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header

lock: env ## write the lock again; ARGS=--upgrade for newer versions
	$(IN_ENV) echo uv | $(COMPILE) --no-annotate $(ARGS) --output-file envs/uv.txt -
	$(IN_ENV) $(COMPILE) --extra dev $(ARGS) --output-file envs/requirements.txt pyproject.toml
	$(IN_ENV) python envs/make_conda.py
