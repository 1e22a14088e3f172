#!/usr/bin/env bash
# pgbouncer.sh [any] prints the path of PgBouncer, and installs it if it is nowhere to
# be found and that is possible.
# pgbouncer.sh prepared prints the path of one that keeps prepared statements in
# transaction mode, 1.21 or later. Where the installed one is older, Debian's next release
# has it: it is unpacked into the cache with its libraries, beside the system.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# sbin is not on the PATH of ordinary users.
find_installed() { PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin command -v pgbouncer; }

# named VARIABLE prints the program that the variable names, and fails if it is not set.
named() {
  [ -n "${!1:-}" ] || return 1
  [ -x "${!1}" ] || die "$1 is ${!1}, which is no program."
  printf '%s\n' "${!1}"
}

# prepares PROGRAM reports whether it knows max_prepared_statements.
prepares() {
  local major minor
  read -r major minor <<<"$("$1" -V 2>/dev/null | sed -nE 's/^PgBouncer ([0-9]+)\.([0-9]+).*/\1 \2/p')"
  [ -n "${minor:-}" ] && { [ "$major" -gt 1 ] || [ "$minor" -ge 21 ]; }
}

any() {
  if [ -n "${STRATUM_PGBOUNCER_BIN:-}" ]; then
    named STRATUM_PGBOUNCER_BIN
    return
  fi
  find_installed && return
  if debian_root && apt_has pgbouncer; then apt_install pgbouncer || true; fi
  find_installed || die "PgBouncer is not installed. One of these helps:
  Debian, Ubuntu   sudo apt-get install pgbouncer
  Fedora, RHEL     sudo dnf install pgbouncer
  macOS            brew install pgbouncer
or set STRATUM_PGBOUNCER_BIN to the program."
}

# unpack DIR gets PgBouncer and all that it is linked with from Debian testing, over the
# mirror that this machine uses already, into DIR. Nothing is installed.
unpack() {
  local dir=$1 mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg apt deb
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' | awk '$2 == "Debian" { print $1; exit }')
  [ -n "$mirror" ] && [ -f "$keys" ] || return 1
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/state" "$dir/root"
  : >"$dir/status"
  printf 'deb [signed-by=%s] %s testing main\n' "$keys" "$mirror" >"$dir/sources.list"
  # An apt of its own: it takes nothing for installed, so that it fetches the C library too.
  apt=(apt-get -qq -o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State=$dir/state" -o "Dir::State::lists=$dir/lists"
    -o "Dir::State::status=$dir/status" -o "Dir::Cache=$dir" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  "${apt[@]}" update >&2 && "${apt[@]}" -y --no-install-recommends --download-only install pgbouncer >&2 || return 1
  # Since /bin and the like are one with their counterparts below /usr, packages have either.
  for name in bin sbin lib lib64; do
    mkdir -p "$dir/root/usr/$name"
    ln -s "usr/$name" "$dir/root/$name"
  done
  for deb in "$dir"/archives/*.deb; do dpkg-deb -x "$deb" "$dir/root" || return 1; done
  rm -rf "$dir/lists" "$dir/archives" "$dir/state" "$dir/status" "$dir/sources.list" "$dir"/*.bin
}

# wrap DIR FINAL writes DIR/pgbouncer, which starts the program by its own loader with
# its own libraries. FINAL is where DIR will be.
wrap() {
  local loader libraries
  loader=$(cd "$1/root" && find usr/lib usr/lib64 -name 'ld-linux-*.so.*' | head -n 1)
  libraries=$(dirname "$(cd "$1/root" && find usr/lib -name libc.so.6 | head -n 1)")
  [ -n "$loader" ] && [ -x "$1/root/usr/sbin/pgbouncer" ] || return 1
  cat >"$1/pgbouncer" <<EOF2
#!/bin/sh
exec '$2/root/$loader' --library-path '$2/root/$libraries' '$2/root/usr/sbin/pgbouncer' "\$@"
EOF2
  chmod 755 "$1/pgbouncer"
}

from_testing() {
  debian_root || return 1
  local dir
  dir=$(cache_dir)/pgbouncer-testing || exit 1
  if [ ! -x "$dir/pgbouncer" ]; then
    say "Unpacking PgBouncer from Debian testing into $dir ..."
    umask 022
    mkdir -p "$(dirname "$dir")"
    # Beside its place, so that an interrupted download is never taken for a whole one.
    scratch=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    unpack "$scratch" && wrap "$scratch" "$dir" || return 1
    chmod -R a+rX "$scratch"
    mv -T "$scratch" "$dir"
  fi
  printf '%s\n' "$dir/pgbouncer"
}

prepared() {
  local bin
  if [ -n "${STRATUM_PGBOUNCER_PREPARED_BIN:-}" ]; then
    bin=$(named STRATUM_PGBOUNCER_PREPARED_BIN) || exit 1
    prepares "$bin" || die "STRATUM_PGBOUNCER_PREPARED_BIN is $bin, which is no PgBouncer 1.21 or later."
  else
    bin=$(find_installed) && prepares "$bin" || bin=$(from_testing) && prepares "$bin" ||
      die "There is no PgBouncer 1.21 or later: the installed one is older or missing, and it could not be unpacked from Debian
testing, which takes Debian and root. Set STRATUM_PGBOUNCER_PREPARED_BIN to one."
  fi
  printf '%s\n' "$bin"
}

case ${1:-any} in
  any | prepared) "${1:-any}" ;;
  *) die "usage: pgbouncer.sh [any|prepared]" ;;
esac
