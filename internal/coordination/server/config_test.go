package server_test

import (
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/server"
)

func TestIssuerIsSecure(t *testing.T) {
	t.Setenv("CMHF_ODS_CODE", "QOP")
	t.Setenv("CMHF_ICS_NAME", "Test ICS")
	for issuer, good := range map[string]bool{
		"https://id.example": true, "http://idp.identity.cmhf.localhost:8080": true, "http://localhost:8080": true,
		"http://id.example": false, "http://localhost.example": false, "http://notlocalhost": false, "ftp://localhost": false, "https://": false, "": false,
	} {
		t.Setenv("CMHF_OIDC_ISSUER", issuer)
		if _, err := server.ConfigFromEnvironment("test"); (err == nil) != good || (!good && !strings.Contains(err.Error(), "CMHF_OIDC_ISSUER")) {
			t.Errorf("%q: %v", issuer, err)
		}
	}
}
