package frontdoor

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for host, want := range map[string]Target{
		"idp.identity.cmhf.localhost":      {"idp", "identity"},
		"idp.identity.cmhf.localhost:8080": {"idp", "identity"},
		"IDP.Identity.CMHF.localhost.":     {"idp", "identity"},
		"a-1.b-2.cmhf.localhost":           {"a-1", "b-2"},
	} {
		if got, ok := ParseHost(host, "cmhf.localhost"); !ok || got != want {
			t.Errorf("ParseHost(%q) = %v, %t; want %v", host, got, ok, want)
		}
	}
	for _, host := range []string{
		"", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "cmhf.localhost", "idp.cmhf.localhost",
		"a.b.c.cmhf.localhost", "idp.identity.cmhf.example", "-a.b.cmhf.localhost", ".b.cmhf.localhost",
		"idp.identityXcmhf.localhost", "a_b.c.cmhf.localhost",
	} {
		if got, ok := ParseHost(host, "cmhf.localhost"); ok {
			t.Errorf("ParseHost(%q) = %v, want nothing", host, got)
		}
	}
}

func TestOtherHostsLearnTheRule(t *testing.T) {
	server := httptest.NewServer(Handler(Config{Zone: "cmhf.localhost", ClusterZone: "cluster.local", Port: 8080, DNS: "127.0.0.1:1"}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "<service>.<namespace>.cmhf.localhost") {
		t.Errorf("got %s %q", response.Status, body)
	}
}

func TestForwardPassesHalfClosesOn(t *testing.T) {
	backend := listen(t)
	go func() {
		conn, err := backend.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		request, _ := io.ReadAll(conn) // ends only when the half-close arrives
		_, _ = conn.Write([]byte("heard " + string(request)))
	}()
	door, web := listen(t), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- Serve(ctx, Config{Zone: "cmhf.localhost"}, []net.Listener{web}, door, backend.Addr().String())
	}()

	conn, err := net.Dial("tcp", door.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || string(answer) != "heard hello" {
		t.Errorf("answer %q, error %v", answer, err)
	}
	cancel()
	if err := <-served; err != context.Canceled {
		t.Errorf("Serve ended with %v", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
