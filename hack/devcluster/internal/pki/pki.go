// Package pki makes the keys and certificates of one cluster.
//
// In: a folder. Out: two certificate authorities (one for the cluster, one for
// the API aggregation layer), a service account key and the certificates signed
// by them, as PEM files. Files that exist are kept, so clients stay valid when a
// cluster is started again. It is made for development: keys lie unencrypted in
// a folder only root can read, and live for years.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime is longer than any development cluster should live.
const lifetime = 5 * 365 * 24 * time.Hour

// Leaf asks for one certificate. A leaf with Hosts can serve; every leaf can
// authenticate a client as user CommonName in Groups.
type Leaf struct {
	File       string // name of the files, without .crt and .key
	CommonName string
	Groups     []string
	Hosts      []string // DNS names and addresses
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Write makes what is missing in folder: the cluster's authority (ca), leaves
// signed by it, the front proxy's authority and certificate, and the service
// account key.
func Write(folder string, leaves []Leaf) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder for certificates: %w", err)
	}
	cluster, err := openAuthority(folder, "ca", "cluster")
	if err != nil {
		return err
	}
	for _, leaf := range leaves {
		if err := cluster.issue(folder, leaf); err != nil {
			return err
		}
	}
	front, err := openAuthority(folder, "front-proxy-ca", "front proxy")
	if err != nil {
		return err
	}
	if err := front.issue(folder, Leaf{File: "front-proxy", CommonName: "front-proxy"}); err != nil {
		return err
	}
	return serviceAccountKey(folder)
}

func openAuthority(folder, file, name string) (*authority, error) {
	if exists(folder, file+".crt", file+".key") {
		return readAuthority(folder, file)
	}
	key, err := newKey(folder, file)
	if err != nil {
		return nil, err
	}
	template, err := template(pkix.Name{CommonName: name + " authority"})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	cert, err := sign(folder, file, template, template, key, key)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

func readAuthority(folder, file string) (*authority, error) {
	certPEM, err := os.ReadFile(filepath.Join(folder, file+".crt"))
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	keyPEM, err := os.ReadFile(filepath.Join(folder, file+".key"))
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("authority %s in %s is not PEM: run `devcluster down` and `up` to make a new one", file, folder)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read authority %s: %w", file, err)
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read key of authority %s: %w", file, err)
	}
	return &authority{cert: cert, key: key}, nil
}

func (a *authority) issue(folder string, leaf Leaf) error {
	if exists(folder, leaf.File+".crt", leaf.File+".key") {
		return nil
	}
	key, err := newKey(folder, leaf.File)
	if err != nil {
		return err
	}
	template, err := template(pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Groups})
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(leaf.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range leaf.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	_, err = sign(folder, leaf.File, template, a.cert, key, a.key)
	return err
}

func template(name pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      name,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(lifetime),
	}, nil
}

func sign(folder, file string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign certificate %s: %w", file, err)
	}
	if err := writePEM(filepath.Join(folder, file+".crt"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func newKey(folder, file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key %s: %w", file, err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key %s: %w", file, err)
	}
	return key, writePEM(filepath.Join(folder, file+".key"), "EC PRIVATE KEY", der)
}

// serviceAccountKey writes the pair that signs and checks service account tokens.
func serviceAccountKey(folder string) error {
	if exists(folder, "sa.key", "sa.pub") {
		return nil
	}
	key, err := newKey(folder, "sa")
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the service account key: %w", err)
	}
	return writePEM(filepath.Join(folder, "sa.pub"), "PUBLIC KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func exists(folder string, files ...string) bool {
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			return false
		}
	}
	return true
}
