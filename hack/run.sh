#!/bin/bash
# run.sh IMAGES.JSON KUBECONFIG: the operator on this machine, with the images that the cluster has. It reaches tenants' APIs
# through the API server.
set -euo pipefail
image() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$images"; }
images=$1
[[ -s $images ]] || { echo "$images is missing: make images load writes it" >&2; exit 1; }
export KUBECONFIG=$2
exec go run ./cmd/manager --namespace cmhf-system --leader-elect=false --tenants-through-api-server --metrics-bind-address 0 \
  --coordination-api-image "$(image coordination-api)" --dashboard-image "$(image dashboard)" --postgres-image "$(image postgres)"
