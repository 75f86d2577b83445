package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// healthy is what three nodes that are well answer.
func healthy() *examination {
	cluster := func() *wire.Cluster {
		c := &wire.Cluster{ClusterID: "c1", Leader: "n1", Term: 2}
		for _, id := range []string{"n1", "n2", "n3"} {
			c.Nodes = append(c.Nodes, wire.Node{ID: id, Role: "voter", Gossip: "alive", Applied: 100, Version: "v1"})
		}
		c.Nodes[0].Role = "leader"
		return c
	}
	e := newExamination()
	for _, id := range []string{"n1", "n2", "n3"} {
		e.add(&visited{addr: "http://" + id, node: id, leader: "n1", staleness: 12, cluster: cluster()})
	}
	return e
}

func TestDoctorFindsNothingWrongWithTheHealthy(t *testing.T) {
	e := healthy()
	for _, f := range e.findings() {
		if f.Verdict != verdictOK || f.Do != "" {
			t.Errorf("%+v", f)
		}
	}
	if err := conclude(e.findings(), e); err != nil {
		t.Error(err)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		harm    func(*examination)
		verdict string
		found   string
		code    int
	}{
		"endpoint down": {
			func(e *examination) { e.add(&visited{addr: "http://n4", err: errors.New("refused")}) },
			verdictFail, "http://n4 does not answer", exitFailed,
		},
		"node known by hearsay only": {
			func(e *examination) {
				e.add(&visited{addr: "http://n4:7700", hearsay: "n4", err: errors.New("refused")})
			},
			verdictWarn, "n4, which the cluster knows", exitDone,
		},
		"not ready": {
			func(e *examination) { e.visits[1].unready = errors.New("catching up") },
			verdictFail, "n2 is not ready", exitFailed,
		},
		"stale": {
			func(e *examination) { e.visits[2].staleness = 5_000 },
			verdictWarn, "n3 is 5s behind", exitDone,
		},
		"no leader": {func(e *examination) {
			for _, v := range e.visits {
				v.leader, v.cluster.Leader, v.staleness = "", "", wire.Unknown
			}
		}, verdictFail, "no leader is known", exitNoQuorum},
		"leaders differ": {
			func(e *examination) { e.visits[2].leader = "n2" },
			verdictWarn, "different leaders: n1, n2", exitDone,
		},
		"clusters differ": {
			func(e *examination) { e.visits[2].cluster.ClusterID = "c2" },
			verdictFail, "different clusters: c1, c2", exitFailed,
		},
		"one voter dead": {
			func(e *examination) { e.visits[0].cluster.Nodes[2].Gossip = "dead" },
			verdictWarn, "2 of 3 voters alive, 2 needed: no further one may fail", exitDone,
		},
		"two voters dead": {func(e *examination) {
			e.visits[0].cluster.Nodes[1].Gossip, e.visits[0].cluster.Nodes[2].Gossip = "dead", "dead"
		}, verdictFail, "1 of 3 voters alive", exitFailed},
		"versions differ": {
			func(e *examination) { e.visits[0].cluster.Nodes[2].Version = "v2" },
			verdictWarn, "v1 on n1, n2; v2 on n3", exitDone,
		},
		"lagging": {
			func(e *examination) { e.visits[0].cluster.Nodes[0].Applied = 100_000 },
			verdictWarn, "n2 by 99900 entries, n3 by 99900 entries", exitDone,
		},
		"clocks differ": {
			func(e *examination) { e.visits[1].skew = time.Minute },
			verdictWarn, "the clock of n2 is about 1m0s ahead", exitDone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := healthy()
			test.harm(e)
			found := false
			for _, f := range e.findings() {
				found = found || f.Verdict == test.verdict && strings.Contains(f.Found, test.found) && f.Do != ""
			}
			if !found {
				t.Errorf("no %s of %q in %+v", test.verdict, test.found, e.findings())
			}
			if code := exitCode(conclude(e.findings(), e)); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
		})
	}
}

func TestDoctorExaminesADataDirectory(t *testing.T) {
	dir := t.TempDir()
	if f := checkDataDir(dir); len(f) != 1 || f[0].Verdict != verdictOK {
		t.Errorf("empty: %+v", f)
	}
	for _, name := range []string{"node.json", "raft.db", "snapshots"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if f := checkDataDir(dir); f[0].Verdict != verdictFail || !strings.Contains(f[0].Found, "lacks state.db") {
		t.Errorf("incomplete: %+v", f)
	}
}
