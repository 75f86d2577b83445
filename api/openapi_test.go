package api_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
)

func TestDocumentIsValid(t *testing.T) {
	doc, _ := document()
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi %s", doc.OpenAPI)
	}
}

// TestEveryRouteIsDocumented holds the table of routes and the document
// against each other: operations, query parameters, bodies and problems.
func TestEveryRouteIsDocumented(t *testing.T) {
	doc, _ := document()
	undocumented := operations(doc)
	for _, route := range api.Routes() {
		name := route.Method + " " + route.Path
		op := undocumented[name]
		if op == nil {
			t.Errorf("%s is not in the document", name)
			continue
		}
		delete(undocumented, name)
		checkParameters(t, name, route, op)
		checkBody(t, name, route, op)
		checkResponses(t, name, route, op)
	}
	for name := range undocumented {
		t.Errorf("the document has %s, which is no route", name)
	}
}

func operations(doc *openapi3.T) map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

func checkParameters(t *testing.T, name string, route api.Route, op *openapi3.Operation) {
	t.Helper()
	var documented []string
	for _, p := range op.Parameters {
		if p.Value.In == "query" {
			documented = append(documented, p.Value.Name)
		}
	}
	taken := slices.Sorted(slices.Values(route.Query))
	if slices.Sort(documented); !slices.Equal(documented, taken) {
		t.Errorf("%s takes %v, the document says %v", name, taken, documented)
	}
}

func checkBody(t *testing.T, name string, route api.Route, op *openapi3.Operation) {
	t.Helper()
	if (op.RequestBody != nil) != (route.Body != 0 || route.Upload) {
		t.Errorf("%s: a body is in the document: %v", name, op.RequestBody != nil)
	}
	if op.RequestBody == nil {
		return
	}
	content := op.RequestBody.Value.Content
	if route.Upload {
		if content[wire.TypeBackup] == nil || content["application/octet-stream"] == nil || len(content) != 2 {
			t.Errorf("%s: media types of the body: %v", name, slices.Collect(maps.Keys(content)))
		}
		return
	}
	if content[wire.TypeJSON] == nil || content[wire.TypeCBOR] == nil || (content[wire.TypeBeats] != nil) != route.Beats {
		t.Errorf("%s: media types of the body: %v", name, slices.Collect(maps.Keys(content)))
	}
}

func checkResponses(t *testing.T, name string, route api.Route, op *openapi3.Operation) {
	t.Helper()
	if op.Responses.Default() != nil {
		t.Errorf("%s: a default response would let any status pass", name)
	}
	want := []int{400, 403, 405, 500}
	if route.Kind != api.Ops {
		want = append(want, 503)
	}
	if route.Body != 0 || route.Upload {
		want = append(want, 413, 415)
	}
	for _, status := range want {
		if op.Responses.Status(status) == nil {
			t.Errorf("%s: no %d in the document", name, status)
		}
	}
	for status, response := range op.Responses.Map() {
		checkResponse(t, name+" "+status, route, response.Value)
	}
}

func checkResponse(t *testing.T, name string, route api.Route, r *openapi3.Response) {
	t.Helper()
	want := []string{wire.HeaderNode, wire.HeaderRequestID}
	if route.Kind == api.Read && r.Content[wire.TypeProblem] == nil {
		want = append(want, wire.HeaderRevision, wire.HeaderLeader, wire.HeaderStaleness, wire.HeaderConsistency)
	}
	for _, header := range want {
		if h := r.Headers[header]; h == nil || !h.Value.Required {
			t.Errorf("%s: no %s in the document", name, header)
		}
	}
}

// TestEveryRouteHasARow checks what the table itself promises.
func TestEveryRouteHasARow(t *testing.T) {
	open := []string{wire.PathHealth, wire.PathReady, wire.PathOpenAPI, "/"}
	for _, route := range api.Routes() {
		if (route.Permission == "") != slices.Contains(open, route.Path) {
			t.Errorf("%s %s: permission %q", route.Method, route.Path, route.Permission)
		}
		if (route.Kind == api.Ops) == strings.HasPrefix(route.Path, "/v1/") {
			t.Errorf("%s %s: kind %d", route.Method, route.Path, route.Kind)
		}
		if (route.Kind == api.Read) && route.Method != http.MethodGet {
			t.Errorf("%s %s reads", route.Method, route.Path)
		}
	}
}
