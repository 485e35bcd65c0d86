#!/bin/sh
# Restores one backup (its folder, the argument) into the empty database of the PG* variables, as its owner, in one transaction:
# what comes in is counted and compared with the backup before it is committed, so the database has all of it or nothing. It
# refuses a backup of another integrated care system than CMHF_BACKUP_ODS_CODE or of another kind of data, and a database that
# holds anything. backup.sh verifies with it. Nothing out of a record is ever printed.
set -eu
umask 077

export CMHF_BACKUP="${1:?the folder of the backup}"
export CMHF_PROGRAMS="${CMHF_PROGRAMS:-/etc/cmhf/backup}"
report=${CMHF_REPORT:-/dev/termination-log}
CMHF_OUTCOME=$(mktemp -d)
export CMHF_OUTCOME
trap 'rm -rf "$CMHF_OUTCOME"' EXIT

say() { echo "restore: $*" >&2; }
fail() {
  say "$*"
  [ -s "$report" ] || echo "$*" >"$report"
  exit 1
}
# VERBOSITY sqlstate: the words of an error may hold values out of records, its code never does.
sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --set=VERBOSITY=sqlstate --set=SHOW_CONTEXT=never "$@"; }
field() { sed -n "s/^  \"$1\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\$/\\1/p" "$CMHF_BACKUP/manifest.json"; }

export CMHF_ODS_CODE="${CMHF_ODS_CODE:?the ODS code of the system that the database is for}"
data=Live
[ "${CMHF_SYNTHETIC:?}" = false ] || data=Synthetic
waited=0
until [ -e "$CMHF_BACKUP/SHA256SUMS" ]; do
  [ "$waited" -gt 0 ] || say "waiting for the backup ${CMHF_BACKUP##*/}: it is not on the volume; those that are: $(ls "$(dirname "$CMHF_BACKUP")" | tr '\n' ' ')"
  [ "$waited" -lt "${CMHF_WAIT_SECONDS:-0}" ] || fail "the backup ${CMHF_BACKUP##*/} is not on the volume: nothing was restored"
  sleep 2
  waited=$((waited + 2))
done
(cd "$CMHF_BACKUP" && sha256sum --check --strict --quiet SHA256SUMS >/dev/null 2>&1) ||
  fail "the backup ${CMHF_BACKUP##*/} is damaged: a file in it is not what SHA256SUMS says; nothing was restored"
[ "$(field format)" = 1 ] || fail "the backup ${CMHF_BACKUP##*/} has a format that this release does not know: nothing was restored"
[ "$(field odsCode)" = "${CMHF_BACKUP_ODS_CODE:?}" ] ||
  fail "the backup ${CMHF_BACKUP##*/} is of $(field odsCode), not of $CMHF_BACKUP_ODS_CODE: nothing was restored; to restore another system's backup on purpose, name its ODS code"
[ "$(field data)" = "$data" ] || fail "the backup ${CMHF_BACKUP##*/} holds data of the kind $(field data), not $data; invented and real people never mix: nothing was restored"

CMHF_ORIGIN="restored from the backup ${CMHF_BACKUP##*/} of $(field odsCode)"
export CMHF_ORIGIN
found=$(sql --file="$CMHF_PROGRAMS/occupied.sql") || fail "the database at ${PGHOST:-} does not answer: nothing was restored"
case "$found" in
empty) ;;
"$CMHF_ORIGIN")
  say "the database is $CMHF_ORIGIN already"
  exit 0
  ;;
*) fail "the database is not empty: nothing was restored, because two sets of records never mix" ;;
esac

say "restoring the backup of $(field takenAt)"
{
  cat "$CMHF_PROGRAMS/restore-begin.sql"
  status=0
  pg_restore --no-owner --file=- "$CMHF_BACKUP/database.dump" 2>/dev/null || status=$?
  # Without a COMMIT nothing stays. 141 is SIGPIPE: the database refused a statement and listens no more, which is no fault of the backup.
  case $status in
  0) cat "$CMHF_PROGRAMS/restore-end.sql" ;;
  141) ;;
  *) touch "$CMHF_OUTCOME/unreadable" ;;
  esac
} | sql --file=- >/dev/null || :
[ ! -e "$CMHF_OUTCOME/unreadable" ] || fail "pg_restore can't read the backup ${CMHF_BACKUP##*/}: nothing was restored"
[ ! -s "$CMHF_OUTCOME/differences" ] || fail "what came in differs from what was backed up in $(tr '\n' ' ' <"$CMHF_OUTCOME/differences"): nothing was restored"
[ -s "$CMHF_OUTCOME/committed" ] || fail "the database refused the backup ${CMHF_BACKUP##*/} (the SQLSTATE above says why; 53100 is a full disk): nothing was restored"
say "the database holds what was backed up: every count and checksum is the same"
