#!/usr/bin/env bash
# test-versions.sh runs what depends on the server on each PostgreSQL of VERSIONS: the
# conformance suite of scoping and the tests of adapters/pgx; what goes through PgBouncer
# goes through two: the installed one, and one that keeps prepared statements.
#
# A version that cannot be had is skipped. The summary at the end has a line for everything,
# run or not; the run fails if any of it fails, or if there was nothing to run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

export STRATUM_TEST_REQUIRED=1
pooled='^TestScope$/.*/.*/^pgbouncer$|^TestThroughPgBouncer$'
summary=
failed=
ran=

# note RESULT NAME adds a line to the summary.
note() {
  summary="$summary$(printf '%-8s %s' "$1" "$2")
"
}

# run NAME ARGUMENT... runs go test on the server and pooler of the environment.
run() {
  local name=$1 start=$SECONDS end=passed
  shift
  printf '\n== %s\n' "$name"
  go test -count=1 -timeout=15m "$@" || end=FAILED
  [ "$end" = passed ] || failed=1
  ran=1
  note "$end" "$name, $((SECONDS - start)) s"
}

# version PROGRAM prints what a PgBouncer calls itself.
version() { "$1" -V | sed -n 1p; }

missing="it cannot be had here; why is said above"
if ! installed=$(scripts/pgbouncer.sh); then note skipped "the installed PgBouncer: $missing"; fi
if ! preparing=$(scripts/pgbouncer.sh prepared); then note skipped "a PgBouncer with prepared statements: $missing"; fi
[ "$installed" != "$preparing" ] || installed=

for major in ${VERSIONS:-15 16 17 18}; do
  if ! STRATUM_PG_BIN=$(scripts/postgres.sh "$major"); then
    note skipped "PostgreSQL $major: $missing"
    continue
  fi
  export STRATUM_PG_BIN
  run "PostgreSQL $major, scoping" -run '^TestScope$' -skip "$pooled" ./integration
  run "PostgreSQL $major, adapters/pgx" -skip "$pooled" ./adapters/pgx/...
  for bouncer in $installed $preparing; do
    STRATUM_PGBOUNCER_BIN=$bouncer run "PostgreSQL $major, $(version "$bouncer")" -run "$pooled" ./integration ./adapters/pgx
  done
done

printf '\n== what ran, and what did not\n%s' "$summary"
[ -n "$ran" ] || die "make test-versions: nothing could be run"
[ -z "$failed" ] || die "make test-versions: something failed, see above"
