#!/bin/bash
# Makes sure that Chromium and the packages of the browser test are here; installs Debian's when root.
set -euo pipefail
cd "$(dirname "$0")/../test/browser"
../../hack/node.sh
missing=()
[[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || missing+=(chromium)
if [[ ${#missing[@]} -gt 0 ]]; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}; as root: apt-get update && apt-get install ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  ../../hack/timed.sh "Debian packages: ${missing[*]}" sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${missing[*]} fonts-liberation"
fi
if ! cmp -s package-lock.json node_modules/.built-from; then
  ../../hack/timed.sh "npm packages of the browser test" sh -c "npm ci --silent && cp package-lock.json node_modules/.built-from"
fi
