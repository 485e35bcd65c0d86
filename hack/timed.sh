#!/bin/bash
# timed.sh [-v] TITLE COMMAND...: runs the command and says how long it took. Its output is shown with -v or when it fails.
set -u
show=
[[ $1 == -v ]] && { show=1; shift; }
title=$1
shift
start=$EPOCHREALTIME
if [[ $show ]]; then
  "$@"
  status=$?
else
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  "$@" >"$log" 2>&1
  status=$?
  [[ $status -eq 0 ]] || cat "$log" >&2
fi
mark=✔
[[ $status -eq 0 ]] || mark=✗
awk -v mark="$mark" -v title="$title" -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN {printf "%s %-44s %6.1f s\n", mark, title, to - from}' >&2
exit "$status"
