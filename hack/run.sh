#!/bin/bash
# run.sh IMAGES.JSON VERSION KUBECTL: the operator on this machine, with the images that the cluster has, on the cluster of KUBECONFIG.
# It reaches tenants' APIs through the API server. The operator in the cluster rests meanwhile: it is scaled to 0 and put back at the end.
set -euo pipefail
images=$1 version=$2 kubectl=$3
image() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$images"; }
[[ -s $images ]] || { echo "$images is missing: make images load writes it" >&2; exit 1; }
namespace=cmhf-system
found=$("$kubectl" get namespace "$namespace" --ignore-not-found -o name)
[[ $found ]] || { echo "the cluster has no namespace $namespace: make deploy makes it, with the CRDs and rights that tenants need" >&2; exit 1; }
program=.build/bin/manager
hack/timed.sh "operator built" go build -trimpath -ldflags "-X main.version=$version" -o "$program" ./cmd/manager

rest() { "$kubectl" -n "$namespace" scale deployment/cmhf-operator --replicas="$1" >/dev/null; }
restore() {
  trap '' INT TERM HUP
  if rest "$replicas"; then
    echo "the operator in the cluster is back, replicas: $replicas" >&2
  else
    echo "the operator in the cluster is still scaled to 0; put it back: kubectl -n $namespace scale deployment/cmhf-operator --replicas=$replicas" >&2
  fi
}
# One signal, whether it comes from the terminal, from make or from a supervisor: a second would end the operator before it gives up its lease.
stop() { if [[ ${!:-} ]]; then kill "$!" 2>/dev/null || true; else exit 1; fi; }
trap stop INT TERM HUP

replicas=$("$kubectl" -n "$namespace" get deployment cmhf-operator --ignore-not-found -o 'jsonpath={.spec.replicas}')
if [[ ${replicas:-0} != 0 ]]; then
  echo "the operator in the cluster is scaled from $replicas to 0 while this one runs" >&2
  trap restore EXIT
  rest 0
fi
# Leader election stays on: should anything start the other operator again, one of the two waits.
setsid "$program" --namespace "$namespace" --release "$version" --tenants-through-api-server \
  --metrics-bind-address 0 --health-probe-bind-address 0 --coordination-api-image "$(image coordination-api)" \
  --dashboard-image "$(image dashboard)" --postgres-image "$(image postgres)" &
status=0
# A signal ends wait but not the operator.
while kill -0 "$!" 2>/dev/null; do
  status=0
  wait "$!" || status=$?
done
exit "$status"
