package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/seed-b4c92e43/rollcall/api"
	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/docs"
)

// document loads docs/openapi.yaml once, and tells kin-openapi of our formats.
var document = sync.OnceValues(func() (*openapi3.T, routers.Router) {
	doc, err := openapi3.NewLoader().LoadFromData(docs.OpenAPI)
	if err != nil {
		panic(err)
	}
	openapi3filter.RegisterBodyDecoder(wire.TypeCBOR, decodeCBOR)
	openapi3filter.RegisterBodyDecoder(wire.TypeBeats, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/openmetrics-text", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.FileBodyDecoder)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return doc, router
})

// decodeCBOR shows a CBOR body as the JSON that it stands for.
func decodeCBOR(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var v map[string]any
	if err := cbor.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	text, err := json.Marshal(stringKeys(v))
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var plain any
	err = dec.Decode(&plain)
	return plain, err
}

func stringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, item := range v {
			m[fmt.Sprint(k)] = stringKeys(item)
		}
		return m
	case map[string]any:
		for k, item := range v {
			v[k] = stringKeys(item)
		}
	case []any:
		for i, item := range v {
			v[i] = stringKeys(item)
		}
	}
	return v
}

// client sends requests to a server and checks what every answer must have.
type client struct {
	t    testing.TB
	base string
	http *http.Client
	api  *api.Server
}

func serve(t testing.TB, c api.Config) *client {
	t.Helper()
	s, err := api.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := c.Node.(*node); ok {
		n.run(t)
	}
	server := httptest.NewUnstartedServer(s.Handler())
	server.Config = s.HTTPServer()
	server.Listener = s.Listener(server.Listener)
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &client{t: t, base: server.URL, http: server.Client(), api: s}
}

// reply is an answer whose body was read.
type reply struct {
	*http.Response
	t    testing.TB
	body []byte
}

// option changes a request before it is sent.
type option func(*http.Request)

func header(name, value string) option {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func host(name string) option { return func(r *http.Request) { r.Host = name } }

// do sends a JSON body, none when it is "".
func (c *client) do(method, path, body string, options ...option) *reply {
	c.t.Helper()
	if body != "" {
		options = append([]option{header("Content-Type", wire.TypeJSON)}, options...)
	}
	return c.send(method, path, []byte(body), options...)
}

func (c *client) send(method, path string, body []byte, options ...option) *reply {
	c.t.Helper()
	var reader io.Reader
	if len(body) > 0 {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequest(method, c.base+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, option := range options {
		option(req)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	r := &reply{resp, c.t, got}
	c.check(req, body, r)
	return r
}

// check holds an exchange against the contract's general rules and the
// document.
func (c *client) check(req *http.Request, body []byte, r *reply) {
	c.t.Helper()
	if r.Header.Get(wire.HeaderNode) != "n1" || r.Header.Get(wire.HeaderRequestID) == "" {
		c.t.Errorf("%s %s: no %s or %s: %v", req.Method, req.URL, wire.HeaderNode, wire.HeaderRequestID, r.Header)
	}
	if r.StatusCode >= 400 && req.Method != http.MethodHead {
		r.checkProblem()
	}
	if err := fitsDocument(req, body, r); err != nil {
		c.t.Errorf("%s %s: %v\n%s", req.Method, req.URL, err, r.body)
	}
}

// fitsDocument validates an answer, and the request where it was accepted.
func fitsDocument(req *http.Request, body []byte, r *reply) error {
	_, router := document()
	again := req.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := router.FindRoute(again)
	if err != nil {
		return undocumented(req, r)
	}
	for name, escaped := range params {
		if plain, err := url.PathUnescape(escaped); err == nil {
			params[name] = plain
		}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: again, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
	if r.StatusCode < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return fmt.Errorf("an accepted request does not fit the document: %w", err)
		}
	}
	answer := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: r.StatusCode, Header: r.Header,
		Body: io.NopCloser(bytes.NewReader(r.body)), Options: input.Options,
	}
	return openapi3filter.ValidateResponse(context.Background(), answer)
}

// undocumented is right for HEAD and OPTIONS, and for what is answered 404,
// 405 or not let in; ids that do not fit may stand in the way of a route.
func undocumented(req *http.Request, r *reply) error {
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusForbidden, http.StatusBadRequest:
		return nil
	}
	if req.Method == http.MethodHead || req.Method == http.MethodOptions {
		return nil
	}
	return fmt.Errorf("status %d, but the document has no such operation", r.StatusCode)
}

func (r *reply) checkProblem() *wire.Problem {
	r.t.Helper()
	var p wire.Problem
	if err := json.Unmarshal(r.body, &p); err != nil {
		r.t.Fatalf("status %d without a problem: %q", r.StatusCode, r.body)
	}
	if r.Header.Get("Content-Type") != wire.TypeProblem || p.Status != r.StatusCode || p.Status != p.Code.Status() ||
		p.Type != "/problems/"+string(p.Code) || p.Title == "" || p.Detail == "" {
		r.t.Errorf("odd problem: %d %v %s", r.StatusCode, r.Header, r.body)
	}
	if p.Retryable != (p.Status == 429 || p.Status == 503) || p.Retryable != (r.Header.Get("Retry-After") != "") {
		r.t.Errorf("retryable %v, status %d, Retry-After %q", p.Retryable, p.Status, r.Header.Get("Retry-After"))
	}
	return &p
}

// is checks the status.
func (r *reply) is(status int) *reply {
	r.t.Helper()
	if r.StatusCode != status {
		r.t.Fatalf("%s %s: status %d, want %d: %s", r.Request.Method, r.Request.URL, r.StatusCode, status, r.body)
	}
	return r
}

// refuses checks the code of a problem and returns it.
func (r *reply) refuses(code wire.Code) *wire.Problem {
	r.t.Helper()
	r.is(code.Status())
	p := r.checkProblem()
	if p.Code != code {
		r.t.Fatalf("%s %s: code %s, want %s: %s", r.Request.Method, r.Request.URL, p.Code, code, r.body)
	}
	return p
}

// invalid checks for a 400 of that field.
func (r *reply) invalid(field string) {
	r.t.Helper()
	if p := r.refuses(wire.CodeInvalidRequest); p.Field != field {
		r.t.Errorf("%s %s: field %q, want %q: %s", r.Request.Method, r.Request.URL, p.Field, field, r.body)
	}
}

// into decodes a JSON answer strictly.
func into[T any](r *reply) T {
	r.t.Helper()
	var v T
	dec := json.NewDecoder(bytes.NewReader(r.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		r.t.Fatalf("decode %s: %v", r.body, err)
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), wire.TypeJSON) {
		r.t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
	}
	return v
}

// register grants a lease with a body, "" for none.
func (c *client) register(id, body string) wire.Grant {
	c.t.Helper()
	r := c.do(http.MethodPut, wire.PathLeases+"/"+id, body)
	if r.StatusCode != http.StatusCreated && r.StatusCode != http.StatusOK {
		c.t.Fatalf("register %s: %d %s", id, r.StatusCode, r.body)
	}
	return into[wire.Grant](r)
}

// beat renews a lease.
func (c *client) beat(id string, epoch, seq uint64) *reply {
	c.t.Helper()
	return c.do(http.MethodPost, wire.PathLeases+"/"+id+"/heartbeat", fmt.Sprintf(`{"epoch":%d,"seq":%d}`, epoch, seq))
}
