package postgres

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TLSServer is a server of its own that listens on 127.0.0.1 with TLS and lets in nobody without it.
type TLSServer struct {
	Port int

	server     *server
	attributes *syscall.SysProcAttr
}

// StartTLS runs one with a certificate and its key, both PEM, until the test ends.
func StartTLS(tb testing.TB, certificate, key []byte) *TLSServer {
	tb.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("looking for a port: %v", err)
	}
	t := &TLSServer{Port: free.Addr().(*net.TCPAddr).Port}
	free.Close()
	prepare := func(data string, attributes *syscall.SysProcAttr) error {
		t.attributes = attributes
		if err := t.write(data, certificate, key); err != nil {
			return err
		}
		hba := "local all all trust\nhostssl all all 127.0.0.1/32 trust\n"
		return os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(hba), 0o644)
	}
	t.server, err = start(t.Port, prepare, "ssl=on", "listen_addresses=127.0.0.1")
	if err != nil {
		tb.Fatalf("starting PostgreSQL with TLS: %v", err)
	}
	tb.Cleanup(t.server.stop)
	return t
}

// Renew gives the running server another certificate.
func (t *TLSServer) Renew(tb testing.TB, certificate, key []byte) {
	tb.Helper()
	if err := t.write(filepath.Join(t.server.folder, "data"), certificate, key); err != nil {
		tb.Fatal(err)
	}
	if err := t.server.process.Signal(syscall.SIGHUP); err != nil {
		tb.Fatalf("telling the server of its certificate: %v", err)
	}
}

func (t *TLSServer) write(data string, certificate, key []byte) error {
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if owner := t.attributes.Credential; owner != nil {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return fmt.Errorf("giving %s to the server: %w", name, err)
			}
		}
	}
	return nil
}
