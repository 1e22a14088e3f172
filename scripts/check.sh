#!/usr/bin/env bash
# check.sh is everything that has to hold before a change is merged, in stages.
# All of them run, whatever fails, and the end tells which did and what was slow.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
# What is installed has to be enough: a check that downloads another compiler
# does not check that.
export GOTOOLCHAIN=local

mkdir -p .cache
logs=$(mktemp -d "$root/.cache/check.XXXXXX")
trap 'rm -rf "$logs"' EXIT
summary=
failed=

# stage NAME COMMAND... runs one stage and remembers how it ended.
stage() {
  local name=$1 start=$SECONDS end=passed
  shift
  printf '\n== %s\n' "$name"
  # In a shell of its own, so that a stage that exits does not end the others.
  if ! ("$@"); then
    end=FAILED
    failed=1
  fi
  local line="-- $name: $end after $((SECONDS - start)) s"
  printf '%s\n' "$line"
  summary="$summary$line
"
}

# tests LABEL [VARIABLE=VALUE...] [-- ARGUMENTS...] runs test.sh with a log of its own.
tests() {
  local label=$1 variables=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    variables+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift
  env LOG="$logs/$label.log" "${variables[@]}" scripts/test.sh "$@"
}

# holding PATTERN prints the modules in whose test files the pattern occurs.
holding() {
  local dir
  for dir in $list; do
    if grep -rqE --include='*_test.go' "$1" "$dir"; then printf '%s\n' "$dir"; fi
  done
}

tools_tests() { GOWORK=off go -C tools test -race ./... 2>&1 | tee "$logs/tools.log"; }

build() {
  # Programs would be written where they are built; only whether they can be counts.
  go build -o /dev/null $(printf './%s/...\n' $list) || return 1
  local dir
  for dir in $list; do
    # vet compiles the tests too: what a module alone could break is its requirements.
    GOWORK=off go -C "$dir" vet ./... || die "$dir does not build by itself (GOWORK=off)."
  done
}

# slowest prints the packages that took longest, with the run in which they did.
slowest() {
  local file
  for file in "$logs"/*.log; do
    awk -v run="$(basename "$file" .log)" '
      ($1 == "ok" || $1 == "FAIL") && $3 ~ /^[0-9.]+s$/ { printf "%9.1f s  %-10s  %s\n", $3, run, $2 }' "$file"
  done | sort -rn | head -n 12
}

list=$(modules) || die "The workspace cannot be read."
databases=$(printf '%s\n' $list | grep -xE 'adapters/pgx|adapters/gorm|adapters/ent|adapters/bun|stratum|controlplane|embedpg|integration|testutil' || true)

stage "plumbing and import rules" mods check
stage "format and lint" scripts/lint.sh
stage "tools" tools_tests
stage "build" build
stage "tests on PostgreSQL 15, race detector" tests race PG=15 FLAGS=-race
if [ -n "$databases" ]; then
  stage "tests on PostgreSQL 18" tests pg18 PG=18 -- $(printf '%s\n' $databases | grep -vxE 'stratum|testutil')
  # What kills processes, and what attacks each flawed schema, is slow and the same on each version.
  stage "the library on PostgreSQL 18" tests pg18short PG=18 FLAGS=-short -- stratum testutil
fi
benchmarks=$(holding '^func Benchmark')
if [ -n "$benchmarks" ]; then
  stage "benchmarks, once each" tests bench PG=15 FLAGS='-run=^$ -bench=. -benchtime=1x' -- $benchmarks
fi

printf '\n== the slowest packages\n'
slowest
printf '\n== stages\n%s' "$summary"
[ -z "$failed" ] || die "make check: something failed, see above"
printf 'make check: all stages passed after %d s\n' "$SECONDS"
