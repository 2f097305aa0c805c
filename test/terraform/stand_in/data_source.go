// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	goapi "github.com/grafana/grafana-openapi-client-go/client"
	"github.com/grafana/grafana-openapi-client-go/models"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type dataSource struct{ client *goapi.GrafanaHTTPAPI }

type dataSourceModel struct {
	ID         types.String `tfsdk:"id"`
	Name       types.String `tfsdk:"name"`
	UID        types.String `tfsdk:"uid"`
	Type       types.String `tfsdk:"type"`
	URL        types.String `tfsdk:"url"`
	AccessMode types.String `tfsdk:"access_mode"`
	IsDefault  types.Bool   `tfsdk:"is_default"`
	JSONData   types.String `tfsdk:"json_data_encoded"`
}

func newDataSource() resource.Resource { return &dataSource{} }

func (*dataSource) Metadata(_ context.Context, _ resource.MetadataRequest,
	answer *resource.MetadataResponse) {
	answer.TypeName = "grafana_data_source"
}

func keep() []planmodifier.String {
	return []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
}

func (*dataSource) Schema(_ context.Context, _ resource.SchemaRequest,
	answer *resource.SchemaResponse) {
	answer.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":   schema.StringAttribute{Computed: true, PlanModifiers: keep()},
		"name": schema.StringAttribute{Required: true},
		"uid": schema.StringAttribute{Optional: true, Computed: true,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown(),
				stringplanmodifier.RequiresReplaceIfConfigured()}},
		"type": schema.StringAttribute{Required: true},
		"url":  schema.StringAttribute{Optional: true},
		"access_mode": schema.StringAttribute{Optional: true, Computed: true,
			Default: stringdefault.StaticString("proxy")},
		"is_default": schema.BoolAttribute{Optional: true, Computed: true,
			Default: booldefault.StaticBool(false)},
		"json_data_encoded": schema.StringAttribute{Optional: true},
	}}
}

func (d *dataSource) Configure(_ context.Context, request resource.ConfigureRequest,
	_ *resource.ConfigureResponse) {
	d.client, _ = request.ProviderData.(*goapi.GrafanaHTTPAPI)
}

func decoded(text types.String) any {
	var value any = map[string]any{}
	if !text.IsNull() {
		_ = json.Unmarshal([]byte(text.ValueString()), &value)
	}
	return value
}

func (d *dataSource) Create(ctx context.Context, request resource.CreateRequest,
	answer *resource.CreateResponse) {
	var plan dataSourceModel
	answer.Diagnostics.Append(request.Plan.Get(ctx, &plan)...)
	if !d.ready(&answer.Diagnostics) {
		return
	}
	made, err := d.client.Datasources.AddDataSource(&models.AddDataSourceCommand{
		Name: plan.Name.ValueString(), UID: plan.UID.ValueString(), Type: plan.Type.ValueString(),
		URL: plan.URL.ValueString(), Access: models.DsAccess(plan.AccessMode.ValueString()),
		IsDefault: plan.IsDefault.ValueBool(), JSONData: decoded(plan.JSONData)})
	if err != nil {
		answer.Diagnostics.AddError("creating the data source", err.Error())
		return
	}
	plan.UID = types.StringValue(made.Payload.Datasource.UID)
	if d.read(&plan, &answer.Diagnostics) {
		answer.Diagnostics.Append(answer.State.Set(ctx, &plan)...)
	}
}

func (d *dataSource) Read(ctx context.Context, request resource.ReadRequest,
	answer *resource.ReadResponse) {
	var state dataSourceModel
	answer.Diagnostics.Append(request.State.Get(ctx, &state)...)
	if !d.ready(&answer.Diagnostics) {
		return
	}
	if d.read(&state, &answer.Diagnostics) {
		answer.Diagnostics.Append(answer.State.Set(ctx, &state)...)
	} else if !answer.Diagnostics.HasError() {
		answer.State.RemoveResource(ctx)
	}
}

func (d *dataSource) Update(ctx context.Context, request resource.UpdateRequest,
	answer *resource.UpdateResponse) {
	var plan dataSourceModel
	answer.Diagnostics.Append(request.Plan.Get(ctx, &plan)...)
	if !d.ready(&answer.Diagnostics) {
		return
	}
	_, err := d.client.Datasources.UpdateDataSourceByUID(plan.UID.ValueString(),
		&models.UpdateDataSourceCommand{
			Name: plan.Name.ValueString(), UID: plan.UID.ValueString(),
			Type: plan.Type.ValueString(), URL: plan.URL.ValueString(),
			Access:    models.DsAccess(plan.AccessMode.ValueString()),
			IsDefault: plan.IsDefault.ValueBool(), JSONData: decoded(plan.JSONData)})
	if err != nil {
		answer.Diagnostics.AddError("updating the data source", err.Error())
		return
	}
	answer.Diagnostics.Append(answer.State.Set(ctx, &plan)...)
}

func (d *dataSource) Delete(ctx context.Context, request resource.DeleteRequest,
	answer *resource.DeleteResponse) {
	var state dataSourceModel
	answer.Diagnostics.Append(request.State.Get(ctx, &state)...)
	if !d.ready(&answer.Diagnostics) {
		return
	}
	_, err := d.client.Datasources.DeleteDataSourceByUID(state.UID.ValueString())
	if err != nil && !isCode(err, 404) {
		answer.Diagnostics.AddError("deleting the data source", err.Error())
	}
}

// False without an error: it is gone.
func (d *dataSource) read(model *dataSourceModel, diagnostics *diag.Diagnostics) bool {
	found, err := d.client.Datasources.GetDataSourceByUID(model.UID.ValueString())
	if isCode(err, 404) {
		return false
	}
	if err != nil {
		diagnostics.AddError("reading the data source", err.Error())
		return false
	}
	source := found.Payload
	if _, object := source.JSONData.(map[string]any); !object {
		diagnostics.AddError("jsonData is no object", "the real provider panics at that")
		return false
	}
	if source.OrgID == 0 || source.Access == "" {
		diagnostics.AddError("orgId or access is missing", "the real provider needs them")
		return false
	}
	model.ID = types.StringValue(fmt.Sprintf("%d:%s", source.OrgID, source.UID))
	model.Name = types.StringValue(source.Name)
	model.Type = types.StringValue(source.Type)
	model.URL = types.StringValue(source.URL)
	model.AccessMode = types.StringValue(string(source.Access))
	model.IsDefault = types.BoolValue(source.IsDefault)
	if !reflect.DeepEqual(decoded(model.JSONData), source.JSONData) {
		text, _ := json.Marshal(source.JSONData)
		model.JSONData = types.StringValue(string(text))
	}
	return true
}

func (d *dataSource) ready(diagnostics *diag.Diagnostics) bool {
	if d.client == nil {
		diagnostics.AddError(missingClient, "")
	}
	return !diagnostics.HasError()
}
