#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own: a new cluster in a temporary directory, on a
# unix socket only, owned by the user postgres when started by root. The command finds the server
# in EVPKI_TEST_POSTGRES. Server and directory are gone when the command has ended.
#
#   scripts/with-postgres.sh npx vitest run test/conformance
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND..." >&2
  exit 64
fi

# The newest one that is installed, unless PATH or POSTGRES_BIN names one.
bin=${POSTGRES_BIN:-}
if [ -z "$bin" ] && command -v initdb >/dev/null; then bin=$(dirname "$(command -v initdb)"); fi
if [ -z "$bin" ]; then
  bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
fi
if [ ! -x "$bin/initdb" ]; then
  echo "$0: no PostgreSQL server found (looked for initdb; set POSTGRES_BIN)" >&2
  exit 69
fi

# In memory where there are 4 GiB of it: the server flushes what it commits all the same, but waits
# for no disk.
place=/tmp
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] &&
  [ "$(df --output=avail -k /dev/shm | tail -n 1)" -ge $((4 * 1024 * 1024)) ]; then
  place=/dev/shm
fi
# Short: the path of a unix socket has at most 107 characters.
directory=$(mktemp -d "$place/evpki-pg.XXXXXX")
as_owner() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$directory"
  as_owner() { runuser -u postgres -- "$@"; }
fi

child=
cleanup() {
  trap - EXIT INT TERM
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null && wait "$child" 2>/dev/null || true; fi
  local server
  server=$(head -n 1 "$directory/data/postmaster.pid" 2>/dev/null || true)
  if [ -n "$server" ]; then
    # Fast shutdown: sessions are ended, the checkpoint is written.
    kill -INT "$server" 2>/dev/null || true
    for _ in $(seq 100); do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    kill -QUIT "$server" 2>/dev/null || true
  fi
  rm -rf "$directory"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$directory"
as_owner "$bin/initdb" --pgdata="$directory/data" --username=postgres --auth=trust \
  --encoding=UTF8 --locale=C --no-sync >"$directory/initdb.log" 2>&1 ||
  { cat "$directory/initdb.log" >&2; exit 70; }
as_owner "$bin/pg_ctl" start --wait --silent --pgdata="$directory/data" \
  --log="$directory/data/server.log" \
  --options="-c listen_addresses='' -c unix_socket_directories='$directory' -c max_connections=200" ||
  { cat "$directory/data/server.log" >&2; exit 70; }
cd "$OLDPWD"

export EVPKI_TEST_POSTGRES="postgres://postgres@localhost/postgres?host=$directory"
"$@" <&0 &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
