// SPDX-License-Identifier: Apache-2.0
package grafanaclient

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/grafana/grafana-openapi-client-go/models"
)

func TestDataSource(t *testing.T) {
	api := connect(t).Datasources
	settings := map[string]any{"httpMethod": "POST", "sigV4Auth": true, "sigV4Region": "eu-west-1"}
	made, err := api.AddDataSource(&models.AddDataSourceCommand{
		Name: "go", UID: "go-source", Type: "prometheus", Access: "proxy",
		URL: "https://prometheus.example", JSONData: settings,
		SecureJSONData: map[string]string{"sigV4SecretKey": "s3cret"},
	})
	valid(t, err, made)
	equal(t, "name", *made.Payload.Name, "go")

	read, err := api.GetDataSourceByUID("go-source")
	valid(t, err, read)
	if !reflect.DeepEqual(read.Payload.JSONData, models.JSON(settings)) {
		t.Fatalf("jsonData came back as %v", read.Payload.JSONData)
	}
	equal(t, "a secret's presence", read.Payload.SecureJSONFields["sigV4SecretKey"], true)
	equal(t, "orgId", read.Payload.OrgID, 1)

	byName, err := api.GetDataSourceByName("go")
	valid(t, err, byName)
	byID, err := api.GetDataSourceByID(strconv.FormatInt(read.Payload.ID, 10))
	valid(t, err, byID)
	equal(t, "uid by name", byName.Payload.UID, byID.Payload.UID)

	_, err = api.AddDataSource(&models.AddDataSourceCommand{
		Name: "go", Type: "prometheus", Access: "proxy", URL: "https://other.example"})
	refused(t, err, 409)

	changed, err := api.UpdateDataSourceByUID("go-source", &models.UpdateDataSourceCommand{
		Name: "renamed", UID: "go-source", Type: "prometheus", Access: "proxy",
		URL: "https://moved.example", JSONData: map[string]any{}})
	valid(t, err, changed)
	equal(t, "url", changed.Payload.Datasource.URL, "https://moved.example")

	all, err := api.GetDataSources()
	valid(t, err, all)

	gone, err := api.DeleteDataSourceByUID("go-source")
	must(t, err)
	check(t, gone.Payload)
	_, err = api.GetDataSourceByUID("go-source")
	refused(t, err, 404)
}

func TestQueryThroughTheDataSource(t *testing.T) {
	api := connect(t).Datasources
	_, err := api.DatasourceProxyGETByUIDcalls("AMP", "api/v1/query?query=vector(1)")
	if err != nil {
		// The client's path parameter escapes '?'; Grafana answers 404 from Prometheus then.
		refused(t, err, 404)
	}
	health, err := api.CheckDatasourceHealthWithUID("AMP")
	valid(t, err, health)
	answer, _, err := api.QueryMetricsWithExpressions(&models.MetricRequest{
		From: to("now-5m"), To: to("now"),
		Queries: []models.JSON{map[string]any{
			"refId": "A", "datasource": map[string]any{"uid": "AMP"}, "expr": "vector(42)",
			"instant": true, "intervalMs": 15000, "maxDataPoints": 100,
		}},
	})
	valid(t, err, answer)
	frames := answer.Payload.Results["A"].Frames
	equal(t, "frames", len(frames), 1)
}
