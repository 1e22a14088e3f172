#!/usr/bin/env bash
# test.sh [--alone] [MODULE...] runs go test in the modules, all of them if none
# is named. Without --alone they are built together, as go.work says; with it each
# is built by itself, as its users build it.
#
# PG names the major version of PostgreSQL (15), FLAGS are flags of go test, LOG
# is a file (an absolute path) to which the output is added.
# STRATUM_TEST_DATABASE_URL names a running server to use instead. The run fails
# if a package that has tests was not run, unless FLAGS choose tests with -run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

alone=
if [ "${1:-}" = --alone ]; then
  alone=1
  shift
fi
chosen=${*:-$(modules)}
[ -n "$chosen" ] || die "There is no module with a Go file."
flags="-count=1 -p=2 -timeout=15m ${FLAGS:-}"
log=${LOG:-}
if [ -z "$log" ]; then
  # A log of its own, as two runs in one clone must not read each other's.
  mkdir -p .cache
  log=$(mktemp "$root/.cache/test.XXXXXX")
  trap 'rm -f "$log"' EXIT
fi

# servers finds or installs what the tests run against. A missing server is an
# error of the tests that need it, never a silent skip.
servers() {
  local bin
  export STRATUM_TEST_REQUIRED=${STRATUM_TEST_REQUIRED-1}
  if bin=$(scripts/postgres.sh "${PG:-15}"); then
    export STRATUM_PG_BIN=$bin
    say "Testing on PostgreSQL ${PG:-15} in $bin"
  else
    # The tests of embedpg need programs even if the others are given a server.
    [ -n "${STRATUM_TEST_DATABASE_URL:-}" ] || exit 1
  fi
  [ -z "${STRATUM_TEST_DATABASE_URL:-}" ] || say "Testing on the server that STRATUM_TEST_DATABASE_URL names"
  if bin=$(scripts/pgbouncer.sh); then
    export STRATUM_PGBOUNCER_BIN=$bin
  else
    [ "${CI:-}" != true ] || exit 1
    say "Going on without PgBouncer; tests that need it will say so."
  fi
}

together() {
  local dir patterns=
  for dir in $chosen; do patterns="$patterns ./$dir/..."; done
  # shellcheck disable=SC2086 # flags and patterns are lists
  go test $flags $patterns 2>&1 | tee -a "$log"
}

apart() {
  local dir failed=
  for dir in $chosen; do
    # shellcheck disable=SC2086
    GOWORK=off go -C "$dir" test $flags ./... 2>&1 | tee -a "$log" || failed="$failed $dir"
  done
  [ -z "$failed" ] && return
  say "Failed by themselves (GOWORK=off):$failed"
  return 1
}

servers
status=0
if [ -n "$alone" ]; then apart || status=1; else together || status=1; fi
case " ${FLAGS:-}" in
  *" -run"* | *" --run"* | *" -test.run"*) ;;
  *) mods ran -only "$(printf '%s' "$chosen" | tr -s ' \n' ',')" "$log" || status=1 ;;
esac
exit "$status"
