#!/usr/bin/env bash
# Runs the browser walk against the dashboard's demonstration (canned figures, development identity provider): no cluster and no
# database are needed. Takes about 15 seconds once the program is built. Pictures go to test/browser/out.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
port=${DEMO_PORT:-8090}
work=$(mktemp -d)
trap 'kill "${demo:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

step() { printf 'browser demo: %3ds  %s\n' "$SECONDS" "$*"; }

for tool in go node npm curl; do
  command -v "$tool" >/dev/null || { echo "browser demo: $tool is missing. Go: see go.mod for the version; the others: apt-get update && apt-get install nodejs npm curl." >&2; exit 1; }
done
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.built-from"; then
  step "installing packages as pinned in package-lock.json"
  (cd "$here" && npm ci --silent && cp package-lock.json node_modules/.built-from)
fi
step "building the demonstration"
(cd "$root" && go build -o "$work/demo" ./internal/dashboard/dashboardtest/demo)
"$work/demo" -listen "127.0.0.1:$port" >"$work/log" 2>&1 &
demo=$!
if ! curl --silent --fail --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 20 --retry-all-errors "http://127.0.0.1:$port/"; then
  echo "browser demo: the demonstration does not answer; it said:" >&2
  cat "$work/log" >&2
  exit 1
fi
step "walking through it"
cd "$here"
DASHBOARD_PASSWORD=lead node check.mjs --url "http://dashboard.ics-qop.cmhf.localhost:$port" --user lead --services 3 --walk \
  --expect people-referred=1,250 --expect waiting=Hidden --expect open-episodes=845 --expect supported-closures='No data'
