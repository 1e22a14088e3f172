#!/usr/bin/env bash
# upstream-suites.sh runs a test suite that somebody else wrote twice, on the plain driver
# and through the scoped one under a tenant, and compares test by test.
#
# Without SRC it is pgx's own suite of its database/sql driver. PGX_SRC names a checkout
# of pgx; without it the copy in the module cache is used, in the version that the
# adapter requires.
#
# With SRC it is any other, that of an ORM for example: SRC is the checkout, MODULE and
# PACKAGE where its suite is in it, ENV the variable from which the suite takes its
# connection string, PATCH a patch that changes how it opens connections (by the
# functions of integration/upstream/suite), and ACCEPTED a list of differences with
# reasons.
#
# RUN and SKIP choose tests, as go test does. Checkouts are only read: what is patched
# is a copy.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

if [ -n "${SRC:-}" ]; then
  [ -d "$SRC/${MODULE:=.}" ] || die "SRC=$SRC has no folder ${MODULE}."
  [ -f "${PATCH:-}" ] || die "PATCH=${PATCH:-} names no file: a patch has to open the connections of $SRC by integration/upstream/suite."
  name=$SRC
else
  SRC=${PGX_SRC:-$(GOWORK=off go -C adapters/pgx list -m -f '{{.Dir}}' github.com/jackc/pgx/v5)}
  [ -f "$SRC/stdlib/sql_test.go" ] || die "PGX_SRC=$SRC is no checkout of pgx: it has no stdlib/sql_test.go."
  name="pgx, $SRC"
  MODULE=. PACKAGE=./stdlib ENV=PGX_TEST_DATABASE
  PATCH=integration/upstream/pgx.patch ACCEPTED=integration/upstream/pgx.accepted
fi
STRATUM_PG_BIN=$(scripts/postgres.sh "${PG:-any}")
export STRATUM_PG_BIN

say "$name"
mkdir -p .cache/bin
go build -o .cache/bin/upstream ./integration/upstream
exec .cache/bin/upstream -root "$root" -src "$SRC" -module "$MODULE" -package "${PACKAGE:-.}" -env "${ENV:-DATABASE_URL}" \
  -patch "$PATCH" -accepted "${ACCEPTED:-/dev/null}" -run "${RUN:-}" -skip "${SKIP:-}"
