// SPDX-License-Identifier: Apache-2.0
package grafanaclient

import (
	"strconv"
	"testing"

	"github.com/grafana/grafana-openapi-client-go/client/annotations"
	"github.com/grafana/grafana-openapi-client-go/client/library_elements"
	"github.com/grafana/grafana-openapi-client-go/client/playlists"
	"github.com/grafana/grafana-openapi-client-go/models"
)

func TestAnnotation(t *testing.T) {
	api := connect(t).Annotations
	made, err := api.PostAnnotation(&models.PostAnnotationsCmd{Text: to("deployed"),
		Time: 1_700_000_000_000, TimeEnd: 1_700_000_060_000, Tags: []string{"go", "deploy"}})
	valid(t, err, made)
	id := strconv.FormatInt(*made.Payload.ID, 10)
	read, err := api.GetAnnotationByID(id)
	valid(t, err, read)
	equal(t, "text", read.Payload.Text, "deployed")
	equal(t, "end", read.Payload.TimeEnd, 1_700_000_060_000)
	_, err = api.PatchAnnotation(id, &models.PatchAnnotationsCmd{Text: "deployed twice"})
	must(t, err)
	found, err := api.GetAnnotations(annotations.NewGetAnnotationsParams().
		WithTags([]string{"deploy"}).WithFrom(to(int64(1_699_999_999_000))).
		WithTo(to(int64(1_700_000_001_000))))
	must(t, err)
	equal(t, "found", len(found.Payload), 1)
	check(t, found.Payload[0])
	equal(t, "text", found.Payload[0].Text, "deployed twice")
	tags, err := api.GetAnnotationTags(annotations.NewGetAnnotationTagsParams())
	valid(t, err, tags)
	_, err = api.DeleteAnnotationByID(id)
	must(t, err)
	_, err = api.GetAnnotationByID(id)
	equal(t, "gone", err != nil, true)
}

func TestLibraryPanel(t *testing.T) {
	newFolder(t, "go-panels", "")
	api := connect(t).LibraryElements
	model := map[string]any{"type": "timeseries", "title": "Requests", "kept": []any{"as", "is"}}
	made, err := api.CreateLibraryElement(&models.CreateLibraryElementCommand{
		Name: "go panel", UID: "go-panel", Kind: 1, FolderUID: "go-panels", Model: model})
	valid(t, err, made)
	model["title"] = "More requests"
	changed, err := api.UpdateLibraryElement("go-panel", &models.PatchLibraryElementCommand{
		Name: "go panel", Kind: 1, FolderUID: "go-panels", Model: model,
		Version: made.Payload.Result.Version})
	valid(t, err, changed)
	read, err := api.GetLibraryElementByUID("go-panel")
	valid(t, err, read)
	got := read.Payload.Result
	equal(t, "title", got.Model.(map[string]any)["title"].(string), "More requests")
	byName, err := api.GetLibraryElementByName("go panel")
	valid(t, err, byName)
	all, err := api.GetLibraryElements(library_elements.NewGetLibraryElementsParams())
	valid(t, err, all)
	uses, err := api.GetLibraryElementConnections("go-panel")
	valid(t, err, uses)
	_, err = api.DeleteLibraryElementByUID("go-panel")
	must(t, err)
	_, err = api.GetLibraryElementByUID("go-panel")
	refused(t, err, 404)
}

func TestPlaylist(t *testing.T) {
	api := connect(t).Playlists
	made, err := api.CreatePlaylist(&models.CreatePlaylistCommand{Name: "go list", Interval: "5m",
		Items: []*models.PlaylistItem{{Type: "dashboard_by_tag", Value: "go", Title: "go"}}})
	valid(t, err, made)
	uid := made.Payload.UID
	read, err := api.GetPlaylist(uid)
	valid(t, err, read)
	equal(t, "interval", read.Payload.Interval, "5m")
	items, err := api.GetPlaylistItems(uid)
	must(t, err)
	equal(t, "items", len(items.Payload), 1)
	changed, err := api.UpdatePlaylist(uid, &models.UpdatePlaylistCommand{Name: "go list 2",
		Interval: "10m", Items: []*models.PlaylistItem{{Type: "dashboard_by_tag", Value: "two"}}})
	valid(t, err, changed)
	equal(t, "name", changed.Payload.Name, "go list 2")
	found, err := api.SearchPlaylists(playlists.NewSearchPlaylistsParams().WithQuery(to("go list")))
	must(t, err)
	equal(t, "found", len(found.Payload), 1)
	_, err = api.DeletePlaylist(uid)
	must(t, err)
	_, err = api.GetPlaylist(uid)
	refused(t, err, 404)
}
