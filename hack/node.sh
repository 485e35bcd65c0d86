#!/bin/bash
# Makes sure that Node.js and npm are here, for the checks of FHIR and of the dashboard; installs Debian's when root.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
[[ ${#missing[@]} -gt 0 ]] || exit 0
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}; as root: apt-get update && apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
hack/timed.sh "Debian packages: ${missing[*]}" sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${missing[*]}"
