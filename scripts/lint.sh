#!/usr/bin/env bash
# lint.sh checks format and style of all modules: gofmt, go vet, staticcheck and
# the rules of the house. It runs all of them before it fails.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

status=0
list=$(modules) || exit 1
patterns=$(printf './%s/...\n' $list)

# built_staticcheck prints the path of the linter in the version that tools/go.mod
# requires, and builds it once.
built_staticcheck() {
  local version bin
  version=$(GOWORK=off go -C tools list -m -f '{{.Version}}' honnef.co/go/tools) || return 1
  bin=$root/.cache/bin/staticcheck-$version-$(go env GOVERSION)
  if [ ! -x "$bin" ]; then
    say "Building staticcheck $version ..."
    GOWORK=off go -C tools build -o "$bin" honnef.co/go/tools/cmd/staticcheck >&2 || return 1
  fi
  printf '%s\n' "$bin"
}

unformatted=$(gofmt -l $(printf '%s\n' $list tools | cut -d/ -f1 | sort -u)) || status=1
if [ -n "$unformatted" ]; then
  say "These files are not formatted; run make fmt:" "$unformatted"
  status=1
fi

go vet $patterns || status=1
GOWORK=off go -C tools vet ./... || status=1

if staticcheck=$(built_staticcheck); then
  "$staticcheck" $patterns || status=1
  (cd tools && GOWORK=off "$staticcheck" ./...) || status=1
elif [ "${CI:-}" = true ]; then
  say "staticcheck could not be built."
  status=1
else
  say "Warning: staticcheck could not be downloaded or built, so it was not run."
fi

GOWORK=off go -C tools run ./house || status=1
exit "$status"
