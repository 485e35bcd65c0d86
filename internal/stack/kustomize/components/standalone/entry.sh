#!/bin/sh
# Starts PostgreSQL on the mounted volume: makes the data directory the first time, puts back the mode PostgreSQL asks for
# (mounting with fsGroup adds group write), brings roles and passwords to what the Secret says (roles.sql), then serves.
# With CMHF_EXPECT_DATA=true it refuses a volume without data. CMHF_ENTRY_DIR and PGHOST move the configuration and the socket.
set -eu

config=${CMHF_ENTRY_DIR:-/etc/cmhf}
volume=$(dirname "$PGDATA")
export PGHOST="${PGHOST:-/var/run/postgresql}" PGUSER=postgres

say() { echo "entry: $*" >&2; }

# The server is the only thing that runs in the background, so $! is always its process.
launch() { postgres -D "$PGDATA" -c "config_file=$config/entry/postgresql.conf" "$@" & }

# Ends the server, if one runs, and gives its exit code. SIGINT is PostgreSQL's fast shutdown (SIGTERM would wait for clients); it
# is repeated because a shell starts background processes with SIGINT ignored: a server that has only just begun misses it.
stop() {
  { [ -n "${!:-}" ] && kill -0 "$!" 2>/dev/null; } || return 0
  while kill -INT "$!" 2>/dev/null; do sleep 0.1; done
  wait "$!"
}
finish() {
  code=0
  stop || code=$?
  exit "$code"
}
# As process 1 the shell is sent SIGTERM and nothing else would pass it on. A step that fails must not leave a server behind either.
trap finish TERM INT
trap 'stop || :' EXIT

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -d "$PGDATA" ] && [ -n "$(ls -A "$PGDATA")" ]; then
    say "$PGDATA is not empty but has no PG_VERSION: not touching it; look at the volume before going on"
    exit 1
  fi
  case "${CMHF_EXPECT_DATA:-false}" in
  false) ;;
  true)
    say "the tenant's namespace records that this database had data, but there is none at $PGDATA: the volume is empty or another one"
    say "nothing was made; give the tenant back the volume that holds its data, or restore a backup onto this one"
    exit 1
    ;;
  *)
    say "CMHF_EXPECT_DATA is \"$CMHF_EXPECT_DATA\", neither true nor false: nothing was made"
    exit 1
    ;;
  esac
  # initdb into a folder beside it and rename, so that a start that was cut off leaves no half-made data directory.
  say "no data directory yet: making one"
  rm -rf "$volume/initdb.tmp"
  initdb --pgdata="$volume/initdb.tmp" --username=postgres --auth=peer --encoding=UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
  [ ! -d "$PGDATA" ] || rmdir "$PGDATA"
  mv "$volume/initdb.tmp" "$PGDATA"
  sync
fi
chmod 0700 "$PGDATA"

# Without addresses no client gets in before the roles are right. How long a recovery may take is the startup probe's to say.
say "bringing roles to the current logins"
launch -c listen_addresses=
# Asking a server that is still recovering leaves a line in its log each time, so its own file is read first. The file alone
# is not enough: one that a crash left behind says the same.
until grep -qs '^ready' "$PGDATA/postmaster.pid" && pg_isready --quiet --dbname=postgres; do
  kill -0 "$!" 2>/dev/null || { say "the server ended before it was ready; its own messages above say why"; exit 1; }
  sleep 0.1
done
for list in owner app; do
  [ -s "$config/logins/$list" ] || { say "$config/logins/$list is missing or empty: look at the Secret database-logins"; exit 1; }
done
CMHF_LOGINS="$config/logins" psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --dbname=postgres --file="$config/entry/roles.sql"
stop

say "starting the server"
launch
code=0
wait "$!" || code=$?
exit "$code"
