package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/cmhf/operator/internal/coordination/schema"
)

// Config is what the environment says. The database is found by libpq's variables (PGHOST, PGPORT, PGDATABASE, PGUSER,
// PGPASSWORD, PGSSLMODE).
type Config struct {
	Version        string
	ODSCode        string
	ICSName        string
	Listen         string
	InternalListen string
	Issuer         string
	Audience       string
	TokenFile      string
	DirectoryFile  string
	Synthetic      bool
	// ReadOnly refuses every change of a record.
	ReadOnly bool
	LogLevel slog.Level
	// RateLimit is how many requests a second each caller may send to this replica; 0 is no limit.
	RateLimit float64
	// AuditKeyFile holds the Ed25519 key that signs the heads of the audit trail; empty leaves them unsigned.
	AuditKeyFile string
	// TraceEndpoint is the collector's URL; empty turns tracing off.
	TraceEndpoint string
	// Database is a connection URL for tests; empty means the environment.
	Database string
}

// holder is whose records the database must hold.
func (c Config) holder() schema.Holder {
	return schema.Holder{ODSCode: c.ODSCode, Synthetic: c.Synthetic}
}

var odsCode = regexp.MustCompile(`^[A-Z0-9]{3}([A-Z0-9]{2})?$`)

// ConfigFromEnvironment reads and checks the variables of `serve`; the error names each that is wrong and how to mend it.
func ConfigFromEnvironment(version string) (Config, error) {
	c := Config{
		Version:        version,
		ODSCode:        os.Getenv("CMHF_ODS_CODE"),
		ICSName:        os.Getenv("CMHF_ICS_NAME"),
		Listen:         cmp.Or(os.Getenv("CMHF_LISTEN"), ":8080"),
		InternalListen: cmp.Or(os.Getenv("CMHF_INTERNAL_LISTEN"), ":8081"),
		Issuer:         os.Getenv("CMHF_OIDC_ISSUER"),
		TokenFile:      cmp.Or(os.Getenv("CMHF_INTERNAL_TOKEN_FILE"), "/etc/cmhf/internal/token"),
		DirectoryFile:  cmp.Or(os.Getenv("CMHF_DIRECTORY_FILE"), "/etc/cmhf/directory/directory.json"),
		AuditKeyFile:   os.Getenv("CMHF_AUDIT_KEY_FILE"),
		TraceEndpoint:  os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"),
	}
	c.Audience = cmp.Or(os.Getenv("CMHF_OIDC_AUDIENCE"), "cmhf-"+strings.ToLower(c.ODSCode))
	var errs []error
	if !odsCode.MatchString(c.ODSCode) {
		errs = append(errs, errors.New("CMHF_ODS_CODE: set it to the ODS code of the ICS in upper case, three or five characters, for example QOP"))
	}
	if strings.TrimSpace(c.ICSName) == "" {
		errs = append(errs, errors.New("CMHF_ICS_NAME: set it to the name of the ICS as people know it"))
	}
	if !secureAddress(c.Issuer) {
		errs = append(errs, errors.New("CMHF_OIDC_ISSUER: set it to the https URL of the identity provider, exactly as it stands in the iss claim of its tokens; http is for names ending in .localhost only, because signing keys must not cross a network in the clear"))
	}
	var err error
	if c.Synthetic, err = strconv.ParseBool(cmp.Or(os.Getenv("CMHF_SYNTHETIC"), "false")); err != nil {
		errs = append(errs, errors.New("CMHF_SYNTHETIC: use true or false"))
	}
	if c.ReadOnly, err = strconv.ParseBool(cmp.Or(os.Getenv("CMHF_READ_ONLY"), "false")); err != nil {
		errs = append(errs, errors.New("CMHF_READ_ONLY: use true or false"))
	}
	if err := c.LogLevel.UnmarshalText([]byte(cmp.Or(os.Getenv("CMHF_LOG_LEVEL"), "info"))); err != nil {
		errs = append(errs, errors.New("CMHF_LOG_LEVEL: use debug, info, warn or error"))
	}
	if c.RateLimit, err = strconv.ParseFloat(cmp.Or(os.Getenv("CMHF_RATE_LIMIT"), "100"), 64); err != nil || !(c.RateLimit >= 0 && c.RateLimit <= 1e6) {
		errs = append(errs, errors.New("CMHF_RATE_LIMIT: use the number of requests a second that each caller may send, for example 100, or 0 for no limit"))
	}
	if u, err := url.Parse(c.TraceEndpoint); c.TraceEndpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: use the collector's URL, for example http://collector:4318, or leave it out"))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("the environment is not complete:\n%w", err)
	}
	return c, nil
}

// secureAddress tells whether an address is https, or http on a *.localhost name, which never leaves the machine or the
// development cluster.
func secureAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return false
	}
	local := u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")
	return u.Scheme == "https" || (u.Scheme == "http" && local)
}
