package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// connection is how a client command reaches the cluster: flags that are also
// environment variables, and the token, which is only the latter so that no
// process list shows it.
type connection struct {
	addr    []string
	ns      string
	caCert  string
	timeout time.Duration
}

func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&c.addr, "addr", []string{clientsdk.DefaultEndpoint}, "endpoints of the cluster, with commas between (ROLLCALL_ADDR)")
	f.StringVar(&c.ns, "ns", wire.DefaultNS, "namespace (ROLLCALL_NS)")
	f.StringVar(&c.caCert, "cacert", "", "file of the certificates that may vouch for https endpoints (ROLLCALL_CACERT)")
	f.DurationVar(&c.timeout, "timeout", 6*time.Second, "how long one try of a request may take (ROLLCALL_TIMEOUT)")
	before(cmd, func(cmd *cobra.Command) error {
		return settleFromEnvironment(cmd.Flags(), "addr", "ns", "cacert", "timeout")
	})
}

// before runs f ahead of the command, after what was put there earlier.
func before(cmd *cobra.Command, f func(*cobra.Command) error) {
	earlier := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if earlier != nil {
			if err := earlier(cmd, args); err != nil {
				return err
			}
		}
		return f(cmd)
	}
}

func (c *connection) config() clientsdk.Config {
	return clientsdk.Config{
		Endpoints:      c.addr,
		Namespace:      c.ns,
		Token:          os.Getenv(clientsdk.EnvToken),
		CACert:         c.caCert,
		RequestTimeout: c.timeout,
		Retry:          clientsdk.Retry{Tries: max(3, len(c.addr))},
	}
}

// open makes a client; the command closes it.
func (c *connection) open() (*remote, error) { return openRemote(c.config()) }

func openRemote(config clientsdk.Config) (*remote, error) {
	client, err := clientsdk.New(config)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	return &remote{client}, nil
}

// remote is a cluster as one command sees it.
type remote struct{ *clientsdk.Client }

// close is for defer: closing a client never fails.
func (r *remote) close() { _ = r.Close() }

// request is one question to the cluster.
type request struct {
	method string // GET unless set
	path   string
	query  url.Values
	body   any // sent as JSON unless nil
}

// ask returns the answer's body and header as they came.
func (r *remote) ask(ctx context.Context, q request) ([]byte, http.Header, error) {
	method := q.method
	if method == "" {
		method = http.MethodGet
	}
	return r.Do(ctx, method, q.path, q.query, q.body, nil)
}

// askFor also decodes the answer into a new T.
func askFor[T any](ctx context.Context, r *remote, q request) (*T, []byte, error) {
	body, _, err := r.ask(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	v := new(T)
	if err := json.Unmarshal(body, v); err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	return v, body, nil
}

// leasePath is the path of a lease; an id of odd characters is the node's to
// refuse.
func leasePath(id string, rest string) string {
	return wire.PathLeases + "/" + url.PathEscape(id) + rest
}
