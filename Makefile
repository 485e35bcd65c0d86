# The CMHF operator. "make" alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= 0.1.0
# Where built programs, images and overlays go; nothing in it is committed.
OUT := .build
BIN := $(CURDIR)/$(OUT)/bin
IMAGES := $(OUT)/images
# Images that make images builds, and the name before each.
PROGRAMS := manager coordination-api dashboard idp postgres
IMAGE_PREFIX ?= localhost/cmhf

# The development cluster: its name and its ports on loopback.
CLUSTER ?= cmhf-dev
API_PORT ?= 16443
HTTP_PORT ?= 8080
DEVCLUSTER := $(BIN)/devcluster --name $(CLUSTER) --api-port $(API_PORT) --http-port $(HTTP_PORT)
# Where devcluster writes the kubeconfig.
DEV_KUBECONFIG := /var/lib/cmhf-dev/$(CLUSTER)/kubeconfig

# Set KUBECONFIG to use a cluster of your own instead; its nodes must then be able to get the images of $(IMAGES)/images.json. Every
# program finds its cluster by KUBECONFIG in the environment, which may be a list of files.
OWN_CLUSTER := $(filter-out $(DEV_KUBECONFIG),$(KUBECONFIG))
override KUBECONFIG := $(or $(OWN_CLUSTER),$(DEV_KUBECONFIG))
export KUBECONFIG
# The development cluster's kubectl is of its version; for a cluster of your own it is built only when there is no other.
KUBECTL := $(or $(if $(OWN_CLUSTER),$(shell command -v kubectl)),$(BIN)/kubectl)
TIMED := hack/timed.sh

# The same flags for images, programs and tests, so that one build cache serves all.
export CGO_ENABLED := 0
export GOFLAGS := $(filter-out -trimpath,$(shell go env GOFLAGS 2>/dev/null)) -trimpath

CONTROLLER_GEN := go tool -modfile=hack/tools/go.mod controller-gen

##@ Everyday

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## A real cluster, the operator, three ICSs with services, data and dashboards (root)
ifneq ($(OWN_CLUSTER),)
	@echo "the demonstration needs the development cluster, and KUBECONFIG=$(OWN_CLUSTER) is another; nothing was installed." \
	  "Unset KUBECONFIG; docs/install.md tells how to install on a cluster of your own" >&2; exit 1
endif
	@$(MAKE) platform
	@$(MAKE) identity
	@go run ./hack/demo --kubeconfig $(KUBECONFIG) --kubectl $(OUT)/bin/kubectl --http-port $(HTTP_PORT)

.PHONY: demo-down
demo-down: $(BIN)/devcluster ## Stop the cluster of make demo and remove all it left, data included
	@$(DEVCLUSTER) down

.PHONY: test
test: $(if $(KUBEBUILDER_ASSETS),,$(BIN)/devcluster) ## Unit tests, controllers on a real API server, the API on a real PostgreSQL
	@hack/go.sh
	@hack/postgres.sh
	@hack/node.sh
	@$(TIMED) "hack/undeploy.sh" hack/undeploy_test.sh
ifeq ($(KUBEBUILDER_ASSETS),)
	@$(TIMED) "etcd and kube-apiserver for the tests" $(DEVCLUSTER) assets
	@assets=$$($(DEVCLUSTER) assets) && KUBEBUILDER_ASSETS=$$assets $(TIMED) -v "go test" go test -timeout 40m ./...
else
	@$(TIMED) -v "go test" go test -timeout 40m ./...
endif
	@for module in devcluster images; do $(TIMED) -v "go test in hack/$$module" go -C hack/$$module test ./...; done

.PHONY: e2e
e2e: ## End-to-end tests on a development cluster of their own (root)
	@hack/e2e.sh

.PHONY: bench
bench: $(if $(KUBEBUILDER_ASSETS),,$(BIN)/devcluster) ## Measure the operator on 36 ICSs against a bare loop; prints a table (10 minutes)
	@assets=$(if $(KUBEBUILDER_ASSETS),$(KUBEBUILDER_ASSETS),$$($(DEVCLUSTER) assets)) && \
	  KUBEBUILDER_ASSETS=$$assets $(TIMED) -v "benchmark" go run ./test/scale $(BENCH)

.PHONY: bench-api
bench-api: ## Measure the coordination API against the same transactions in a bare loop; prints ratios and the slowest hundredth
	@hack/postgres.sh
	@$(TIMED) -v "benchmark of the API" go test ./test/scale/api -run '^$$' -bench Against -benchtime 1x -timeout 30m

##@ Code

.PHONY: generate
generate: ## Generate deep copies
	@$(CONTROLLER_GEN) object paths=./api/...

.PHONY: manifests
manifests: ## Generate CRDs and RBAC
	@$(CONTROLLER_GEN) crd:generateEmbeddedObjectMeta=false paths=./api/... output:crd:dir=config/crd/bases
	@$(CONTROLLER_GEN) rbac:roleName=cmhf-operator paths=./controllers/ output:rbac:dir=config/rbac

