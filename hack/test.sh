#!/bin/bash
# test.sh: the Go tests of the module. Those that kill the operator at every one of its writes mostly wait, so they run beside the
# others, on an API server of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
crashes=$(mktemp)
trap 'kill $(jobs -p) 2>/dev/null || :; rm -f "$crashes"' EXIT

go test -timeout 40m -run '^TestCrash' ./controllers >"$crashes" 2>&1 &
killed=$!
status=0
hack/timed.sh -v "go test" go test -timeout 40m -skip '^TestCrash' ./... || status=$?
wait "$killed" || { status=1; sed -i '1i ✗ go test, the operator killed at every write:' "$crashes"; }
cat "$crashes"
exit "$status"
