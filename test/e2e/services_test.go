//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// serviceChanged renames a service and sees when the API, whose pods stay, answers with the new name. Two seconds are
// promised, which a machine that does much else at the same time may miss.
func (s *suite) serviceChanged(t *testing.T) {
	pods := s.run(t, "-n", "ics-qsl", "get", "pods", "-l", "app.kubernetes.io/component=coordination-api", "-o", "jsonpath={.items[*].metadata.uid}")
	reader := s.cluster.SignIn(t.Context(), "qsl", "clinical-qsl", "demo")
	for _, name := range []string{"Mendip neighbourhood team", "Mendip core community service"} {
		began := time.Now()
		s.run(t, "-n", "ics-qsl", "patch", "ccs", "mendip-core", "--type=merge", "-p", fmt.Sprintf(`{"spec":{"displayName":%q}}`, name))
		eventually(t, "the API to know the new name", func() error {
			var services struct {
				Items []struct{ Name, DisplayName string }
			}
			if err := reader.Do(t.Context(), http.MethodGet, "/v1/services", "", nil, &services); err != nil {
				return err
			}
			for _, service := range services.Items {
				if service.Name == "mendip-core" && service.DisplayName != name {
					return fmt.Errorf("it is called %q", service.DisplayName)
				}
			}
			return nil
		})
		t.Logf("the API answered with the new name %.1f s after the change was sent", time.Since(began).Seconds())
	}
	if now := s.run(t, "-n", "ics-qsl", "get", "pods", "-l", "app.kubernetes.io/component=coordination-api", "-o", "jsonpath={.items[*].metadata.uid}"); now != pods {
		t.Errorf("the pods of the API were %s and are %s", pods, now)
	}
}
