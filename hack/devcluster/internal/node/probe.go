package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// probe asks a part whether it can do its work.
type probe func(context.Context) error

// patience is how long a part may take to answer a probe.
const patience = 2 * time.Second

func httpProbe(url string) probe { return get(&http.Client{Transport: &http.Transport{}}, url) }

// unverifiedProbe is for parts on loopback that make their own certificate.
func unverifiedProbe(url string) probe {
	return get(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}, url)
}

func httpsProbe(url, caFile, certFile, keyFile string) probe {
	return func(ctx context.Context) error {
		config, err := tlsConfig(caFile, certFile, keyFile)
		if err != nil {
			return err
		}
		transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
		return get(&http.Client{Transport: transport}, url)(ctx)
	}
}

func tlsConfig(caFile, certFile, keyFile string) (*tls.Config, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's authority: %w", err)
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}, nil
}

func get(client *http.Client, url string) probe {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

func tcpProbe(address string) probe  { return dial("tcp", address) }
func unixProbe(address string) probe { return dial("unix", address) }

func dial(network, address string) probe {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
