#!/bin/bash
# undeploy.sh KUBECTL...: removes the operator. Deleting the CRDs would delete every resource of ours, so it refuses while any exists
# and stops when it cannot tell. Namespaces and data of tenants stay in any case, and with them the policies that guard them.
set -euo pipefail
cd "$(dirname "$0")/.."
changed="nothing was changed"
stop() {
  echo "not removed, $changed: $1" >&2
  exit 1
}
left= crds=()
for file in config/crd/bases/*.yaml; do
  # cmhf.health_integratedcaresystems.yaml holds integratedcaresystems.cmhf.health
  file=$(basename "$file" .yaml)
  crd=${file#*_}.${file%%_*}
  found=$("$@" get customresourcedefinitions "$crd" --ignore-not-found -o name) || stop "asking for the CRD $crd failed"
  [[ $found ]] || continue
  crds+=("$crd")
  objects=$("$@" get "$crd" -A -o name) || stop "listing $crd failed, so any might still be declared"
  left+=${objects:+$objects$'\n'}
done
[[ -z $left ]] || stop "these are still declared, delete them first (their data stay):
${left%$'\n'}"
kept=$("$@" get namespaces -l cmhf.health/ics -o name) || stop "listing the namespaces that hold data failed"
# The policies keep the CRDs until they are confirmed. Whether they may be is asked first, so that not one of them is when another may not.
for crd in "${crds[@]}"; do
  "$@" annotate customresourcedefinitions "$crd" "cmhf.health/confirm-deletion=$crd" --overwrite --dry-run=server >/dev/null ||
    stop "confirming the deletion of the CRD $crd is refused"
done
changed="the deletion of the CRDs is confirmed and goes on when this is run again"
for crd in "${crds[@]}"; do
  "$@" annotate customresourcedefinitions "$crd" "cmhf.health/confirm-deletion=$crd" --overwrite >/dev/null || stop "confirming the deletion of the CRD $crd failed"
done
"$@" delete --ignore-not-found -k config/crd || stop "deleting the CRDs failed"
"$@" delete --ignore-not-found -k config/manager
"$@" delete --ignore-not-found -k config/rbac
if [[ $kept ]]; then
  echo "these namespaces hold the data of tenants; the policies that guard them stay (kubectl delete -k config/policy removes them):
$kept"
else
  "$@" delete --ignore-not-found -k config/policy
fi
