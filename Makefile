# Two commands do everything on a fresh Debian 12: `make run` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: run test test-kernel lint bench calibrate fuzz clean

run: $(INSTALLED)
	@$(BIN)/python -m tophalf check --seconds 5 $$([ $$(id -u) = 0 ] && echo --record) || [ $$? -eq 1 ]

test: $(INSTALLED) lint
	$(BIN)/python -m pytest
	# Once more without the compiler. What compares both forms has nothing to compare then and says that it is skipped.
	TOPHALF_NO_SKIPS= NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m kernels

test-kernel: $(INSTALLED)
	.ci/install-packages lab/apt-packages.txt
	$(BIN)/python -m lab build
	$(BIN)/python -m pytest tests/kernel --override-ini addopts=-rs -v

lint: $(INSTALLED)
	$(BIN)/ruff check src tests bench lab

bench: $(VENV)/.bench
	$(BIN)/python bench/run.py

$(VENV)/.bench: $(INSTALLED) requirements-bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	@touch $@

# Measures what steps of this machine's kernel cost: a table for `tophalf run SCENARIO --set costs.table=this-machine.toml`
calibrate: $(INSTALLED)
	$(BIN)/python -m tophalf costs --measure this-machine.toml --force

fuzz: $(INSTALLED)
	$(BIN)/python bench/fuzz.py

$(INSTALLED): pyproject.toml requirements.lock
	./install.sh $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) .lab build dist src/*.egg-info
