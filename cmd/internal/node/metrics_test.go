package node

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md anew")

const metricsDoc = "../../../docs/reference/metrics.md"

var desc = regexp.MustCompile(`fqName: "([^"]*)", help: ("(?:[^"\\]|\\.)*"), .*variableLabels: \{([^}]*)\}`)

// TestMetricsTable holds the table that people read against what a node
// registers.
func TestMetricsTable(t *testing.T) {
	bubble(t, func(c *cluster) {
		r := c.start(1, 1)
		c.ready()
		got := metricsTable(r.cfg.Registry)
		if *update {
			if err := os.WriteFile(metricsDoc, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(metricsDoc)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/reference/metrics.md does not show what a node registers; write it anew with go test ./cmd/internal/node -run TestMetricsTable -update\n%s", got)
		}
	})
}

func metricsTable(reg *prometheus.Registry) []byte {
	descs := make(chan *prometheus.Desc)
	go func() {
		reg.Describe(descs)
		close(descs)
	}()
	var rows []string
	for d := range descs {
		m := desc.FindStringSubmatch(d.String())
		help := strings.Trim(strings.ReplaceAll(m[2], `\"`, `"`), `"`)
		labels := strings.ReplaceAll(m[3], ",", ", ")
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", m[1], labels, help))
	}
	slices.Sort(rows)
	var b bytes.Buffer
	b.WriteString(metricsHead)
	for _, row := range slices.Compact(rows) {
		b.WriteString(row + "\n")
	}
	return b.Bytes()
}

const metricsHead = `# Metrics

Every node serves these at ` + "`/metrics`" + ` in Prometheus' text format. No identity of a client is a label. Beside them come what
hashicorp/raft (` + "`rollcall_raft_…`" + `) and hashicorp/memberlist (` + "`rollcall_memberlist_…`" + `) measure themselves, and the Go
runtime and the process (` + "`go_…`, `process_…`" + `).

| metric | labels | meaning |
| --- | --- | --- |
`
