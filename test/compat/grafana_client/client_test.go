// SPDX-License-Identifier: Apache-2.0

// Package grafanaclient has tests only: see README.md.
package grafanaclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	goapi "github.com/grafana/grafana-openapi-client-go/client"
)

// The workspace named by HEARTH_GRAFANA_URL, as the provider reaches it: TLS, and a token or a pair.
func connect(t *testing.T) *goapi.GrafanaHTTPAPI {
	t.Helper()
	return connectWith(t, os.Getenv("HEARTH_GRAFANA_AUTH"))
}

func connectWith(t *testing.T, auth string) *goapi.GrafanaHTTPAPI {
	t.Helper()
	address := os.Getenv("HEARTH_GRAFANA_URL")
	if address == "" {
		t.Skip("HEARTH_GRAFANA_URL names no workspace")
	}
	parsed, err := url.Parse(address)
	must(t, err)
	pem, err := os.ReadFile(os.Getenv("HEARTH_CA"))
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("HEARTH_CA has no certificate")
	}
	config := goapi.TransportConfig{
		Host: parsed.Host, BasePath: parsed.Path + "/api", Schemes: []string{parsed.Scheme},
		TLSConfig:   &tls.Config{RootCAs: pool},
		HTTPHeaders: map[string]string{"Grafana-Terraform-Provider": "true"},
	}
	if user, password, pair := strings.Cut(auth, ":"); pair {
		config.BasicAuth = url.UserPassword(user, password)
	} else {
		config.APIKey = auth
	}
	return goapi.NewHTTPClientWithConfig(strfmt.Default, &config)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type described interface{ Validate(strfmt.Registry) error }

// An answer that came, and that Grafana's own description of it allows.
func valid[P described](t *testing.T, err error, answer interface{ GetPayload() P }) {
	t.Helper()
	must(t, err)
	check(t, answer.GetPayload())
}

func check(t *testing.T, payload described) {
	t.Helper()
	must(t, payload.Validate(strfmt.Default))
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s is %v, not %v", what, got, want)
	}
}

// The call failed with that HTTP status, one that the description knows for this operation.
func refused(t *testing.T, err error, status int) {
	t.Helper()
	var coded interface{ IsCode(int) bool }
	if !errors.As(err, &coded) || !coded.IsCode(status) {
		t.Fatalf("not refused with %d: %v", status, err)
	}
}

func to[T any](value T) *T { return &value }
