// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	provider_schema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A provider of one resource that has a schema and no cluster to work on.
type schemaOnly struct {
	name       string
	attributes map[string]provider_schema.Attribute
	resource   string
	schema     schema.Schema
}

func newKubernetes() provider.Provider {
	optional := provider_schema.StringAttribute{Optional: true}
	computed := schema.StringAttribute{Computed: true}
	return &schemaOnly{
		name: "kubernetes",
		attributes: map[string]provider_schema.Attribute{
			"host": optional, "token": optional, "cluster_ca_certificate": optional,
			"config_path": optional,
		},
		resource: "kubernetes_namespace_v1",
		schema: schema.Schema{
			Attributes: map[string]schema.Attribute{"id": computed},
			Blocks: map[string]schema.Block{"metadata": schema.ListNestedBlock{
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"name":             schema.StringAttribute{Optional: true, Computed: true},
					"uid":              computed,
					"resource_version": computed,
				}},
			}},
		},
	}
}

func newHelm() provider.Provider {
	return &schemaOnly{
		name:       "helm",
		attributes: map[string]provider_schema.Attribute{},
		resource:   "helm_release",
		schema: schema.Schema{Attributes: map[string]schema.Attribute{
			"id":        schema.StringAttribute{Computed: true},
			"name":      schema.StringAttribute{Required: true},
			"namespace": schema.StringAttribute{Optional: true},
			"chart":     schema.StringAttribute{Required: true},
			"values":    schema.ListAttribute{Optional: true, ElementType: types.StringType},
		}},
	}
}

func (p *schemaOnly) Metadata(_ context.Context, _ provider.MetadataRequest,
	answer *provider.MetadataResponse) {
	answer.TypeName = p.name
}

func (p *schemaOnly) Schema(_ context.Context, _ provider.SchemaRequest,
	answer *provider.SchemaResponse) {
	answer.Schema = provider_schema.Schema{Attributes: p.attributes}
}

func (*schemaOnly) Configure(context.Context, provider.ConfigureRequest,
	*provider.ConfigureResponse) {
}

func (p *schemaOnly) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &unmade{provider: p} }}
}

func (*schemaOnly) DataSources(context.Context) []func() datasource.DataSource { return nil }

type unmade struct{ provider *schemaOnly }

const noCluster = "the tests' stand-in has the schema of this resource and no cluster"

func (u *unmade) Metadata(_ context.Context, _ resource.MetadataRequest,
	answer *resource.MetadataResponse) {
	answer.TypeName = u.provider.resource
}

func (u *unmade) Schema(_ context.Context, _ resource.SchemaRequest,
	answer *resource.SchemaResponse) {
	answer.Schema = u.provider.schema
}

func (*unmade) Create(_ context.Context, _ resource.CreateRequest,
	answer *resource.CreateResponse) {
	answer.Diagnostics.AddError(noCluster, "")
}

func (*unmade) Read(_ context.Context, _ resource.ReadRequest, answer *resource.ReadResponse) {
	answer.Diagnostics.AddError(noCluster, "")
}

func (*unmade) Update(_ context.Context, _ resource.UpdateRequest,
	answer *resource.UpdateResponse) {
	answer.Diagnostics.AddError(noCluster, "")
}

func (*unmade) Delete(_ context.Context, _ resource.DeleteRequest,
	answer *resource.DeleteResponse) {
	answer.Diagnostics.AddError(noCluster, "")
}
