# `make demo` and `make test` do everything from a clean clone: virtual environment, installation, run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := particles,hadrons,galaxies,molecules,xtb,cosmology,medical,images,crystals,formats,parquet,cluster,private,survey,validate,train,web,dev
INSTALLED := $(VENV)/.installed
WEIGHTS := $(wildcard weights/*/pyproject.toml)
THIRD_PARTY := $(wildcard tests/third_party/*/pyproject.toml)
THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
WORKERS ?= 2

.PHONY: demo report test test-all install lint types pages docs clean

demo: $(INSTALLED)
	$(BIN)/surrogates demo --out demo --compare particle-events

report: $(INSTALLED)
	$(BIN)/surrogates demo --out report --compare all

test: lint types
	$(THREADS) $(BIN)/pytest -n $(WORKERS) --durations=25

test-all: lint types
	$(THREADS) $(BIN)/pytest -m "slow or not slow" --cov --cov-report=term

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/pyright

pages: $(INSTALLED)
	$(BIN)/python scripts/fill_docs.py

docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/surrogates gallery -o build/with/gallery
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs
	@echo build/docs/index.html

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt $(WEIGHTS) $(THIRD_PARTY)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "surrogates needs Python 3.11 or newer; try make PYTHON=python3.11")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]' \
		$(patsubst %/pyproject.toml,-e ./%,$(WEIGHTS))
	@for package in $(patsubst %/pyproject.toml,%,$(THIRD_PARTY)); do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e $$package || exit 1; \
	done
	@touch $@

clean:
	rm -rf $(VENV) demo report build .pytest_cache .ruff_cache .hypothesis .coverage
