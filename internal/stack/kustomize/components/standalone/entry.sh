#!/bin/sh
# Starts PostgreSQL on the mounted volume: makes the data directory the first time, puts back the mode PostgreSQL asks for
# (mounting with fsGroup adds group write), brings roles and passwords to what the Secrets say, then hands over.
set -eu

say() { echo "entry: $*" >&2; }

volume=$(dirname "$PGDATA")
sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --host=/var/run/postgresql --username=postgres "$@"; }

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # initdb into a folder beside it and rename, so that a start that was cut off leaves no half-made data directory.
  say "no data directory yet: making one"
  if [ -d "$PGDATA" ] && [ -n "$(ls -A "$PGDATA")" ]; then
    say "$PGDATA is not empty but has no PG_VERSION: not touching it; look at the volume before going on"
    exit 1
  fi
  rm -rf "$volume/initdb.tmp"
  initdb --pgdata="$volume/initdb.tmp" --username=postgres --auth=peer --encoding=UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
  [ -d "$PGDATA" ] && rmdir "$PGDATA"
  mv "$volume/initdb.tmp" "$PGDATA"
  sync
fi
chmod 0700 "$PGDATA"

say "bringing roles to the current credentials"
pg_ctl --pgdata="$PGDATA" --silent --wait --timeout=600 \
  --options="-c config_file=/etc/cmhf/entry/postgresql.conf -c listen_addresses=''" start
owner=$(cat /etc/cmhf/owner/password)
app=$(cat /etc/cmhf/app/password)
sql --dbname=postgres <<SQL
\set owner_password '$owner'
\set app_password '$app'
SELECT 'CREATE ROLE cmhf_owner LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cmhf_owner') \gexec
SELECT 'CREATE ROLE cmhf_app LOGIN NOINHERIT' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cmhf_app') \gexec
ALTER ROLE cmhf_owner PASSWORD :'owner_password';
ALTER ROLE cmhf_app PASSWORD :'app_password';
SELECT 'CREATE DATABASE cmhf OWNER cmhf_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'cmhf') \gexec
REVOKE ALL ON DATABASE cmhf FROM PUBLIC;
GRANT CONNECT ON DATABASE cmhf TO cmhf_app;
SQL
sql --dbname=cmhf --command="ALTER SCHEMA public OWNER TO cmhf_owner; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO cmhf_app;"
unset owner app
pg_ctl --pgdata="$PGDATA" --silent --wait --mode=fast --timeout=600 stop

say "starting the server"
# SIGINT is PostgreSQL's fast shutdown; the container runtime sends SIGTERM (smart), which would wait for clients.
trap 'kill -INT "$server" 2>/dev/null' TERM INT
postgres -D "$PGDATA" -c config_file=/etc/cmhf/entry/postgresql.conf &
server=$!
while :; do
  status=0
  wait "$server" || status=$?
  kill -0 "$server" 2>/dev/null || exit "$status"
done
