//go:build e2e

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// The server that someone else runs: PostgreSQL with a certificate, in a namespace that is no tenant's.
const (
	serverHost = "postgres.elsewhere.svc"
	server     = `
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere}
---
apiVersion: v1
kind: Secret
metadata: {name: certificate, namespace: elsewhere}
stringData:
  tls.crt: |
CERTIFICATE
  tls.key: |
PRIVATE
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: elsewhere}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: Service
metadata: {name: postgres, namespace: elsewhere}
spec:
  selector: {app: postgres}
  ports: [{port: 5432}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: postgres, namespace: elsewhere}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsUser: 26, runAsGroup: 26, fsGroup: 26, fsGroupChangePolicy: OnRootMismatch}
      containers:
      - name: postgres
        image: IMAGE
        command: [sh, -ec]
        args:
        - |
          export PGDATA=/data/pg
          if [ ! -s $PGDATA/PG_VERSION ]; then
            initdb --username=postgres --auth-local=peer --encoding=UTF8 --locale=C.UTF-8 >/dev/null
            echo "hostssl all all all scram-sha-256" >$PGDATA/pg_hba.conf
            echo "local all postgres peer" >>$PGDATA/pg_hba.conf
          fi
          chmod 0700 $PGDATA
          install -m 0600 /certificate/tls.key /data/tls.key
          exec postgres -c listen_addresses='*' -c unix_socket_directories=/data \
            -c ssl=on -c ssl_cert_file=/certificate/tls.crt -c ssl_key_file=/data/tls.key
        env: [{name: PGHOST, value: /data}]
        startupProbe: {exec: {command: [pg_isready, --quiet]}, periodSeconds: 2, failureThreshold: 300}
        readinessProbe: {exec: {command: [pg_isready, --quiet]}, periodSeconds: 10}
        lifecycle: {preStop: {exec: {command: [pg_ctl, stop, --pgdata=/data/pg, --mode=fast]}}}
        volumeMounts: [{name: data, mountPath: /data}, {name: certificate, mountPath: /certificate}]
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: data}}
      - {name: certificate, secret: {secretName: certificate}}
`
)

// TestExternalDatabase leads a system to a server that someone else runs: what is wrong with the way there is told, the records come
// to lie there, and there they stay whatever becomes of the system.
func TestExternalDatabase(t *testing.T) {
	t.Parallel()
	x := newTenant(t, "sg1", "Delete",
		"{engine: External, external: {secretRef: {name: elsewhere}, egressCIDRs: [10.0.0.0/8]}, backup: {storage: {size: 1Gi}}}",
		"-n", "elsewhere", "deployment/postgres")
	said := x.until(t, "DatabaseReady", "False", "SecretMissing")
	if !strings.Contains(said, "Secret ics-sg1/elsewhere") {
		t.Errorf("the message does not name the Secret: %s", said)
	}
	certificate := x.serve(t)
	owner, app := rand.Text(), rand.Text()
	x.keep("the owner's password", owner)
	x.keep("the app's password", app)
	x.sql(t, "CREATE ROLE cmhf_owner LOGIN PASSWORD '"+owner+"'; CREATE ROLE cmhf_app LOGIN NOINHERIT PASSWORD '"+app+"'", "postgres")
	x.sql(t, "CREATE DATABASE cmhf OWNER cmhf_owner", "postgres")

	wrong := rand.Text()
	x.keep("a wrong password", wrong)
	x.secret(t, certificate, wrong, "cmhf_app", app)
	said = x.until(t, "DatabaseReady", "False", "Unreachable")
	if want := "its log says why: kubectl -n ics-sg1 logs -l app.kubernetes.io/component=migration"; !strings.Contains(said, want) {
		t.Errorf("with a wrong password of the owner the message lacks %q: %s", want, said)
	}
	x.secret(t, certificate, owner, "cmhf_app", wrong)
	eventually(t, "the app's wrong password is told of", func() error {
		_, reason, said := x.condition(t, "DatabaseReady")
		if reason != "Unreachable" || !strings.Contains(said, "no pod of the coordination API is ready, which they are when the database at "+serverHost+":5432") {
			return fmt.Errorf("%s: %s", reason, said)
		}
		return nil
	})
	x.secret(t, certificate, owner, "cmhf_app", app)
	x.ready(t)
	x.keepCredentials(t, x.namespace)
	x.refer(t, 7300, 5)

	x.run(t, "-n", "elsewhere", "scale", "deployment/postgres", "--replicas=0")
	x.until(t, "DatabaseReady", "False", "Unreachable")
	// Two servers at once would write to the same files.
	x.run(t, "-n", "elsewhere", "wait", "--for=delete", "pod", "-l", "app=postgres", withPatience)
	x.run(t, "-n", "elsewhere", "scale", "deployment/postgres", "--replicas=1")
	x.ready(t)

	// The operator rotates what is its own. Another login is the server's owner's to make, beside the one that is in use, and taken
	// with the next look.
	load := x.begin(t, x.name, "harbour-core")
	app = rand.Text()
	x.keep("the app's next password", app)
	x.sql(t, "CREATE ROLE cmhf_app_next LOGIN PASSWORD '"+app+"' IN ROLE cmhf_app; ALTER ROLE cmhf_app_next SET role = cmhf_app", "postgres")
	x.secret(t, certificate, owner, "cmhf_app_next", app)
	x.run(t, "annotate", "ics", x.name, "cmhf.health/rotate-secrets=now")
	eventually(t, "the rotation", func() error {
		if now := x.credentials(t, x.name); now != 2 {
			return fmt.Errorf("generation %d of the Secrets is in use", now)
		}
		if status, reason, message := x.condition(t, "CredentialsRotating"); status != "" {
			return fmt.Errorf("%s: %s", reason, message)
		}
		return nil
	})
	calls, failures := load.end()
	t.Logf("sg1: rotated, %d requests, %d failed", calls, len(failures))
	for _, failure := range failures[:min(len(failures), 10)] {
		t.Errorf("a request failed: %s", failure)
	}
	x.ready(t)
	x.keepCredentials(t, x.namespace)
	x.sql(t, "ALTER ROLE cmhf_app NOLOGIN", "postgres")
	if n := x.sessions(t, "cmhf_app"); n != "0" {
		t.Errorf("%s sessions of the login that was replaced are left", n)
	}
	x.refer(t, 7305, 1)
	was := x.records(t)
	x.backUpNow(t)

	// Deleted but kept after all, the system comes back with its records. Deleted for good, it leaves them on the server, and a backup.
	x.run(t, "annotate", "ics", x.name, "cmhf.health/deletion-policy=Retain")
	x.deleteConfirmed(t)
	if n := x.sessions(t, "cmhf_app_next"); n != "0" {
		t.Errorf("%s sessions of a system that is gone are left", n)
	}
	x.sameRecords(t, was)
	x.declare(t)
	x.ready(t)
	x.sameRecords(t, was)
	x.deleteConfirmed(t)
	x.databaseGone(t)
	x.sameRecords(t, was)
	backups := x.backups(t)
	if len(backups) != 2 {
		t.Fatalf("the backups are %v, want two", backups)
	}
	if x.secretValue(t, x.namespace, "elsewhere", "appPassword") != app {
		t.Error("the Secret that someone else made is another one")
	}
	x.restoreElsewhere(t, certificate, owner, app, backups[1])
	x.logsAreClean(t)
}

