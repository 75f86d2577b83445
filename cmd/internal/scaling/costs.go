package scaling

// Costs are what single things cost. All CPU is in microseconds of one core, all
// sizes in bytes.
type Costs struct {
	HTTPBeat, SessionBeat, BatchBeat float64 // CPU of the node that takes it
	HTTPGrant                        float64
	ForwardBeat                      float64 // CPU of follower and leader together
	ApplyBeat                        float64 // CPU of every replica
	ApplyGrant, ApplyEnd             float64 // CPU of every replica, the event included
	EntryLeader, EntryFollower       float64 // CPU of one Raft entry, whatever is in it
	EntryReplayed                    float64 // the same on a follower that is behind and gets many at once
	Event, Inform                    float64 // CPU: encoding once; each watcher informed
	Connect                          float64 // CPU of a new connection
	LoadLease                        float64 // CPU of one lease at a start or an installed snapshot

	HTTPBytes, SessionBytes, BatchBytes float64 // on the wire for a beat, both ways
	ForwardBytes                        float64 // for a beat, both ways
	BeatBytes, EntryBytes               float64 // in the log and to each follower
	ChangeBytes                         float64 // the same, for a grant or an end
	EventBytes                          float64 // on the wire to each watcher

	Syncs           float64 // fdatasyncs of an entry; how long one takes is the plan's
	EntryPages      float64 // written to the disk for an entry beside its bytes
	LeaseMemory     float64 // resident
	LeaseImage      float64 // in state.db
	RenewalPacked   float64 // in a checkpoint, for each lease
	ConnMemory      float64 // an idle HTTP connection
	SessionMemory   float64
	WatchMemory     float64
	KeptEvents      float64 // resident: all that are kept
	LogBetween      float64 // of log between two snapshots at least; half of it is kept
	FailoverMS      float64 // from the loss of the leader to the first commit
	ConnectionsNode float64 // sessions that one node takes at most
}

// Measured are the costs as far as they are known. What only a quiet machine can
// tell is to be filled in here, and nowhere else; then
//
//	go test ./cmd/internal/scaling -run TestDocument -args -write
//
// writes docs/scaling.md anew.
func Measured() Costs {
	return Costs{
		HTTPBeat:    46,
		SessionBeat: 6,
		BatchBeat:   0.3,
		HTTPGrant:   80,
		ForwardBeat: 0.15,
		ApplyBeat:   0.2,
		ApplyGrant:  6,
		ApplyEnd:    5,

		EntryLeader:   1700,
		EntryFollower: 700,
		EntryReplayed: 100,
		Event:         6,
		Inform:        15,
		Connect:       60,
		LoadLease:     4,

		HTTPBytes:    780,
		SessionBytes: 290,
		BatchBytes:   36,
		ForwardBytes: 24,
		BeatBytes:    16,
		EntryBytes:   160,
		ChangeBytes:  200,
		EventBytes:   560,

		Syncs:         2,
		EntryPages:    12 << 10,
		LeaseMemory:   450,
		LeaseImage:    220,
		RenewalPacked: 12,
		ConnMemory:    12 << 10,
		SessionMemory: 15_800,
		WatchMemory:   9_600,
		KeptEvents:    40e6,
		LogBetween:    64 << 20,
		FailoverMS:    900,

		ConnectionsNode: 20_000,
	}
}

// Cost is one row of the table of unit costs.
type Cost struct {
	Name  string
	Value *float64
	Unit  string
	Of    string
	// By is the command that measures it. Known says how far it may be trusted.
	By, Known string
}

const (
	measured = "measured"
	derived  = "derived" // from what was measured
	rough    = "rough"   // a short run on a busy machine
	assumed  = "assumed"

	byBench  = "`rollcall bench` and /proc/PID/stat"
	byMemory = "`rollcall bench idle`"
)

// Rows are the costs by name, in the order of the table.
func (c *Costs) Rows() []Cost {
	return append(c.processor(), append(c.bytes(), c.rest()...)...)
}

