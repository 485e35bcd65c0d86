#!/bin/sh
# Makes one verified backup of the tenant's database (PG* variables, as its owner): a dump with the number of rows and a checksum
# of every table, all of one snapshot, restored into a throwaway server and compared, and only then given its name, the time in UTC.
# What a run that was cut off left behind is cleared by the next. CMHF_BACKUPS, CMHF_PROGRAMS, CMHF_SOCKETS and CMHF_REPORT move
# the folders and the file that the pod's last words go to. Nothing out of a record is ever printed.
set -eu
umask 077

backups=${CMHF_BACKUPS:-/var/lib/cmhf/backups}
export CMHF_PROGRAMS="${CMHF_PROGRAMS:-/etc/cmhf/backup}"
sockets=${CMHF_SOCKETS:-/var/run/postgresql}
report=${CMHF_REPORT:-/dev/termination-log}

say() { echo "backup: $*" >&2; }
fail() {
  say "$*"
  # Only the first words count: what calls for mending came first.
  [ -s "$report" ] || echo "$*" >"$report"
  stop
  [ -z "${CMHF_WORK:-}" ] || rm -rf "$CMHF_WORK"
  exit 1
}
# Ends the throwaway server, if one runs.
stop() {
  { [ -n "${!:-}" ] && kill -0 "$!" 2>/dev/null; } || return 0
  while kill -INT "$!" 2>/dev/null; do sleep 0.1; done
  wait "$!" || :
}
room() { df --output=avail --block-size=1M "$backups" | tail -n 1 | tr -d ' '; }
# VERBOSITY sqlstate: the words of an error may hold values out of records, its code never does.
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --set=VERBOSITY=sqlstate --set=SHOW_CONTEXT=never "$@"; }

: >"$report"
data=Live
case "${CMHF_SYNTHETIC:?}" in
false) ;;
true) data=Synthetic ;;
*) fail "CMHF_SYNTHETIC is \"$CMHF_SYNTHETIC\", neither true nor false: nothing was made" ;;
esac
case "${CMHF_RETENTION_DAYS:?}" in
*[!0-9]* | 0*) fail "CMHF_RETENTION_DAYS is \"$CMHF_RETENTION_DAYS\", not a number of days: nothing was made" ;;
esac

# Whoever comes second waits: its backup is newer than the moment at which it was asked for.
exec 9>"$backups/.lock"
if ! flock --nonblock 9; then
  say "another run is at work on this volume: waiting for it"
  flock 9
fi
rm -rf "$backups"/.partial-* "$backups"/.removed-*

# pg_dump refuses a server of a later major version than its own; so would the server that verifies the backup.
server=$(ask --command="SELECT current_setting('server_version_num')::int / 10000") ||
  fail "the database at ${PGHOST:-} does not answer: no backup was made"
mine=$(pg_dump --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$server" -le "$mine" ] ||
  fail "the database is PostgreSQL $server and this image brings the programs of PostgreSQL $mine, which can't back up a later version: no backup was made"
schema=$(ask --command="SELECT CASE WHEN to_regclass('goose_db_version') IS NOT NULL THEN 1 ELSE 0 END") ||
  fail "the database at ${PGHOST:-} does not answer: no backup was made"
[ "$schema" = 1 ] || fail "the database has no schema yet: there is nothing to back up"

while name=$(date -u +%Y%m%dT%H%M%SZ) && [ -e "$backups/$name" ]; do sleep 0.2; done
CMHF_WORK="$backups/.partial-$name"
export CMHF_WORK
mkdir "$CMHF_WORK" 2>/dev/null || fail "no folder can be made on the volume for backups ($(room) MiB are free on it): no backup was made"

say "dumping the database in one snapshot"
ask --single-transaction --file="$CMHF_PROGRAMS/take.sql" 9>&- || fail "reading the database failed: no backup was made"
if [ -s "$CMHF_WORK/dump.log" ]; then
  # pg_dump quotes the server, and the server may quote a record.
  sed -n 's/\(ERROR\|FATAL\|PANIC\):.*/\1 (the words are left out: they may hold values)/; /^pg_dump: error:/p' "$CMHF_WORK/dump.log" >&2
fi
[ -e "$CMHF_WORK/dumped" ] || fail "pg_dump failed ($(room) MiB are free on the volume for backups): no backup was made; the log has its words"
about() { sed -n "s/^$1=//p" "$CMHF_WORK/about"; }
taken_at=$(about taken_at) system=$(about system) owner=$(about owner)

describe() {
  printf '{\n  "format": 1,\n  "odsCode": "%s",\n  "data": "%s",\n  "takenAt": "%s",\n  "schemaVersion": %s,\n' \
    "${CMHF_ODS_CODE:?}" "$data" "$taken_at" "$(about schema_version)"
  printf '  "server": {"version": "%s", "system": "%s"},\n  "tables": [\n' "$(about server_version)" "$system"
  awk -F'\t' '$1 == "table" { gsub(/["\\]/, "\\\\&", $2)
    printf "%s    {\"name\": \"%s\", \"rows\": %s, \"checksum\": \"%s\"}", sep, $2, $3, $4; sep = ",\n" }' contents.tsv
  printf '\n  ],\n  "files": [\n'
  for file in database.dump contents.tsv; do
    printf '    {"name": "%s", "bytes": %s, "sha256": "%s"}' "$file" "$(stat --format=%s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
    [ "$file" = contents.tsv ] || printf ',\n'
  done
  printf '\n  ]\n}\n'
}
cd "$CMHF_WORK"
{ describe >manifest.json && [ "$(tail -n 1 manifest.json)" = "}" ] && sha256sum database.dump contents.tsv manifest.json >SHA256SUMS; } ||
  fail "the volume for backups is full ($(room) MiB are free): no backup was made"

