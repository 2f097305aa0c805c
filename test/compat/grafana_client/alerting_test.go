// SPDX-License-Identifier: Apache-2.0
package grafanaclient

import (
	"testing"
	"time"

	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/client/provisioning"
	"github.com/grafana/grafana-openapi-client-go/models"
)

func newContactPoint(t *testing.T, name string) string {
	t.Helper()
	api := connect(t).Provisioning
	made, err := api.PostContactpoints(provisioning.NewPostContactpointsParams().
		WithBody(&models.EmbeddedContactPoint{Name: name, Type: to("webhook"),
			Settings: map[string]any{"url": "https://hook.example", "password": "s3cret"}}))
	valid(t, err, made)
	t.Cleanup(func() {
		_, err := api.DeleteContactpoints(made.Payload.UID)
		must(t, err)
	})
	return made.Payload.UID
}

func TestContactPoint(t *testing.T) {
	api := connect(t).Provisioning
	uid := newContactPoint(t, "go point")
	read, err := api.GetContactpoints(provisioning.NewGetContactpointsParams().
		WithName(to("go point")))
	must(t, err)
	check(t, read.Payload)
	equal(t, "points", len(read.Payload), 1)
	settings := read.Payload[0].Settings.(map[string]any)
	equal(t, "url", settings["url"].(string), "https://hook.example")
	equal(t, "the secret is not told", settings["password"] == "s3cret", false)

	_, err = api.PutContactpoint(provisioning.NewPutContactpointParams().WithUID(uid).
		WithBody(&models.EmbeddedContactPoint{Name: "go point", Type: to("webhook"), UID: uid,
			DisableResolveMessage: true, Settings: map[string]any{"url": "https://two.example"}}))
	must(t, err)
	read, err = api.GetContactpoints(provisioning.NewGetContactpointsParams().
		WithName(to("go point")))
	must(t, err)
	equal(t, "url", read.Payload[0].Settings.(map[string]any)["url"].(string),
		"https://two.example")
}

func TestMuteTiming(t *testing.T) {
	api := connect(t).Provisioning
	timing := &models.MuteTimeInterval{Name: "go nights", TimeIntervals: []*models.TimeIntervalItem{{
		Times:    []*models.TimeIntervalTimeRange{{StartTime: "22:00", EndTime: "23:59"}},
		Weekdays: []string{"monday:friday"}, Location: "Europe/Berlin"}}}
	made, err := api.PostMuteTiming(provisioning.NewPostMuteTimingParams().WithBody(timing))
	valid(t, err, made)
	timing.TimeIntervals[0].Weekdays = []string{"saturday"}
	_, err = api.PutMuteTiming(provisioning.NewPutMuteTimingParams().WithName("go nights").
		WithBody(timing))
	must(t, err)
	read, err := api.GetMuteTiming("go nights")
	valid(t, err, read)
	equal(t, "weekday", read.Payload.TimeIntervals[0].Weekdays[0], "saturday")
	equal(t, "location", read.Payload.TimeIntervals[0].Location, "Europe/Berlin")
	all, err := api.GetMuteTimings()
	must(t, err)
	check(t, all.Payload)
	_, err = api.DeleteMuteTiming(provisioning.NewDeleteMuteTimingParams().WithName("go nights"))
	must(t, err)
	_, err = api.GetMuteTiming("go nights")
	equal(t, "gone", err != nil, true)
}

func TestTemplate(t *testing.T) {
	api := connect(t).Provisioning
	text := "{{ define \"go\" }}{{ .CommonLabels.alertname }}{{ end }}"
	made, err := api.PutTemplate(provisioning.NewPutTemplateParams().WithName("go words").
		WithBody(&models.NotificationTemplateContent{Template: text}))
	valid(t, err, made)
	read, err := api.GetTemplate("go words")
	valid(t, err, read)
	equal(t, "template", read.Payload.Template, text)
	all, err := api.GetTemplates()
	must(t, err)
	check(t, all.Payload)
	_, err = api.DeleteTemplate(provisioning.NewDeleteTemplateParams().WithName("go words"))
	must(t, err)
	_, err = api.GetTemplate("go words")
	refused(t, err, 404)
}

