#!/bin/bash
# e2e.sh: the end-to-end tests on a development cluster of their own, which goes afterwards (KEEP=1 keeps it). E2E_CLUSTER,
# E2E_API_PORT and E2E_HTTP_PORT name it: never CLUSTER, because these tests kill and delete.
set -euo pipefail
cd "$(dirname "$0")/.."
unset KUBECONFIG
name=${E2E_CLUSTER:-cmhf-e2e} api_port=${E2E_API_PORT:-26443}
export E2E_HTTP_PORT=${E2E_HTTP_PORT:-18080}
devcluster="$PWD/.build/bin/devcluster --name $name --api-port $api_port --http-port $E2E_HTTP_PORT"

hack/browser.sh
go -C hack/devcluster build -o "$PWD/.build/bin/devcluster" .
hack/timed.sh "life of a development cluster" go -C hack/devcluster test -tags cluster -count=1 -timeout 30m ./test
$devcluster down
[[ ${KEEP:-} ]] || trap '$devcluster down' EXIT
# Without the flags of the make that runs this script: they carry the variables of its command line.
MAKEFLAGS='' make --no-print-directory KUBECONFIG= CLUSTER="$name" API_PORT="$api_port" HTTP_PORT="$E2E_HTTP_PORT" platform cloudnativepg identity

E2E_KUBECTL=$($devcluster assets)/kubectl
E2E_KUBECONFIG=$($devcluster kubeconfig)
export E2E_KUBECTL E2E_KUBECONFIG E2E_DEVCLUSTER=$devcluster
if ! hack/timed.sh -v "end-to-end tests" go test -tags e2e -count=1 -timeout 60m -parallel 2 -v ./test/e2e; then
  "$E2E_KUBECTL" --kubeconfig "$E2E_KUBECONFIG" get ics,ccs,pods -A -o wide || true
  "$E2E_KUBECTL" --kubeconfig "$E2E_KUBECONFIG" -n cmhf-system logs deployment/cmhf-operator --tail=40 || true
  exit 1
fi
