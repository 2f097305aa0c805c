// SPDX-License-Identifier: Apache-2.0
package grafanaclient

import (
	"strconv"
	"strings"
	"testing"

	"github.com/grafana/grafana-openapi-client-go/client/access_control"
	"github.com/grafana/grafana-openapi-client-go/client/service_accounts"
	"github.com/grafana/grafana-openapi-client-go/client/teams"
	"github.com/grafana/grafana-openapi-client-go/models"
)

func newServiceAccount(t *testing.T, name, role string) int64 {
	t.Helper()
	api := connect(t).ServiceAccounts
	made, err := api.CreateServiceAccount(service_accounts.NewCreateServiceAccountParams().
		WithBody(&models.CreateServiceAccountForm{Name: name, Role: role}))
	valid(t, err, made)
	t.Cleanup(func() {
		_, err := api.DeleteServiceAccount(made.Payload.ID)
		must(t, err)
	})
	return made.Payload.ID
}

func TestServiceAccountAndItsToken(t *testing.T) {
	api := connect(t).ServiceAccounts
	id := newServiceAccount(t, "go", "Viewer")
	token, err := api.CreateToken(service_accounts.NewCreateTokenParams().WithServiceAccountID(id).
		WithBody(&models.AddServiceAccountTokenCommand{Name: "key", SecondsToLive: 600}))
	valid(t, err, token)
	equal(t, "prefix", strings.HasPrefix(token.Payload.Key, "glsa_"), true)

	// It is a viewer's: it reads and does not write.
	viewer := connectWith(t, token.Payload.Key)
	_, err = viewer.Datasources.GetDataSourceByUID("AMP")
	refused(t, err, 403)
	_, err = viewer.Folders.CreateFolder(&models.CreateFolderCommand{Title: "Not mine"})
	refused(t, err, 403)

	changed, err := api.UpdateServiceAccount(service_accounts.NewUpdateServiceAccountParams().
		WithServiceAccountID(id).WithBody(&models.UpdateServiceAccountForm{
		Name: "go 2", Role: "Admin", ServiceAccountID: id}))
	valid(t, err, changed)
	equal(t, "name", changed.Payload.Serviceaccount.Name, "go 2")
	_, err = viewer.Datasources.GetDataSourceByUID("AMP")
	must(t, err)

	read, err := api.RetrieveServiceAccount(id)
	valid(t, err, read)
	equal(t, "role", read.Payload.Role, "Admin")
	tokens, err := api.ListTokens(id)
	must(t, err)
	equal(t, "tokens", len(tokens.Payload), 1)
	check(t, tokens.Payload[0])
	found, err := api.SearchOrgServiceAccountsWithPaging(
		service_accounts.NewSearchOrgServiceAccountsWithPagingParams().WithQuery(to("go 2")))
	valid(t, err, found)
	equal(t, "found", found.Payload.TotalCount, 1)

	_, err = api.DeleteToken(tokens.Payload[0].ID, id)
	must(t, err)
	_, err = viewer.Datasources.GetDataSourceByUID("AMP")
	refused(t, err, 401)
}

func newTeam(t *testing.T, name string) int64 {
	t.Helper()
	api := connect(t).Teams
	made, err := api.CreateTeam(&models.CreateTeamCommand{Name: to(name), Email: "t@example.com"})
	valid(t, err, made)
	t.Cleanup(func() {
		_, err := api.DeleteTeamByID(strconv.FormatInt(made.Payload.TeamID, 10))
		must(t, err)
	})
	return made.Payload.TeamID
}

