#!/bin/bash
# undeploy.sh KUBECTL...: removes the operator. Deleting the CRDs would delete every resource of ours, so it refuses while any
# IntegratedCareSystem exists. Namespaces and data of tenants stay in any case.
set -euo pipefail
left=$("$@" get integratedcaresystems,corecommunityservices -A -o name 2>/dev/null || true)
if [[ -n $left ]]; then
  echo "not removed: these are still declared, delete them first (their data stay):" >&2
  echo "$left" >&2
  exit 1
fi
"$@" delete --ignore-not-found -k config/default
