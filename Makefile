# ReelSeek: `make help` says what there is.
# Only Python 3.11 or newer, make and git are needed; everything else goes into .venv.

PYTHON ?= python3
PORT ?= 8000
QUERY ?= $(if $(VIDEOS),people outdoors,a rocket taking off)
BIN := .venv/bin
LINUX_X86 := sys_platform == "linux" and platform_machine == "x86_64"
ELSEWHERE := sys_platform != "linux" or platform_machine != "x86_64"

.PHONY: help demo test test-faults check format client lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## index sample films (or VIDEOS=/path), search them for QUERY, serve them on PORT=8000
ifdef VIDEOS
	$(BIN)/python -m indexer.batch "$(VIDEOS)" || [ $$? -eq 1 ] # 1: some files were refused, and named
else
	$(BIN)/python -m indexer.samples sample-videos
	$(BIN)/python -m indexer.batch sample-videos
endif
	$(BIN)/reelseek search "$(QUERY)" --limit 5
	$(BIN)/reelseek serve --port "$(PORT)"

test: .venv/installed ## run every test; one of them: make test TESTS=tests/unit/app
	$(BIN)/python -m pytest $(TESTS)

test-faults: .venv/installed ## run the long tests of faults, minutes to hours
	$(BIN)/python -m pytest -m faults $(or $(TESTS),tests/faults)

check: .venv/installed ## format, lint, types and import contracts, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed ## rewrite the code as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

client: .venv/installed ## write a typed Python client of the HTTP interface to build/reelseek-client
	mkdir -p build
	$(BIN)/python -m app.openapi > build/openapi.json
	PATH="$(CURDIR)/$(BIN):$$PATH" openapi-python-client generate --path build/openapi.json \
	    --config .ci/client.yaml --meta setup --output-path build/reelseek-client --overwrite --fail-on-warning

# Made once, and again only when what it is made from changes. The lock gives exact versions of whatever
# pyproject.toml needs on this platform.
.venv/installed: pyproject.toml requirements.lock
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "ReelSeek needs Python 3.11 or newer, and '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1)." >&2; \
	    echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[samples,training,plots,dev]'
	@touch $@

# Run it on Linux x86-64: only there does pip see the CUDA packages, which get a marker each.
lock: .venv/installed ## take the newest versions that pyproject.toml allows into requirements.lock
	$(BIN)/python -m pip install --upgrade --upgrade-strategy eager --editable '.[samples,training,plots,dev]'
	echo '# Exact versions of all that ReelSeek runs, tests and trains with; rewritten by make lock.' > requirements.new
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed -E \
	    -e 's/^((cuda-|nvidia-|triton=).*)/\1 ; $(LINUX_X86)/' \
	    -e 's/^faiss-gpu(.*)/faiss-cpu\1 ; $(ELSEWHERE)\nfaiss-gpu\1 ; $(LINUX_X86)/' >> requirements.new
	mv requirements.new requirements.lock
	@touch .venv/installed

clean: ## remove .venv, caches and builds; videos and indexes stay
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
