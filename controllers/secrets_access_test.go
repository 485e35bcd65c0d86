package controllers_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/controllers"
)

// Nothing gives the operator the right to list or watch Secrets, and only what it binds within a tenant's namespace any other.
func TestNoRightToListSecrets(t *testing.T) {
	files, err := filepath.Glob("../config/rbac/*.yaml")
	must(t, err)
	seen := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		for text := range strings.SplitSeq(string(raw), "\n---\n") {
			role := &rbacv1.ClusterRole{}
			must(t, yaml.Unmarshal([]byte(text), role))
			for _, rule := range role.Rules {
				if slices.Contains(rule.Resources, "*") || slices.Contains(rule.Verbs, "*") {
					t.Errorf("%s: %s has a rule with a wildcard", file, role.Name)
				}
				if !slices.Contains(rule.Resources, "secrets") {
					continue
				}
				seen++
				if !strings.HasPrefix(role.Name, "cmhf-operator-tenant-") {
					t.Errorf("%s: %s reaches Secrets of every namespace", file, role.Name)
				}
				for _, verb := range []string{"list", "watch", "deletecollection"} {
					if slices.Contains(rule.Verbs, verb) {
						t.Errorf("%s: %s may %s Secrets", file, role.Name, verb)
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no role speaks of Secrets; is the test looking in the right place?")
	}
}

// The cache holds no Secrets, by no way in which an object can be asked for.
func TestCacheHoldsNoSecrets(t *testing.T) {
	options, err := controllers.Cache()
	must(t, err)
	for object := range options.ByObject {
		if kind := object.GetObjectKind().GroupVersionKind().Kind; kind == "Secret" {
			t.Error("the cache selects Secrets")
		}
		if _, typed := object.(*corev1.Secret); typed {
			t.Error("the cache selects Secrets")
		}
	}
}

// secretCalls notes every request for Secrets, watches and the lists that begin them included.
type secretCalls struct {
	mu    sync.Mutex
	calls []string
}

func (s *secretCalls) wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			if strings.Contains(request.URL.Path, "/secrets") {
				s.mu.Lock()
				s.calls = append(s.calls, request.Method+" "+request.URL.RequestURI())
				s.mu.Unlock()
			}
			return next.RoundTrip(request)
		})
	})
	return wrapped
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// In the life of a tenant, a rotation included, Secrets are made, read, patched and deleted one by one, by name.
func TestSecretsAreNeverListed(t *testing.T) {
	noted := &secretCalls{}
	o := startOperator(t, noted.wrap(restConfig))
	ics := system("RE7")
	create(t, ics)
	waitReady(t, ics)
	requestRotation(t, ics, "x")
	waitRotated(t, ics, 2)
	o.stop()
	noted.mu.Lock()
	defer noted.mu.Unlock()
	if len(noted.calls) < 15 {
		t.Errorf("only %d requests for Secrets; does the test see them?", len(noted.calls))
	}
	for _, call := range noted.calls {
		method, path, _ := strings.Cut(call, " ")
		path, query, _ := strings.Cut(path, "?")
		collection := strings.HasSuffix(path, "/secrets")
		if !strings.HasPrefix(path, "/api/v1/namespaces/ics-") || collection != (method == http.MethodPost) || strings.Contains(query, "watch") {
			t.Errorf("asked for Secrets by %s", call)
		}
	}
}