.PHONY: fmt
fmt: ## Format the Go code
	@gofmt -w $$(git ls-files '*.go')

.PHONY: lint
lint: ## go vet and staticcheck
	@go vet ./...
	@go tool -modfile=hack/tools/go.mod staticcheck ./...

.PHONY: verify
verify: ## Prove that generated files, formatting, modules, assets and links are in order
	@hack/verify.sh

.PHONY: build
build: ## Build every program into .build/bin
	@$(TIMED) "programs" go build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN)/ ./cmd/...

.PHONY: images
images: $(BIN)/images ## Build the container images into .build/images, without a registry or a daemon
	@$(BIN)/images build --repo . --out $(IMAGES) --version $(VERSION) --prefix $(IMAGE_PREFIX) $(PROGRAMS)

##@ A cluster

.PHONY: cluster
cluster: $(BIN)/devcluster ## Start the development cluster (root); nothing when KUBECONFIG is set
ifeq ($(OWN_CLUSTER),)
	@$(DEVCLUSTER) up
else
	@echo "using the cluster of KUBECONFIG=$(OWN_CLUSTER)"
endif

.PHONY: load
load: $(BIN)/devcluster ## Load the images into the development cluster
ifeq ($(OWN_CLUSTER),)
	@$(DEVCLUSTER) load $(addsuffix .tar,$(addprefix $(IMAGES)/,$(PROGRAMS)))
endif

.PHONY: install
install: reach ## Install the CRDs
	@$(KUBECTL) apply --server-side -k config/crd

.PHONY: deploy
deploy: reach ## Install the operator with the images of .build/images/images.json
	@go run ./hack/overlay --images $(IMAGES)/images.json --out $(OUT)/deploy
	@$(TIMED) "operator installed" $(KUBECTL) apply --server-side --force-conflicts -k $(OUT)/deploy/operator
	@$(TIMED) "operator running" $(KUBECTL) -n cmhf-system rollout status deployment/cmhf-operator --timeout=180s

.PHONY: identity
identity: reach ## Install the development identity provider
	@$(KUBECTL) kustomize $(OUT)/deploy/identity | sed 's/cmhf\.localhost:8080/cmhf.localhost:$(HTTP_PORT)/g' | $(KUBECTL) apply --server-side --force-conflicts -f - >/dev/null
	@$(TIMED) "identity provider running" $(KUBECTL) -n identity rollout status deployment/idp --timeout=180s

# The release manifest lies in the module that hack/cnpg names.
CNPG := github.com/cloudnative-pg/cloudnative-pg
.PHONY: cloudnativepg
cloudnativepg: reach $(BIN)/images $(BIN)/devcluster ## Install CloudNativePG, for databases with standbys
	@$(BIN)/images build --repo . --out $(IMAGES) --version $(VERSION) --prefix $(IMAGE_PREFIX) cloudnative-pg
ifeq ($(OWN_CLUSTER),)
	@$(DEVCLUSTER) load $(IMAGES)/cloudnative-pg.tar
endif
	@version=$$(go -C hack/cnpg list -m -f '{{.Version}}' $(CNPG)) && module=$$(go -C hack/cnpg list -m -f '{{.Dir}}' $(CNPG)) && \
	  go run ./hack/overlay --images $(IMAGES)/images.json --out $(OUT)/deploy --cloudnativepg "$$module/releases/cnpg-$${version#v}.yaml"
	@$(TIMED) "CloudNativePG installed" $(KUBECTL) apply --server-side --force-conflicts -k $(OUT)/deploy/cloudnativepg
	@$(TIMED) "CloudNativePG running" $(KUBECTL) -n cnpg-system rollout status deployment/cnpg-controller-manager --timeout=180s

.PHONY: platform
platform: ## cluster, images, load and deploy in one
	@$(MAKE) cluster
	@$(MAKE) images
	@$(MAKE) load
	@$(MAKE) deploy

.PHONY: run
run: reach ## Run the operator on this machine instead of in the cluster
	@hack/run.sh $(IMAGES)/images.json "$(VERSION)" "$(KUBECTL)"

.PHONY: undeploy
undeploy: reach ## Remove the operator; refused while any ICS exists
	@hack/undeploy.sh $(KUBECTL)

# Without a kubeconfig, kubectl would look for a cluster on port 8080 of this machine.
.PHONY: reach
reach: $(KUBECTL)
	@IFS=: read -ra paths <<<"$(KUBECONFIG)"; for path in "$${paths[@]}"; do [[ ! -r $$path ]] || exit 0; done; \
	echo "there is no $(KUBECONFIG): make cluster starts the development cluster, or set KUBECONFIG for your own" >&2; exit 1

$(BIN)/kubectl: hack/kube/go.mod | $(BIN)/devcluster
	@assets=$$($(DEVCLUSTER) assets) && ln -sf "$$assets/kubectl" $@

# Go's own cache knows whether there is anything to build.
.PHONY: $(BIN)/devcluster $(BIN)/images
$(BIN)/devcluster $(BIN)/images: $(BIN)/%: hack/go.sh
	@hack/go.sh && go -C hack/$* build -o $@ .
