#!/usr/bin/env bash
# Builds what the dashboard serves besides its pages: the style sheet (from the NHS design system, by Sass) and the mark.
# The results are committed, so that building the program needs no Node.
#
#   hack/assets/build.sh           builds into internal/dashboard/assets/dist
#   hack/assets/build.sh --check   builds elsewhere and fails when the committed files differ
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
dist=internal/dashboard/assets/dist
fixtures=internal/dashboard/pages/testdata/nhsuk-fixtures.json

check=false
case "${1:-}" in
  "") ;;
  --check) check=true ;;
  *) echo "usage: hack/assets/build.sh [--check]" >&2; exit 2 ;;
esac

for tool in node npm; do
  if ! command -v "$tool" >/dev/null; then
    echo "assets: $tool is missing. Install Node.js 20.9 or later (Debian: apt-get update && apt-get install nodejs npm)." >&2
    exit 1
  fi
done
if ! node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||(a===20&&b>=9)?0:1)'; then
  echo "assets: Node.js $(node --version) is too old; 20.9 or later is needed." >&2
  exit 1
fi

step() { printf 'assets: %3ds  %s\n' "$SECONDS" "$*"; }

cd "$here"
if ! cmp -s package-lock.json node_modules/.built-from; then
  step "installing packages as pinned in package-lock.json"
  npm ci --silent
  cp package-lock.json node_modules/.built-from
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p "$out/$dist" "$out/$(dirname "$fixtures")"

step "building the style sheet"
npm run --silent css >"$out/$dist/dashboard.css"
if grep -Eo 'url\("?(https?:)?//[^)]*' "$out/$dist/dashboard.css"; then
  echo "assets: the style sheet names an address outside this site (above); pages must not load anything from elsewhere." >&2
  exit 1
fi
cp src/mark.svg src/nhsuk-frontend-licence.txt "$out/$dist/"
node fixtures.mjs >"$out/$fixtures"

if $check; then
  for path in "$dist" "$fixtures"; do
    if ! diff -rq "$out/$path" "$root/$path"; then
      echo "assets: $path is not what the sources give. Run hack/assets/build.sh and commit the result." >&2
      exit 1
    fi
  done
  step "the committed files are current"
  exit 0
fi

mkdir -p "$root/$dist" "$root/$(dirname "$fixtures")"
rm -rf "${root:?}/$dist"
cp -r "$out/$dist" "$root/$dist"
cp "$out/$fixtures" "$root/$fixtures"
step "wrote $dist and $fixtures"