func TestTeam(t *testing.T) {
	api := connect(t).Teams
	id := newTeam(t, "go team")
	name := strconv.FormatInt(id, 10)
	read, err := api.GetTeamByID(teams.NewGetTeamByIDParams().WithTeamID(name))
	valid(t, err, read)
	equal(t, "email", read.Payload.Email, "t@example.com")

	_, err = api.UpdateTeam(name, &models.UpdateTeamCommand{Name: "go team 2"})
	must(t, err)
	found, err := api.SearchTeams(teams.NewSearchTeamsParams().WithQuery(to("go team 2")))
	valid(t, err, found)
	equal(t, "found", found.Payload.TotalCount, 1)
	_, err = api.UpdateTeamPreferences(name, &models.UpdatePrefsCmd{Theme: "dark"})
	must(t, err)
	preferences, err := api.GetTeamPreferences(name)
	valid(t, err, preferences)
	equal(t, "theme", preferences.Payload.Theme, "dark")
	members, err := api.GetTeamMembers(name)
	must(t, err)
	equal(t, "members", len(members.Payload), 0)
	_, err = api.CreateTeam(&models.CreateTeamCommand{Name: to("go team 2")})
	refused(t, err, 409)
}

func permissionsOf(t *testing.T, resource, id string) map[string]string {
	t.Helper()
	found, err := connect(t).AccessControl.GetResourcePermissions(id, resource)
	must(t, err)
	held := map[string]string{}
	for _, entry := range found.Payload {
		check(t, entry)
		switch {
		case entry.IsInherited:
		case entry.TeamID != 0:
			held["team"] = entry.Permission
		case entry.BuiltInRole != "":
			held[entry.BuiltInRole] = entry.Permission
		case entry.UserID != 0:
			held["user"] = entry.Permission
		}
	}
	return held
}

func TestPermissions(t *testing.T) {
	api := connect(t).AccessControl
	newFolder(t, "go-held", "")
	team := newTeam(t, "go holders")
	account := newServiceAccount(t, "go holder", "Viewer")
	_, err := api.SetResourcePermissions(access_control.NewSetResourcePermissionsParams().
		WithResource("folders").WithResourceID("go-held").WithBody(&models.SetPermissionsCommand{
		Permissions: []*models.SetResourcePermissionCommand{
			{TeamID: team, Permission: "Edit"}, {BuiltInRole: "Viewer", Permission: "View"},
			{UserID: account, Permission: "Admin"}}}))
	must(t, err)
	held := permissionsOf(t, "folders", "go-held")
	equal(t, "the team's", held["team"], "Edit")
	equal(t, "a viewer's", held["Viewer"], "View")

	// An entry without a permission takes it away.
	_, err = api.SetResourcePermissions(access_control.NewSetResourcePermissionsParams().
		WithResource("folders").WithResourceID("go-held").WithBody(&models.SetPermissionsCommand{
		Permissions: []*models.SetResourcePermissionCommand{{TeamID: team}}}))
	must(t, err)
	equal(t, "the team's", permissionsOf(t, "folders", "go-held")["team"], "")

	_, err = api.SetResourcePermissionsForTeam(
		access_control.NewSetResourcePermissionsForTeamParams().WithResource("folders").
			WithResourceID("go-held").WithTeamID(team).
			WithBody(&models.SetPermissionCommand{Permission: "Admin"}))
	must(t, err)
	equal(t, "the team's", permissionsOf(t, "folders", "go-held")["team"], "Admin")
}

func TestOrganisation(t *testing.T) {
	api := connect(t).Org
	org, err := api.GetCurrentOrg()
	valid(t, err, org)
	equal(t, "id", org.Payload.ID, 1)
	before, err := api.GetOrgPreferences()
	valid(t, err, before)
	_, err = api.UpdateOrgPreferences(&models.UpdatePrefsCmd{Theme: "light", WeekStart: "monday"})
	must(t, err)
	after, err := api.GetOrgPreferences()
	valid(t, err, after)
	equal(t, "theme", after.Payload.Theme, "light")
	_, err = api.UpdateOrgPreferences(&models.UpdatePrefsCmd{})
	must(t, err)
	health, err := connect(t).Health.GetHealth()
	valid(t, err, health)
	equal(t, "database", health.Payload.Database, "ok")
}
