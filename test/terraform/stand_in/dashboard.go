// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"reflect"

	goapi "github.com/grafana/grafana-openapi-client-go/client"
	"github.com/grafana/grafana-openapi-client-go/models"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type dashboard struct{ client *goapi.GrafanaHTTPAPI }

type dashboardModel struct {
	ID         types.String `tfsdk:"id"`
	UID        types.String `tfsdk:"uid"`
	URL        types.String `tfsdk:"url"`
	ConfigJSON types.String `tfsdk:"config_json"`
	Folder     types.String `tfsdk:"folder"`
	Overwrite  types.Bool   `tfsdk:"overwrite"`
}

func newDashboard() resource.Resource { return &dashboard{} }

func (*dashboard) Metadata(_ context.Context, _ resource.MetadataRequest,
	answer *resource.MetadataResponse) {
	answer.TypeName = "grafana_dashboard"
}

func (*dashboard) Schema(_ context.Context, _ resource.SchemaRequest,
	answer *resource.SchemaResponse) {
	answer.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":          schema.StringAttribute{Computed: true, PlanModifiers: keep()},
		"uid":         schema.StringAttribute{Computed: true, PlanModifiers: keep()},
		"url":         schema.StringAttribute{Computed: true, PlanModifiers: keep()},
		"config_json": schema.StringAttribute{Required: true},
		"folder":      schema.StringAttribute{Optional: true},
		"overwrite":   schema.BoolAttribute{Optional: true},
	}}
}

func (d *dashboard) Configure(_ context.Context, request resource.ConfigureRequest,
	_ *resource.ConfigureResponse) {
	d.client, _ = request.ProviderData.(*goapi.GrafanaHTTPAPI)
}

// What the real provider leaves out of a comparison.
func normalised(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	delete(object, "id")
	delete(object, "version")
	if panels, ok := object["panels"].([]any); ok {
		for _, panel := range panels {
			if fields, ok := panel.(map[string]any); ok {
				delete(fields, "id")
			}
		}
	}
	return object
}

func (d *dashboard) save(plan *dashboardModel, overwrite bool, diagnostics *diag.Diagnostics) bool {
	saved, err := d.client.Dashboards.PostDashboard(&models.SaveDashboardCommand{
		Dashboard: decoded(plan.ConfigJSON), FolderUID: plan.Folder.ValueString(),
		Overwrite: overwrite})
	if err != nil {
		diagnostics.AddError("saving the dashboard", err.Error())
		return false
	}
	plan.UID = types.StringValue(*saved.Payload.UID)
	return d.read(plan, diagnostics)
}

func (d *dashboard) Create(ctx context.Context, request resource.CreateRequest,
	answer *resource.CreateResponse) {
	var plan dashboardModel
	answer.Diagnostics.Append(request.Plan.Get(ctx, &plan)...)
	if d.ready(&answer.Diagnostics) &&
		d.save(&plan, plan.Overwrite.ValueBool(), &answer.Diagnostics) {
		answer.Diagnostics.Append(answer.State.Set(ctx, &plan)...)
	}
}

func (d *dashboard) Read(ctx context.Context, request resource.ReadRequest,
	answer *resource.ReadResponse) {
	var state dashboardModel
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

func (d *dashboard) Update(ctx context.Context, request resource.UpdateRequest,
	answer *resource.UpdateResponse) {
	var plan dashboardModel
	answer.Diagnostics.Append(request.Plan.Get(ctx, &plan)...)
	if d.ready(&answer.Diagnostics) && d.save(&plan, true, &answer.Diagnostics) {
		answer.Diagnostics.Append(answer.State.Set(ctx, &plan)...)
	}
}

func (d *dashboard) Delete(ctx context.Context, request resource.DeleteRequest,
	answer *resource.DeleteResponse) {
	var state dashboardModel
	answer.Diagnostics.Append(request.State.Get(ctx, &state)...)
	if !d.ready(&answer.Diagnostics) {
		return
	}
	_, err := d.client.Dashboards.DeleteDashboardByUID(state.UID.ValueString())
	if err != nil && !isCode(err, 404) {
		answer.Diagnostics.AddError("deleting the dashboard", err.Error())
	}
}

// False without an error: it is gone.
func (d *dashboard) read(model *dashboardModel, diagnostics *diag.Diagnostics) bool {
	found, err := d.client.Dashboards.GetDashboardByUID(model.UID.ValueString())
	if isCode(err, 404) {
		return false
	}
	if err != nil {
		diagnostics.AddError("reading the dashboard", err.Error())
		return false
	}
	remote, object := found.Payload.Dashboard.(map[string]any)
	_, hasVersion := remote["version"].(json.Number)
	if !hasVersion {
		_, hasVersion = remote["version"].(float64)
	}
	if !object || !hasVersion || found.Payload.Meta == nil {
		diagnostics.AddError("dashboard.version or meta is missing",
			"the real provider panics at that")
		return false
	}
	model.ID = types.StringValue("0:" + model.UID.ValueString())
	model.URL = types.StringValue(found.Payload.Meta.URL)
	// One round through text, so that both sides have the same types of numbers.
	text, _ := json.Marshal(normalised(remote))
	var again any
	_ = json.Unmarshal(text, &again)
	if !reflect.DeepEqual(normalised(decoded(model.ConfigJSON)), again) {
		model.ConfigJSON = types.StringValue(string(text))
	}
	return true
}

func (d *dashboard) ready(diagnostics *diag.Diagnostics) bool {
	if d.client == nil {
		diagnostics.AddError(missingClient, "")
	}
	return !diagnostics.HasError()
}
