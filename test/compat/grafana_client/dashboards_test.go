// SPDX-License-Identifier: Apache-2.0
package grafanaclient

import (
	"testing"

	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/client/folders"
	"github.com/grafana/grafana-openapi-client-go/client/search"
	"github.com/grafana/grafana-openapi-client-go/models"
)

func newFolder(t *testing.T, uid, parent string) {
	t.Helper()
	api := connect(t).Folders
	made, err := api.CreateFolder(&models.CreateFolderCommand{
		Title: "Folder " + uid, UID: uid, ParentUID: parent})
	valid(t, err, made)
	equal(t, "uid", made.Payload.UID, uid)
	if parent == "" {
		t.Cleanup(func() {
			_, err := api.DeleteFolder(folders.NewDeleteFolderParams().WithFolderUID(uid).
				WithForceDeleteRules(to(true)))
			must(t, err)
		})
	}
}

func TestFolders(t *testing.T) {
	api := connect(t).Folders
	newFolder(t, "go-a", "")
	newFolder(t, "go-b", "")
	newFolder(t, "go-c", "go-a")

	read, err := api.GetFolderByUID("go-c")
	valid(t, err, read)
	equal(t, "parent", read.Payload.ParentUID, "go-a")
	equal(t, "parents", len(read.Payload.Parents), 1)

	moved, err := api.MoveFolder("go-c", &models.MoveFolderCommand{ParentUID: "go-b"})
	valid(t, err, moved)
	equal(t, "parent", moved.Payload.ParentUID, "go-b")

	changed, err := api.UpdateFolder("go-c", &models.UpdateFolderCommand{
		Title: "Renamed", Overwrite: true})
	valid(t, err, changed)
	equal(t, "title", changed.Payload.Title, "Renamed")

	inside, err := api.GetFolders(folders.NewGetFoldersParams().WithParentUID(to("go-b")))
	must(t, err)
	equal(t, "folders in go-b", len(inside.Payload), 1)
	counts, err := api.GetFolderDescendantCounts("go-b")
	must(t, err)
	equal(t, "descendants", counts.Payload["folder"], 1)
	_, err = api.GetFolderByUID("go-nowhere")
	refused(t, err, 404)
}

// Grafana's description demands a title of this answer, which Grafana itself does not send.
func saved(t *testing.T, status, uid string) {
	t.Helper()
	equal(t, "status", status, "success")
	equal(t, "uid", uid, "go-board")
}

func save(t *testing.T, board map[string]any, message string) *models.PostDashboardOKBody {
	t.Helper()
	made, err := connect(t).Dashboards.PostDashboard(&models.SaveDashboardCommand{
		Dashboard: board, FolderUID: "go-boards", Message: message, Overwrite: true})
	must(t, err)
	saved(t, *made.Payload.Status, *made.Payload.UID)
	return made.Payload
}

func TestDashboardAndItsVersions(t *testing.T) {
	newFolder(t, "go-boards", "")
	api := connect(t).Dashboards
	board := map[string]any{"uid": "go-board", "title": "First", "tags": []any{"go"},
		"panels": []any{}, "schemaVersion": 39, "unknownToAll": map[string]any{"kept": []any{1, nil}}}
	first := save(t, board, "one")
	equal(t, "version", *first.Version, 1)
	equal(t, "folder", first.FolderUID, "go-boards")
	board["title"] = "Second"
	second := save(t, board, "two")
	equal(t, "version", *second.Version, 2)

	read, err := api.GetDashboardByUID("go-board")
	valid(t, err, read)
	got := read.Payload.Dashboard.(map[string]any)
	equal(t, "title", got["title"].(string), "Second")
	equal(t, "folder", read.Payload.Meta.FolderUID, "go-boards")
	if _, kept := got["unknownToAll"].(map[string]any)["kept"]; !kept {
		t.Fatal("a member that nobody knows was lost")
	}

	_, err = api.PostDashboard(&models.SaveDashboardCommand{FolderUID: "go-boards",
		Dashboard: map[string]any{"uid": "go-board", "title": "Third", "version": 1}})
	refused(t, err, 412)

	versions, err := api.GetDashboardVersionsByUID(
		dashboards.NewGetDashboardVersionsByUIDParams().WithUID("go-board"))
	valid(t, err, versions)
	equal(t, "versions", len(versions.Payload.Versions), 2)
	equal(t, "message", versions.Payload.Versions[1].Message, "one")
	old, err := api.GetDashboardVersionByUID("go-board", 1)
	valid(t, err, old)
	equal(t, "title then", old.Payload.Data.(map[string]any)["title"].(string), "First")

	restored, err := api.RestoreDashboardVersionByUID("go-board",
		&models.RestoreDashboardVersionCommand{Version: 1})
	must(t, err)
	saved(t, *restored.Payload.Status, *restored.Payload.UID)
	equal(t, "version", *restored.Payload.Version, 3)

	hits, err := connect(t).Search.Search(
		search.NewSearchParams().WithTag([]string{"go"}).WithType(to("dash-db")))
	must(t, err)
	equal(t, "hits", len(hits.Payload), 1)
	check(t, hits.Payload[0])
	equal(t, "title found", hits.Payload[0].Title, "First")
	tags, err := api.GetDashboardTags()
	must(t, err)
	equal(t, "a tag", tags.Payload[len(tags.Payload)-1].Term != "", true)

	gone, err := api.DeleteDashboardByUID("go-board")
	valid(t, err, gone)
	equal(t, "title", *gone.Payload.Title, "First")
	_, err = api.GetDashboardByUID("go-board")
	refused(t, err, 404)
}
