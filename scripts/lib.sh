# Helpers of the scripts in this folder; sourced, never run. They work with the
# bash 3.2 of macOS too. Results go to stdout, everything for people to stderr.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

# debian_root reports whether packages can be installed with apt-get.
debian_root() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; }

# apt_has PACKAGE reports whether the distribution has it. The lists are fetched
# once if need be: images for containers and CI come without them.
apt_has() {
  apt-cache show "$1" >/dev/null 2>&1 && return
  if [ -z "${apt_updated:-}" ]; then
    say "Reading the lists of packages (apt-get update) ..."
    apt-get -q -o DPkg::Lock::Timeout=120 update >&2 || true
    apt_updated=1
  fi
  apt-cache show "$1" >/dev/null 2>&1
}

# apt_install PACKAGE... installs without questions and without starting any
# service: only the programs are wanted, and a server that started by itself
# would hold the port that its user may want.
apt_install() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  say "Installing $* with apt-get ..."
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold install "$@" >&2
)

# open_to_all DIR reports whether every user can pass through DIR and all above it.
open_to_all() {
  local dir=$1 mode
  while :; do
    mode=$(ls -ld "$dir" | cut -c10)
    case $mode in x | t) ;; *) return 1 ;; esac
    [ "$dir" = / ] && return
    dir=$(dirname "$dir")
  done
}

# cache_dir prints the folder for downloaded programs: the ignored .cache of the
# clone, or, where a server that drops root could not read it there, a public one.
cache_dir() {
  local dir
  if [ "$(id -u)" != 0 ] || open_to_all "$root"; then
    printf '%s\n' "$root/.cache"
    return
  fi
  for dir in /var/cache/stratum /tmp/stratum-cache; do
    if (umask 022 && mkdir -p "$dir") 2>/dev/null && open_to_all "$dir"; then
      printf '%s\n' "$dir"
      return
    fi
  done
  die "No folder can be read by all users, so PostgreSQL could not run from it as another user than root."
}

# mods runs the keeper of the workspace; see tools/mods.
mods() { GOWORK=off go -C "$root/tools" run ./mods "$@"; }

# modules prints the folders of all modules, dependencies first. A module that
# has no Go file yet is left out: go test fails where there is nothing to test.
modules() {
  local list dir
  list=$(mods list) || return 1
  for dir in $list; do
    [ -z "$(find "$root/$dir" -name '*.go' -print | head -n 1)" ] || printf '%s\n' "$dir"
  done
}
