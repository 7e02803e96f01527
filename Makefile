# Needs Python 3.11 or newer and make; everything else goes into .venv. The system's Python is left alone.
#
#   make demo         train, quantize, build, emulate and report ECG-TCN
#   make test         all tests
#   make check        lint, types, C format, smoke test (seconds)
#   make bench        write the cost baseline; make bench-check shows what moved
#   make setup        only the environment (the others call it)
#   make clean        remove .venv and caches
#
# Plain PyPI torch on Linux brings several GB of CUDA. The CPU build is enough:
#
#   make setup TORCH_FLAGS="--index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= torch==2.13.0
TORCH_FLAGS ?=

BIN := .venv/bin
READY := .venv/.ready
# zig keeps compiled run-time libraries here; the command edgekit chooses the same folder by itself.
export ZIG_GLOBAL_CACHE_DIR := $(CURDIR)/.venv/zig-cache

C_FILES := $(shell find firmware edgekit -name '*.[ch]')

.PHONY: setup demo test check bench bench-check clean

setup: $(READY)

$(READY): pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "EdgeKit needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv. Downloads, unless pip has them already:"
	@echo "  torch         about 200 MB from the CPU index (see TORCH_FLAGS in Makefile), 3 GB or more with CUDA"
	@echo "  ziglang       about 100 MB, the C compiler"
	@echo "  other Python packages (ray among them), about 250 MB"
	@echo "and on the first training the ECG5000 recordings, 77 MB, unless EDGEKIT_DATA is set."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	    || { rm -rf .venv; echo "python -m venv failed (on Debian: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH_FLAGS) "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	$(BIN)/edgekit doctor --quiet
	@touch $@

demo: setup
	$(BIN)/edgekit run ecg-tcn --board stm32l475 --out runs/ecg --force

test: setup
	$(BIN)/python -m pytest -n auto -q

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/python -m pytest -q tests/edgekit/test_smoke.py

bench: setup
	$(BIN)/python -m edgekit.bench

bench-check: setup
	$(BIN)/python -m edgekit.bench --check

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
