//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// row is a line of the table at the end: all runs of one scenario.
type row struct {
	name     string
	faults   int
	asked    int
	acked    int
	early    int
	lost     int
	gaps     int
	others   int
	outage   time.Duration
	recovery time.Duration
}

func (r *run) note(s scenario, t *tally, back time.Duration) {
	r.noteNamed(s.String(), t, len(s), back)
}

func (r *run) noteNamed(name string, t *tally, faults int, back time.Duration) {
	var at *row
	for _, known := range r.rows {
		if known.name == name {
			at = known
		}
	}
	if at == nil {
		at = &row{name: name}
		r.rows = append(r.rows, at)
	}
	at.add(t, faults, back)
}

func (w *row) add(t *tally, faults int, back time.Duration) {
	w.faults += faults
	w.asked += t.asked
	w.acked += t.acked
	w.early += t.of(early)
	w.lost += t.of(lost)
	w.gaps += t.of(gap)
	w.others += len(t.findings) - t.of(early, lost, gap)
	w.recovery = max(w.recovery, back)
	if faults > 0 {
		w.outage = max(w.outage, t.outage)
	}
}

// table prints all rows and their sum.
func (r *run) table() {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "scenario\tfaults\toperations\tacknowledged\tdied early\tlost\tgaps\tother\tlongest outage\tslowest recovery\t")
	sum := row{name: "all"}
	for _, w := range append(r.rows, &sum) {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f s\t%.1f s\t\n", w.name, w.faults, w.asked, w.acked,
			w.early, w.lost, w.gaps, w.others, w.outage.Seconds(), w.recovery.Seconds())
		sum.faults, sum.asked, sum.acked = sum.faults+w.faults, sum.asked+w.asked, sum.acked+w.acked
		sum.early, sum.lost, sum.gaps, sum.others = sum.early+w.early, sum.lost+w.lost, sum.gaps+w.gaps, sum.others+w.others
		sum.outage, sum.recovery = max(sum.outage, w.outage), max(sum.recovery, w.recovery)
	}
	out.Flush()
}

// finish prints the table and, where something was wrong, keeps what explains
// it. It returns the exit code.
func (r *run) finish(dir string) int {
	fmt.Println()
	r.table()
	if r.fleet != nil {
		fmt.Printf("%d events, %d silent leases not judged yet, %d stalls of the driver, %d deaths that they excuse, %.0f s in all\n",
			r.fleet.record.all, len(r.fleet.silents.open), r.fleet.clock.count(), len(r.ledger.unsure), time.Since(r.began).Seconds())
	}
	for _, what := range r.ledger.unsure[:min(len(r.ledger.unsure), 3)] {
		fmt.Println("excused:", what)
	}
	t := r.ledger.take(0)
	if len(t.findings) == 0 && r.whole {
		return 0
	}
	for _, f := range t.findings[:min(len(t.findings), 20)] {
		fmt.Printf("%s %s: %s\n", f.at.Format("15:04:05.000"), f.kind, f.text)
	}
	if len(t.findings) > 0 {
		r.keep(dir, t.findings)
	}
	return 1
}

// keep copies the logs of the nodes and everything that was found to where it
// stays.
func (r *run) keep(dir string, findings []finding) {
	to := r.reportDir()
	err := os.MkdirAll(to, 0o755)
	var text strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&text, "%s %s: %s\n", f.at.Format(time.RFC3339Nano), f.kind, f.text)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "findings.txt"), []byte(text.String()), 0o600)
	}
	for _, h := range r.stage.lab.Hosts {
		log, readErr := os.ReadFile(h.LogFile())
		if err == nil && readErr == nil {
			err = os.WriteFile(filepath.Join(to, h.Name+".log"), log, 0o600)
		}
	}
	if err != nil {
		fmt.Println("the report could not be kept:", err)
		return
	}
	fmt.Printf("logs and findings are in %s; again: make nemesis SEED=%d SCENARIOS=%s\n", to, r.cfg.seed, r.cfg.scenarios)
}

func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
