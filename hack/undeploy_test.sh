#!/bin/bash
# Shows that undeploy.sh deletes only when it knows that nothing is declared, with a kubectl that answers as each case says.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/kubectl" <<'KUBECTL'
#!/bin/bash
case $1/${2:-} in
get/customresourcedefinitions) [[ $CRDS == fail ]] && { echo "connection refused" >&2; exit 1; }
  [[ $CRDS == absent ]] || echo "customresourcedefinition.apiextensions.k8s.io/$3" ;;
get/integratedcaresystems.cmhf.health) [[ $SYSTEMS == fail ]] && { echo "forbidden" >&2; exit 1; }
  [[ -z $SYSTEMS ]] || echo "$SYSTEMS" ;;
get/corecommunityservices.cmhf.health) [[ $SERVICES == fail ]] && { echo "the server was unable to return a response" >&2; exit 1; }
  [[ -z $SERVICES ]] || echo "$SERVICES" ;;
get/namespaces) [[ $NAMESPACES == fail ]] && { echo "forbidden" >&2; exit 1; }
  [[ -z $NAMESPACES ]] || echo "$NAMESPACES" ;;
annotate/customresourcedefinitions) [[ "$*" == "annotate customresourcedefinitions $3 cmhf.health/confirm-deletion=$3 --overwrite"* ]] || exit 1
  [[ $* == *--dry-run=server ]] && { [[ $CONFIRM != refused ]]; exit; }
  echo "confirmed $3" >>"$DELETED" ;;
delete/*) echo "$*" >>"$DELETED" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
KUBECTL
chmod +x "$work/kubectl"
export DELETED=$work/deleted
failed=0
try() { # try TITLE deletes|refuses WORDS CRDS SYSTEMS SERVICES [NAMESPACES [CONFIRM]]
  local outcome=refuses said
  rm -f "$DELETED"
  if said=$(CRDS=$4 SYSTEMS=$5 SERVICES=$6 NAMESPACES=${7:-} CONFIRM=${8:-} ./undeploy.sh "$work/kubectl" 2>&1); then outcome=deletes; fi
  if [[ -e $DELETED && $outcome == refuses ]]; then outcome="refuses after deleting"; fi
  if [[ ! -e $DELETED && $outcome == deletes ]]; then outcome="deletes nothing"; fi
  if [[ $outcome != "$2" || $said != *"$3"* ]]; then
    echo "$1: it $outcome, not $2 with \"$3\"; it said: $said" >&2
    failed=1
  fi
}
try "an API server that does not answer" refuses "asking for the CRD" fail "" ""
try "systems that cannot be listed" refuses "listing integratedcaresystems.cmhf.health failed" present fail ""
try "services that cannot be listed" refuses "listing corecommunityservices.cmhf.health failed" present "" fail
try "a system declared" refuses "integratedcaresystem.cmhf.health/qop" present integratedcaresystem.cmhf.health/qop ""
try "a service declared" refuses "corecommunityservice.cmhf.health/bolton" present "" corecommunityservice.cmhf.health/bolton
try "nothing declared" deletes "" present "" ""
deleted() { # deleted TITLE LINES: what the last try confirmed and deleted, in this order
  if ! diff <(echo "$2") "$DELETED" >&2; then
    echo "$1: not what was to be deleted (<), or not in this order" >&2
    failed=1
  fi
}
gone='confirmed corecommunityservices.cmhf.health
confirmed integratedcaresystems.cmhf.health
delete --ignore-not-found -k config/crd
delete --ignore-not-found -k config/manager
delete --ignore-not-found -k config/rbac'
deleted "nothing declared" "$gone
delete --ignore-not-found -k config/policy"
try "namespaces that hold data" deletes "namespace/ics-qop" present "" "" namespace/ics-qop
deleted "namespaces that hold data" "$gone"
try "namespaces that cannot be listed" refuses "listing the namespaces that hold data failed" present "" "" fail
try "CRDs that may not be confirmed" refuses "confirming the deletion of the CRD corecommunityservices.cmhf.health is refused" present "" "" "" refused
try "no CRD, and nothing to ask for" deletes "" absent fail fail
exit $failed
