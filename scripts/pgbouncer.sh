#!/usr/bin/env bash
# pgbouncer.sh prints the path of PgBouncer, and installs it if it is nowhere to
# be found and that is possible.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ -n "${STRATUM_PGBOUNCER_BIN:-}" ]; then
  [ -x "$STRATUM_PGBOUNCER_BIN" ] || die "STRATUM_PGBOUNCER_BIN is $STRATUM_PGBOUNCER_BIN, which is no program."
  printf '%s\n' "$STRATUM_PGBOUNCER_BIN"
  exit
fi

# sbin is not on the PATH of ordinary users.
find_installed() { PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin command -v pgbouncer; }

if ! find_installed; then
  if debian_root && apt_has pgbouncer; then apt_install pgbouncer || true; fi
  find_installed || die "PgBouncer is not installed. One of these helps:
  Debian, Ubuntu   sudo apt-get install pgbouncer
  Fedora, RHEL     sudo dnf install pgbouncer
  macOS            brew install pgbouncer
or set STRATUM_PGBOUNCER_BIN to the program."
fi
