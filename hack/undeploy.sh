#!/bin/bash
# undeploy.sh KUBECTL...: removes the operator. Deleting the CRDs would delete every resource of ours, so it refuses while any exists
# and stops when it cannot tell. Namespaces and data of tenants stay in any case.
set -euo pipefail
cd "$(dirname "$0")/.."
stop() {
  echo "not removed, nothing was changed: $1" >&2
  exit 1
}
left=
for file in config/crd/bases/*.yaml; do
  # cmhf.health_integratedcaresystems.yaml holds integratedcaresystems.cmhf.health
  file=$(basename "$file" .yaml)
  crd=${file#*_}.${file%%_*}
  found=$("$@" get customresourcedefinitions "$crd" --ignore-not-found -o name) || stop "asking for the CRD $crd failed"
  [[ $found ]] || continue
  objects=$("$@" get "$crd" -A -o name) || stop "listing $crd failed, so any might still be declared"
  left+=${objects:+$objects$'\n'}
done
[[ -z $left ]] || stop "these are still declared, delete them first (their data stay):
${left%$'\n'}"
"$@" delete --ignore-not-found -k config/default
