package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/cmd/internal/node"
)

// nodeSettings is what a node is told, as flags. The node itself checks them.
type nodeSettings struct {
	file      string
	node      node.Config
	debugAddr string // of profiles; empty: none
	logLevel  string
	logFormat string
}

func (s *nodeSettings) flags(cmd *cobra.Command) {
	f, c := cmd.Flags(), &s.node
	host, _ := os.Hostname() // without one the node asks for --node-id
	f.StringVar(&s.file, "config", os.Getenv("ROLLCALL_CONFIG"), "YAML file of these settings (ROLLCALL_CONFIG)")
	f.StringVar(&c.NodeID, "node-id", host, "name of this node, unique in the cluster, [A-Za-z0-9._-]{1,64}")
	f.StringVar(&c.DataDir, "data-dir", "", "where this node keeps its log and state; created when missing")
	f.StringVar(&c.HTTPAddr, "http-addr", "127.0.0.1:7700", "address to bind for clients")
	f.StringVar(&c.RaftAddr, "raft-addr", "127.0.0.1:7701", "address to bind for the other nodes")
	f.StringVar(&c.GossipAddr, "gossip-addr", "127.0.0.1:7702", "address to bind for gossip, TCP and UDP")
	f.StringVar(&c.Advertise, "advertise", "", "host name or IP by which other nodes reach this one (the bound address, or the first private IP)")
	f.StringSliceVar(&c.Join, "join", nil, "hosts or host:port (gossip) of other nodes, itself too; resolved anew on every try")
	f.IntVar(&c.BootstrapExpect, "bootstrap-expect", 1, "how many fresh nodes must see each other to found a cluster")
	f.BoolVar(&c.Edge, "edge", false, "never vote: hold a replica, answer reads, forward writes")
	f.IntVar(&c.MaxVoters, "max-voters", 5, "how many nodes vote at most: 1, 3 or 5")
	f.Float64Var(&c.TimeoutMultiplier, "raft-multiplier", 1, "stretches Raft's time-outs of 300ms, for slow networks")
	f.DurationVar(&c.DeadNodeAfter, "dead-node-after", time.Hour, "how long a voter must be silent to be removed")
	f.StringSliceVar(&c.AllowedHosts, "allowed-hosts", nil, "further names in Host headers, beside IPs, localhost and advertised names")
	f.DurationVar(&c.MinTTL, "min-ttl", wire.MinTTL, "the shortest TTL that is granted")
	f.DurationVar(&c.MaxTTL, "max-ttl", wire.MaxTTL, "the longest TTL that is granted")
	f.DurationVar(&c.DefaultTTL, "default-ttl", wire.DefaultTTL, "the TTL of a registration that names none")
	f.Int64Var(&c.MaxBody, "max-body", wire.MaxBody, "bytes of a request's body")
	f.DurationVar(&c.CertificateAge, "certificate-age", 24*time.Hour, "how long certificates are kept")
	f.IntVar(&c.CertificateMax, "certificate-max", 100_000, "how many certificates are kept")
	f.DurationVar(&c.EventAge, "event-age", 24*time.Hour, "how long events are kept, for watches that resume and for histories")
	f.IntVar(&c.EventMax, "event-max", 100_000, "how many events are kept")
	f.Int64Var(&c.EventBytes, "event-bytes", 64<<20, "how many bytes of events are kept, in memory and on disk")
	f.IntVar(&c.MaxWatches, "max-watches", 20_000, "how many watches this node serves at once")
	f.IntVar(&c.MaxSessions, "max-sessions", 20_000, "how many WebSocket connections this node serves at once")
	mailFlags(f, &c.Mail)
	f.Var(ruleList{&c.Protection}, "protection", "hold the leases of a scope when too many fall silent at once, "+
		"such as namespace=default,service=web,threshold=0.3,min_population=20,max_hold=2m,rate=5; repeat for more")
	f.StringVar(&s.debugAddr, "debug-addr", "", "loopback address on which Go profiles are served, under /debug/pprof; none unless set")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	before(cmd, func(cmd *cobra.Command) error { return settle(cmd.Flags(), s.file) })
}

func mailFlags(f *pflag.FlagSet, m *node.Mail) {
	f.IntVar(&m.MaxMessage, "max-message", wire.MaxMessage, "bytes of a message's body")
	f.IntVar(&m.Messages, "mailbox-messages", 10_000, "how many messages may wait in a mailbox")
	f.Int64Var(&m.Bytes, "mailbox-bytes", 16<<20, "how many bytes of bodies may wait in a mailbox")
	f.Int64Var(&m.TotalBytes, "mail-bytes", 4<<30, "how many bytes of bodies all mailboxes may hold")
	f.IntVar(&m.MaxAttempts, "max-attempts", 5, "nacks until a message is a dead letter")
	f.DurationVar(&m.TombstoneAge, "tombstone-age", 24*time.Hour, "how long the id of an ended message is known")
	f.IntVar(&m.Tombstones, "tombstone-max", 10_000, "how many such ids a mailbox remembers")
	f.IntVar(&m.Dead, "dead-letter-max", 1_000, "how many dead letters a mailbox keeps; older ones expire")
	f.DurationVar(&m.DeadAge, "dead-letter-age", 7*24*time.Hour, "how long dead letters are kept")
}

func (s *nodeSettings) config() node.Config {
	cfg := s.node
	cfg.Version = versionOf()
	return cfg
}

func (s *nodeSettings) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, wrongUsage("log-level %q: want debug, info, warn or error", s.logLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, wrongUsage("log-format %q: want text or json", s.logFormat)
	}
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