say "restoring it into a throwaway server to verify it"
scratch="$CMHF_WORK/scratch"
trap stop EXIT
not_verified() { fail "$1 ($(room) MiB are free on the volume for backups): the backup is not verified and was discarded"; }
initdb --pgdata="$scratch" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null 2>&1 ||
  not_verified "the throwaway server could not be made"
# Nobody but this pod reaches it, and nothing in it has to survive. Its log is not kept: it could quote records.
postgres -D "$scratch" -c listen_addresses= -c unix_socket_directories="$sockets" -c dynamic_shared_memory_type=mmap -c shared_buffers=64MB \
  -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off \
  >/dev/null 2>&1 9>&- &
until (unset PGSSLMODE PGSSLROOTCERT; PGHOST=$sockets PGUSER=postgres pg_isready --quiet --dbname=postgres); do
  kill -0 "$!" 2>/dev/null || not_verified "the throwaway server did not start"
  sleep 0.1
done
# The same program as a real restore, with no more rights than it has there.
(
  unset PGSSLMODE PGSSLROOTCERT PGPASSWORD
  export PGHOST="$sockets" PGUSER=postgres
  PGDATABASE=postgres ask --file=roles.sql &&
    PGUSER=$owner CMHF_REPORT="$CMHF_WORK/reason" CMHF_BACKUP_ODS_CODE=$CMHF_ODS_CODE sh "$CMHF_PROGRAMS/restore.sh" "$CMHF_WORK"
) 9>&- || not_verified "restoring the backup failed: $(cat reason 2>/dev/null || :)"
stop
trap - EXIT
rm -rf "$scratch" roles.sql about dump.log dumped reason

sync database.dump contents.tsv manifest.json SHA256SUMS . || fail "writing the backup to its volume failed: it was discarded"
cd "$backups"
mv --no-target-directory "$CMHF_WORK" "$name"
sync .
bytes=$(du --bytes --summarize "$name" | cut -f1)
rows=$(awk -F'\t' '$1 == "table" { n += $3 } END { printf "%d", n }' "$name/contents.tsv")
say "backup $name is verified: $rows rows, $bytes bytes"
# Said before anything else, so that a cleaning-up that fails doesn't hide it.
printf '{"backup":"%s","takenAt":"%s","bytes":%s}\n' "$name" "$taken_at" "$bytes" >"$report"

# Backups of another server are those from before a restore or the loss of the database: they may be the last good copy of what
# this one lacks, so a person removes them.
oldest=$(date -u -d "-$CMHF_RETENTION_DAYS days" +%Y%m%dT%H%M%SZ)
for folder in [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z; do
  [ "$folder" \< "$oldest" ] && [ "$folder" != "$name" ] || continue
  if grep -qs "\"system\": \"$system\"" "$folder/manifest.json"; then
    # Renamed first, so that a removal that is cut off leaves nothing that looks like a backup.
    mv "$folder" ".removed-$folder"
    sync .
    rm -rf ".removed-$folder"
    say "backup $folder is older than $CMHF_RETENTION_DAYS days: removed"
  else
    say "backup $folder is older than $CMHF_RETENTION_DAYS days and of an earlier server: kept until a person removes it"
  fi
done
