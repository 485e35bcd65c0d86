// Package credentials makes the Secrets of a tenant, with random values and immutable, and says by which names the programs get
// them. They are never rendered, never listed or watched, and never overwritten.
//
// A rotation is a new set of Secrets under new names: those of the first generation are called as their purpose (database-app),
// those of a later one end in its number (database-app-2). Which generation is current is a Record on the tenant's namespace. The
// one Secret that changes is database-logins: what the Standalone database lets in when it starts, as verifiers and not as
// passwords. The package does not decide when to rotate, and knows no SQL (see package logins of the coordination API).
package credentials

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Purposes of a tenant's Secrets, which are their names in the first generation.
const (
	DatabaseOwner    = "database-owner"
	DatabaseApp      = "database-app"
	APIInternal      = "api-internal"
	DashboardSession = "dashboard-session"
)

// Logins is the name of the Secret from which a Standalone database takes its logins.
const Logins = "database-logins"

// Name gives the name of a Secret of a generation.
func Name(purpose string, generation int64) string {
	if generation <= 1 {
		return purpose
	}
	return purpose + "-" + strconv.FormatInt(generation, 10)
}

// Roles of the logins of a generation in the database.
func ownerLogin(generation int64) string { return login("cmhf_owner", generation) }
func appLogin(generation int64) string   { return login("cmhf_app", generation) }

func login(group string, generation int64) string {
	if generation <= 1 {
		return group
	}
	return group + "_" + strconv.FormatInt(generation, 10)
}

// kind of Secret.
type kind struct {
	purpose, component string
	// data makes the content for a generation.
	data func(generation int64) map[string][]byte
}

// database says whether it is a login of the database.
func (k kind) database() bool { return k.component == v1alpha1.ComponentDatabase }

var kinds = []kind{
	{DatabaseOwner, v1alpha1.ComponentDatabase, func(generation int64) map[string][]byte { return loginData(ownerLogin(generation)) }},
	{DatabaseApp, v1alpha1.ComponentDatabase, func(generation int64) map[string][]byte { return loginData(appLogin(generation)) }},
	{APIInternal, v1alpha1.ComponentCoordinationAPI, func(int64) map[string][]byte {
		return map[string][]byte{"token": random(base64.RawURLEncoding)}
	}},
	{DashboardSession, v1alpha1.ComponentDashboard, func(int64) map[string][]byte {
		return map[string][]byte{"key": random(base64.StdEncoding)}
	}},
}

func loginData(role string) map[string][]byte {
	password := random(base64.RawURLEncoding) // letters that need no quoting anywhere
	return map[string][]byte{"username": []byte(role), "password": password, "verifier": []byte(Verifier(string(password)))}
}

// random gives 256 bits as text.
func random(encoding *base64.Encoding) []byte {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails; see crypto/rand
	return []byte(encoding.EncodeToString(raw))
}
