#!/bin/bash
# Proves that what is generated, formatted, tidied or linked is in order; says what is not and how to mend it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failed=0
check() { # check TITLE MEND COMMAND...
  local title=$1 mend=$2
  shift 2
  if ! hack/timed.sh "$title" "$@"; then
    echo "  to mend it: $mend" >&2
    failed=1
  fi
}

# What git keeps, by pattern; nothing at all means that git is missing or does not know this folder.
kept() {
  local files
  files=$(git ls-files "$1") || { echo "git ls-files '$1' failed"; return 1; }
  [[ $files ]] || { echo "git ls-files '$1' lists nothing"; return 1; }
  echo "$files"
}
formatted() {
  local files wrong
  files=$(kept '*.go') || { echo "$files"; return 1; }
  wrong=$(xargs -d '\n' gofmt -l <<<"$files") || return 1
  [[ -z $wrong ]] || { echo "not formatted: $wrong"; return 1; }
}
generated() {
  local out
  out=$(mktemp -d)
  trap 'rm -rf "$out"' RETURN
  cp -r api "$out/api"
  make generate && diff -r api "$out/api" &&
    go tool -modfile=hack/tools/go.mod controller-gen crd:generateEmbeddedObjectMeta=false paths=./api/... output:crd:dir="$out/crd" &&
    diff -r config/crd/bases "$out/crd" &&
    go tool -modfile=hack/tools/go.mod controller-gen rbac:roleName=cmhf-operator paths=./controllers/ output:rbac:dir="$out/rbac" &&
    diff config/rbac/role.yaml "$out/rbac/role.yaml"
}
tidy() {
  local module status=0
  for module in . hack/tools hack/devcluster hack/images hack/kube hack/coredns hack/cnpg; do
    go -C "$module" mod tidy -diff || { echo "not tidy: $module"; status=1; }
  done
  return "$status"
}
# Relative links of every Markdown page lead to a file.
links() {
  local pages page link target status=0
  pages=$(kept '*.md') || { echo "$pages"; return 1; }
  while read -r page; do
    while read -r link; do
      target=${link%%#*}
      [[ -z $target || $target == *://* || $target == mailto:* ]] && continue
      [[ -e $(dirname "$page")/$target ]] || { echo "$page: $link leads nowhere"; status=1; }
    done < <(grep -oE '\]\([^) ]+\)' "$page" | sed 's/^](//; s/)$//')
  done <<<"$pages"
  return "$status"
}
export -f kept formatted generated tidy links

check "formatting" "make fmt" bash -c formatted
check "generated code and manifests" "make generate manifests" bash -c generated
check "modules" "go mod tidy in the module named above" bash -c tidy
check "links in the documentation" "correct the link or the file's name" bash -c links
check "the dashboard's assets" "hack/assets/build.sh" hack/assets/build.sh --check
check "go vet" "correct what it says" go vet ./...
check "go vet of the end-to-end tests" "correct what it says" go vet -tags e2e ./test/...
exit $failed
