// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/go-openapi/strfmt"
	goapi "github.com/grafana/grafana-openapi-client-go/client"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type grafanaProvider struct{}

type grafanaConfig struct {
	URL    types.String `tfsdk:"url"`
	Auth   types.String `tfsdk:"auth"`
	CACert types.String `tfsdk:"ca_cert"`
}

func newGrafana() provider.Provider { return &grafanaProvider{} }

func (*grafanaProvider) Metadata(_ context.Context, _ provider.MetadataRequest,
	answer *provider.MetadataResponse) {
	answer.TypeName = "grafana"
}

func (*grafanaProvider) Schema(_ context.Context, _ provider.SchemaRequest,
	answer *provider.SchemaResponse) {
	answer.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"url":     schema.StringAttribute{Optional: true},
		"auth":    schema.StringAttribute{Optional: true, Sensitive: true},
		"ca_cert": schema.StringAttribute{Optional: true},
	}}
}

// Not yet known values leave the provider without a client, as the real one's SDK does.
func (*grafanaProvider) Configure(ctx context.Context, request provider.ConfigureRequest,
	answer *provider.ConfigureResponse) {
	var config grafanaConfig
	answer.Diagnostics.Append(request.Config.Get(ctx, &config)...)
	if answer.Diagnostics.HasError() {
		return
	}
	if !config.URL.IsNull() && !config.URL.IsUnknown() && config.URL.ValueString() == "" {
		answer.Diagnostics.AddError(`expected "url" url to not be empty, got `, "")
		return
	}
	client, err := newClient(orEnvironment(config.URL, "GRAFANA_URL"),
		orEnvironment(config.Auth, "GRAFANA_AUTH"), orEnvironment(config.CACert, "GRAFANA_CA_CERT"))
	if err != nil {
		answer.Diagnostics.AddError("the Grafana provider's configuration", err.Error())
		return
	}
	answer.ResourceData = client
}

func (*grafanaProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newDataSource, newDashboard}
}

func (*grafanaProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func orEnvironment(value types.String, name string) string {
	if value.IsNull() || value.ValueString() == "" {
		return os.Getenv(name)
	}
	return value.ValueString()
}

// nil without a URL or a token: then every resource fails with missingClient.
func newClient(address, auth, caCert string) (*goapi.GrafanaHTTPAPI, error) {
	if address == "" || auth == "" {
		return nil, nil
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	config := goapi.TransportConfig{
		Host: parsed.Host, BasePath: strings.TrimSuffix(parsed.Path, "/") + "/api",
		Schemes: []string{parsed.Scheme},
		HTTPHeaders: map[string]string{
			"Grafana-Terraform-Provider": "true", "Grafana-Terraform-Provider-Version": "stand-in"},
	}
	if user, password, pair := strings.Cut(auth, ":"); pair {
		config.BasicAuth = url.UserPassword(user, password)
	} else {
		config.APIKey = auth
	}
	if caCert != "" {
		pem, err := os.ReadFile(caCert)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate", caCert)
		}
		config.TLSConfig = &tls.Config{RootCAs: pool}
	}
	return goapi.NewHTTPClientWithConfig(strfmt.Default, &config), nil
}

// The real provider's words.
const missingClient = "the Grafana client is required for this resource. " +
	"Set the auth and url provider attributes"

type coded interface{ IsCode(int) bool }

func isCode(err error, code int) bool {
	with, ok := err.(coded)
	return ok && with.IsCode(code)
}