// restoreElsewhere makes a backup the records of another system, in another database of the same server.
func (x *tenant) restoreElsewhere(t *testing.T, certificate, owner, app, backup string) {
	t.Helper()
	was := x.records(t)
	x.sql(t, "CREATE DATABASE drill OWNER cmhf_owner", "postgres")
	drill := newTenant(t, "sg2", "Retain", "{engine: External, restoreFrom: {backup: "+backup+", odsCode: SG1}, "+
		"external: {secretRef: {name: elsewhere}, egressCIDRs: [10.0.0.0/8]}, backup: {storage: {size: 1Gi}}}", x.server...)
	drill.database = "drill"
	drill.secret(t, certificate, owner, "cmhf_app_next", app)
	eventually(t, "the restore waits for the backup", func() error {
		log, err := drill.try(t.Context(), "", "-n", drill.namespace, "logs", "-l", "app.kubernetes.io/component=restore")
		if err == nil && !strings.Contains(log, "waiting for the backup") {
			err = errors.New("not yet")
		}
		return err
	})
	x.copyBackup(t, x.namespace, drill.namespace, backup)
	drill.ready(t)
	drill.until(t, "DatabaseRestored", "True", "")
	drill.sameRecords(t, was)
}

// serve starts the server and gives its certificate.
func (x *tenant) serve(t *testing.T) string {
	t.Helper()
	certificate, key := selfSigned(t)
	indented := func(text string) string { return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") }
	images := x.run(t, "-n", "cmhf-system", "get", "deployment", "cmhf-operator", "-o",
		"jsonpath={.spec.template.spec.containers[0].env[?(@.name=='POSTGRES_IMAGE')].valueFrom.configMapKeyRef.name}")
	image := x.run(t, "-n", "cmhf-system", "get", "configmap", images, "-o", "jsonpath={.data.postgres}")
	x.apply(t, strings.NewReplacer("CERTIFICATE", indented(certificate), "PRIVATE", indented(key), "IMAGE", image).Replace(server))
	x.run(t, "-n", "elsewhere", "rollout", "status", "deployment/postgres", withPatience)
	return certificate
}

// sql runs statements as the server's superuser. They come by standard input, because they may hold a password.
func (x *tenant) sql(t *testing.T, statements, database string) string {
	t.Helper()
	out, err := x.try(t.Context(), statements, "-n", "elsewhere", "exec", "-i", "deployment/postgres", "--",
		"psql", "--no-psqlrc", "-qAt", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname="+database)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sessions counts those of a login.
func (x *tenant) sessions(t *testing.T, login string) string {
	t.Helper()
	return strings.TrimSpace(x.sql(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = '"+login+"'", "postgres"))
}

// secret says where the server is and who may log in, as docs/databases.md has it.
func (x *tenant) secret(t *testing.T, certificate, owner, appLogin, app string) {
	t.Helper()
	made := x.run(t, "-n", x.namespace, "create", "secret", "generic", "elsewhere", "--dry-run=client", "-o", "yaml",
		"--from-literal=host="+serverHost, "--from-literal=port=5432", "--from-literal=database="+x.database,
		"--from-literal=ownerUsername=cmhf_owner", "--from-literal=ownerPassword="+owner,
		"--from-literal=appUsername="+appLogin, "--from-literal=appPassword="+app, "--from-literal=ca.crt="+certificate)
	x.apply(t, made)
}

// selfSigned makes a certificate of the server that vouches for itself.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: serverHost}, DNSNames: []string{serverHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	text := func(kind string, der []byte) string {
		out.Reset()
		if err := pem.Encode(&out, &pem.Block{Type: kind, Bytes: der}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	return text("CERTIFICATE", raw), text("PRIVATE KEY", der)
}
