package store_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// authority is what vouches for servers, as CloudNativePG makes one for each Cluster.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "database"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	certificate, err := x509.ParseCertificate(raw)
	must(t, err)
	return authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})}
}

// vouch makes a server's certificate and key.
func (a authority) vouch(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	must(t, err)
	keyRaw, err := x509.MarshalECPrivateKey(own)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyRaw})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A server that the authority does not vouch for, or that carries another name, is not talked to. An authority that changes in its
// file is followed without a restart.
func TestServerIsChecked(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	certificate, key := first.vouch(t, "localhost")
	server := postgres.StartTLS(t, certificate, key)
	file := filepath.Join(t.TempDir(), "ca.crt")
	must(t, os.WriteFile(file, first.pem, 0o644))
	open := func(host string) *store.Store {
		db, err := store.Open(t.Context(), fmt.Sprintf("postgres://cmhf_owner@%s:%d/postgres?sslmode=verify-full&sslrootcert=%s", host, server.Port, file))
		must(t, err)
		t.Cleanup(db.Close)
		return db
	}
	// connect makes a new connection of the pool.
	connect := func(db *store.Store) error {
		db.Pool().Reset()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var encrypted bool
		err := db.Pool().QueryRow(ctx, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&encrypted)
		if err == nil && !encrypted {
			return fmt.Errorf("the connection is in the clear")
		}
		return err
	}

	db := open("localhost")
	if err := connect(db); err != nil {
		t.Fatalf("the server that is vouched for: %v", err)
	}
	if err := connect(open("127.0.0.1")); err == nil {
		t.Error("a server was talked to under a name that its certificate does not have")
	}
	certificate, key = second.vouch(t, "localhost")
	server.Renew(t, certificate, key)
	deadline := time.Now().Add(10 * time.Second)
	for connect(db) == nil {
		if time.Now().After(deadline) {
			t.Fatal("a server was talked to that the authority does not vouch for")
		}
	}
	must(t, os.WriteFile(file, second.pem, 0o644))
	if err := connect(db); err != nil {
		t.Errorf("the authority changed in its file, and the server that it vouches for is not talked to: %v", err)
	}
}
