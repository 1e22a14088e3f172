# Everything a contributor runs. `make` alone lists it; the work is in scripts/.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo test test-versions check lint fmt bench soak sync upstream-suites

# A clone that belongs to another user, as in containers, could not be stamped.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

DURATION ?= 60s

# A program is built and then takes the place of the shell, so that Ctrl-C and
# kill reach it and nothing else. $(1) is its folder, $(2) its arguments.
run = mkdir -p .cache/bin && go build -o .cache/bin/$(notdir $(1)) ./$(1) && \
	bin=$$(scripts/postgres.sh $(or $(PG),any)) && STRATUM_PG_BIN=$$bin exec .cache/bin/$(notdir $(1)) $(2)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the demo on a throw-away PostgreSQL; PORT=8080, DEMO_SQL=file.sql
	@$(call run,examples/demo,)

test: ## test all modules; PG=18, FLAGS='-race -short', MODULES='core adapters/pgx'
	@PG="$(PG)" FLAGS="$(FLAGS)" scripts/test.sh $(MODULES)

test-versions: ## scoping on PostgreSQL 15 to 18 and through two PgBouncers; VERSIONS='16 17'
	@VERSIONS="$(VERSIONS)" scripts/test-versions.sh

check: ## all that CI checks: lint, rules, builds, tests on PostgreSQL 15 and 18
	@scripts/check.sh

lint: ## gofmt, go vet, staticcheck and the rules of the house
	@scripts/lint.sh

fmt: ## format all Go files
	@gofmt -w $$(GOWORK=off go -C tools run ./mods list | cut -d/ -f1 | sort -u) tools

sync: ## rewrite the go.mod files after a change of imports or modules
	@GOWORK=off go -C tools run ./mods sync

bench: ## measure against the budgets; ARGS='-h' lists the options
	@$(call run,bench,$(ARGS))

soak: ## let two tenants fuzz the PostgreSQL adapter; DURATION=60s
	@bin=$$(scripts/postgres.sh $(or $(PG),any)) && STRATUM_PG_BIN=$$bin STRATUM_TEST_REQUIRED=1 \
		exec go test ./adapters/pgx -count=1 -timeout=0 -v -run TestSoak -soak $(DURATION)

upstream-suites: ## pgx's driver tests plain and scoped, compared; PGX_SRC=checkout, or SRC=.. PATCH=..
	@PGX_SRC="$(PGX_SRC)" SRC="$(SRC)" MODULE="$(MODULE)" PACKAGE="$(PACKAGE)" ENV="$(ENV)" PATCH="$(PATCH)" \
		ACCEPTED="$(ACCEPTED)" RUN="$(RUN)" SKIP="$(SKIP)" PG="$(PG)" scripts/upstream-suites.sh