func TestNotificationPolicies(t *testing.T) {
	api := connect(t).Provisioning
	before, err := api.GetPolicyTree()
	valid(t, err, before)
	newContactPoint(t, "go receiver")
	_, err = api.PutPolicyTree(provisioning.NewPutPolicyTreeParams().WithBody(&models.Route{
		Receiver: before.Payload.Receiver, GroupBy: []string{"alertname"}, GroupWait: "45s",
		Routes: []*models.Route{{Receiver: "go receiver", Continue: true,
			ObjectMatchers: models.ObjectMatchers{{"team", "=~", "a|b"}}}}}))
	must(t, err)
	read, err := api.GetPolicyTree()
	valid(t, err, read)
	equal(t, "wait", read.Payload.GroupWait, "45s")
	equal(t, "routes", len(read.Payload.Routes), 1)
	equal(t, "matcher", read.Payload.Routes[0].ObjectMatchers[0][2], "a|b")
	_, err = api.PutPolicyTree(provisioning.NewPutPolicyTreeParams().WithBody(
		&models.Route{Receiver: "nobody"}))
	refused(t, err, 400)
	_, err = api.ResetPolicyTree()
	must(t, err)
	after, err := api.GetPolicyTree()
	must(t, err)
	equal(t, "routes", len(after.Payload.Routes), 0)
}

func ruleNamed(title string) *models.ProvisionedAlertRule {
	model := func(expr string) map[string]any { return map[string]any{"expr": expr, "refId": "A"} }
	return &models.ProvisionedAlertRule{
		Title: to(title), Condition: to("A"), FolderUID: to("go-rules"), RuleGroup: to("go/group"),
		For: to(strfmt.Duration(5 * time.Minute)), OrgID: to(int64(1)), NoDataState: to("OK"),
		ExecErrState: to("Error"), Labels: map[string]string{"severity": "page"},
		Data: []*models.AlertQuery{{RefID: "A", DatasourceUID: "AMP", Model: model("up == 0"),
			RelativeTimeRange: &models.RelativeTimeRange{From: 600}}}}
}

func TestRuleGroup(t *testing.T) {
	newFolder(t, "go-rules", "")
	api := connect(t).Provisioning
	put := func(rules ...*models.ProvisionedAlertRule) *models.AlertRuleGroup {
		made, err := api.PutAlertRuleGroup(provisioning.NewPutAlertRuleGroupParams().
			WithFolderUID("go-rules").WithGroup("go/group").WithBody(&models.AlertRuleGroup{
			FolderUID: "go-rules", Title: "go/group", Interval: 60, Rules: rules}))
		valid(t, err, made)
		return made.Payload
	}
	made := put(ruleNamed("down"), ruleNamed("still down"))
	equal(t, "rules", len(made.Rules), 2)
	read, err := api.GetAlertRuleGroup("go/group", "go-rules")
	valid(t, err, read)
	equal(t, "interval", read.Payload.Interval, 60)
	equal(t, "for", *read.Payload.Rules[0].For, strfmt.Duration(5*time.Minute))

	first := read.Payload.Rules[0]
	one, err := api.GetAlertRule(first.UID)
	valid(t, err, one)
	equal(t, "title", *one.Payload.Title, *first.Title)
	first.Title = to("down for long")
	equal(t, "rules", len(put(first).Rules), 1)
	read, err = api.GetAlertRuleGroup("go/group", "go-rules")
	must(t, err)
	equal(t, "uid", read.Payload.Rules[0].UID, first.UID)
	equal(t, "title", *read.Payload.Rules[0].Title, "down for long")
	_, err = api.DeleteAlertRuleGroup("go/group", "go-rules")
	must(t, err)
	_, err = api.GetAlertRuleGroup("go/group", "go-rules")
	refused(t, err, 404)
}
