#!/bin/bash
# e2e.sh: the end-to-end tests on a development cluster of their own, which goes afterwards (KEEP=1 keeps it).
set -euo pipefail
cd "$(dirname "$0")/.."
# Always a cluster of its own: these tests kill and delete.
unset KUBECONFIG
export CLUSTER=${CLUSTER:-cmhf-e2e} API_PORT=${API_PORT:-26443} HTTP_PORT=${HTTP_PORT:-18080}
devcluster="$PWD/.build/bin/devcluster --name $CLUSTER --api-port $API_PORT --http-port $HTTP_PORT"

hack/browser.sh
go -C hack/devcluster build -o "$PWD/.build/bin/devcluster" .
hack/timed.sh "life of a development cluster" go -C hack/devcluster test -tags cluster -count=1 ./test
$devcluster down
[[ ${KEEP:-} ]] || trap '$devcluster down' EXIT
make platform identity

export E2E_KUBECTL=$($devcluster assets)/kubectl E2E_KUBECONFIG=$($devcluster kubeconfig) E2E_HTTP_PORT=$HTTP_PORT E2E_DEVCLUSTER=$devcluster
if ! hack/timed.sh -v "end-to-end tests" go test -tags e2e -count=1 -timeout 40m -v ./test/e2e; then
  "$E2E_KUBECTL" --kubeconfig "$E2E_KUBECONFIG" get ics,ccs,pods -A -o wide || true
  "$E2E_KUBECTL" --kubeconfig "$E2E_KUBECONFIG" -n cmhf-system logs deployment/cmhf-operator --tail=40 || true
  exit 1
fi
