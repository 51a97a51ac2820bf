# make book   the environment, every chapter, the rendered book
# make test   lint, types, import rules, tests
#
# Other targets: lab (the chapters in JupyterLab), course (notebooks and slides for a class), pdf (the rendered book as one PDF), golden, results (on a machine with a CUDA GPU), studies, environment, check-book, check-wheel, benchmarks, lock, clean.

SHELL := /bin/bash
BIN := .venv/bin
# The first Python that TensorFlow and dlib have wheels for; set PYTHON to choose another one.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)

RESULTS := rehearsal-casme2 rehearsal-smic rehearsal-samm rehearsal-megc

# Python keeps the bytecode of what is imported, also where the environment says otherwise: chapters import much.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: book test lab course pdf golden results studies environment check-book check-wheel benchmarks lock clean

book: environment
	$(BIN)/astsvm book --jobs 2

# On x86-64, tests use the instructions that all its processors of the last ten years have: with wider ones, rounding differs,
# and on the smallest data sets a prediction may.
ifeq ($(shell uname -m),x86_64)
test golden: export OPENBLAS_CORETYPE = Haswell
test golden: export NPY_DISABLE_CPU_FEATURES = $(shell grep -qm1 avx512f /proc/cpuinfo 2>/dev/null && echo X86_V4)
endif
test: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

# The chapters are Markdown files; jupytext opens them as notebooks (right click, Open With, Notebook).
lab: environment
	$(BIN)/jupyter lab book

# Notebooks, nbgrader's course folder and slides, in _build/course.
course: environment
	rm -rf _build/course
	$(BIN)/astsvm course build --out _build/course

# Prints the pages of the rendered book with headless Chromium, as one PDF with bookmarks.
pdf: environment
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pypdf
	$(BIN)/python tools/make_pdf.py _build/html _build/book.pdf

# Makes the fingerprints of stages anew whose version was raised (tests/golden); refuses a change without one.
golden: environment
	$(BIN)/pytest -q tests/golden --renew-golden

# Fills book/results with every run of Tables 4 to 12, with three seeds. What is stored is skipped.
results: environment
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'jax[cuda12]'
	$(BIN)/astsvm run --table all $(addprefix --dataset ,$(RESULTS)) --seeds 0,1,2 --backend jax --out book/results
	for data in rehearsal-casme2 rehearsal-smic rehearsal-samm; do for method in kernels mean-attention; do \
		KERAS_BACKEND=jax $(BIN)/astsvm evaluate --dataset $$data --method $$method --out book/results || exit; done; done
	KERAS_BACKEND=jax $(BIN)/astsvm evaluate --dataset rehearsal-mini --out book/results

# The studies on rehearsal-dev, on which the defaults of the recipe were chosen.
studies: environment
	$(BIN)/astsvm study convergence --jobs 2 --out book/results
	$(BIN)/astsvm study development --seeds 0,1,2 --jobs 2 --out book/results
	$(BIN)/astsvm study multiverse --jobs 2 --out book/results

environment: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found. Install one, or set PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Reads and searches the book in headless Chromium; needs Debian's chromium, or CHROMIUM=/path/to/one.
check-book:
	$(BIN)/python tools/check_book.py _build/html
	$(BIN)/python tools/check_search.py _build/html

# Builds the wheel and uses it in an empty environment.
check-wheel: environment
	$(BIN)/python tools/check_wheel.py

benchmarks: environment
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/preprocessing.py
	$(BIN)/python benchmarks/corpus.py rehearsal-smic
	$(BIN)/python benchmarks/databases.py
	$(BIN)/python benchmarks/svm.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/descriptors.py

# Needs uv (pip install uv).
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
		--generate-hashes --no-header --no-annotate -q -o requirements.lock > /dev/null

clean:
	rm -rf _build results