func (c *Costs) processor() []Cost {
	const us = "µs"
	return []Cost{
		{"http_beat", &c.HTTPBeat, us, "a heartbeat over HTTP, at the node that takes it", byBench, measured},
		{"session_beat", &c.SessionBeat, us, "one over a session, pipelined", "`rollcall bench --mode session --pipeline 100`", derived},
		{"batch_beat", &c.BatchBeat, us, "one in a batch of 1,000 in JSON", "`BenchmarkHeartbeats` (api)", rough},
		{"http_grant", &c.HTTPGrant, us, "a grant over HTTP, at the node that takes it", "`rollcall bench grant`", assumed},
		{"forward_beat", &c.ForwardBeat, us, "a beat from follower to leader and back, both of them", "`Benchmark…Frame` (cmd/internal/node)", rough},
		{"apply_beat", &c.ApplyBeat, us, "a beat, on every replica", "`BenchmarkApplyBeats` (registry)", rough},
		{"apply_grant", &c.ApplyGrant, us, "a grant and its event, on every replica", "`BenchmarkApplyGrant`, `BenchmarkFlush` (registry)", rough},
		{"apply_end", &c.ApplyEnd, us, "an end with certificate and event, on every replica", "`BenchmarkApplyExpire` (registry)", rough},
		{"entry_leader", &c.EntryLeader, us, "a Raft entry on the leader, whatever is in it", byBench, derived},
		{"entry_follower", &c.EntryFollower, us, "a Raft entry on a follower or an edge", "`BenchmarkPropose` (raftstore), user and system time", derived},
		{"entry_replayed", &c.EntryReplayed, us, "one of many that a follower gets at once because it was away", "`BenchmarkStoreLogs/entries=64` (raftstore), user and system time", assumed},
		{"event", &c.Event, us, "an event encoded, once on every node", "`BenchmarkEncodeEvent` (api)", rough},
		{"inform", &c.Inform, us, "a watcher informed of it", "`rollcall bench watch`; `BenchmarkFanOut` (registry/watch)", assumed},
		{"connect", &c.Connect, us, "a new connection", "`rollcall bench idle`", assumed},
		{"load_lease", &c.LoadLease, us, "a lease loaded at a start or after a snapshot", "`BenchmarkLoad` (registry)", rough},
	}
}

func (c *Costs) bytes() []Cost {
	const b = "B"
	return []Cost{
		{"http_bytes", &c.HTTPBytes, b, "a heartbeat over HTTP on the wire, both ways, with heads of TCP and IP", "a capture of `rollcall bench`", derived},
		{"session_bytes", &c.SessionBytes, b, "one over a session", "a capture of `rollcall bench --mode session`", derived},
		{"batch_bytes", &c.BatchBytes, b, "one in a batch in JSON", "`BenchmarkDecodeBeats` (api)", derived},
		{"forward_bytes", &c.ForwardBytes, b, "a beat between follower and leader, both ways", "`Benchmark…Frame` (cmd/internal/node)", measured},
		{"beat_bytes", &c.BeatBytes, b, "a beat in the log, and to each follower", "`BenchmarkEncodeEntry` (registry)", measured},
		{"entry_bytes", &c.EntryBytes, b, "an entry beside what is in it, to each follower and back", "a capture between two nodes", assumed},
		{"change_bytes", &c.ChangeBytes, b, "a grant or an end in the log", "`BenchmarkEncodeEntry` (registry)", measured},
		{"event_bytes", &c.EventBytes, b, "an event to a watcher", "`BenchmarkEncodeEvent` (api)", measured},
	}
}

func (c *Costs) rest() []Cost {
	const b = "B"
	return []Cost{
		{"syncs", &c.Syncs, "", "fdatasyncs of an entry, on every node", "`BenchmarkStoreLogs` (raftstore) under strace", measured},
		{"entry_pages", &c.EntryPages, b, "written to the disk for an entry beside its bytes", "`BenchmarkStoreLogs` and /proc/PID/io", measured},
		{"lease_memory", &c.LeaseMemory, b, "a lease, resident", "`TestLeasesAreSmall` (registry), `process_resident_memory_bytes`", derived},
		{"lease_image", &c.LeaseImage, b, "a lease in state.db, its event included", "`BenchmarkFlush` (registry)", derived},
		{"renewal_packed", &c.RenewalPacked, b, "a lease's renewals in a checkpoint", "`BenchmarkPackRenewals` (registry)", rough},
		{"conn_memory", &c.ConnMemory, b, "an idle HTTP connection", byMemory, assumed},
		{"session_memory", &c.SessionMemory, b, "an idle session", byMemory, measured},
		{"watch_memory", &c.WatchMemory, b, "an idle watch", byMemory, measured},
		{"kept_events", &c.KeptEvents, b, "the events that a node keeps", "`TestEventsAreSmall` (registry)", derived},
		{"log_between", &c.LogBetween, b, "of log between two snapshots at least; half of it is kept", "docs/reference/limits.md", measured},
		{"failover", &c.FailoverMS, "ms", "from the loss of the leader to the first commit", "`make e2e`", measured},
		{"connections", &c.ConnectionsNode, "", "sessions, or watches, that a node takes at most", "docs/reference/limits.md", measured},
	}
}
