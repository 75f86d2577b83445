package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

type registerCommand struct {
	connection
	output
	registration
}

func newRegister() *cobra.Command {
	var c registerCommand
	cmd := &cobra.Command{
		Use:   "register [ID]",
		Short: "Register a lease by hand; the cluster makes the id where none is given",
		Long: "Register a lease by hand. Nothing keeps it alive afterwards but heartbeats (see rollcall heartbeat); to hold a\n" +
			"lease for as long as a command runs, use rollcall run.",
		Example: "  rollcall register web-1 --service web --address 10.0.0.5:8080 --ttl 1m",
		Args:    arguments(0, 1, "[ID]"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	c.registration.flags(cmd)
	return cmd
}

func (c *registerCommand) run(cmd *cobra.Command, args []string) error {
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	lease, err := c.registration.body()
	if err != nil {
		return err
	}
	g, body, err := askFor[wire.Grant](cmd.Context(), r, c.request(args, lease))
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if c.json() {
		printBody(w, body)
		return nil
	}
	fmt.Fprintf(w, "%s is registered: epoch %d, TTL %s, to be renewed every %s.\n",
		g.ID, g.Epoch, milliseconds(g.TTLMS), milliseconds(g.HeartbeatEveryMS))
	if g.ReplacedEpoch != 0 {
		fmt.Fprintf(w, "It took over from epoch %d.\n", g.ReplacedEpoch)
	}
	fmt.Fprintf(w, "Next: rollcall heartbeat %s --epoch %d --seq %d\n", g.ID, g.Epoch, g.Seq+1)
	return nil
}

// request puts a named lease, or posts one.
func (c *registerCommand) request(args []string, body *wire.Registration) request {
	if len(args) == 0 {
		return request{method: "POST", path: wire.PathLeases, body: body}
	}
	return request{method: "PUT", path: leasePath(args[0], ""), body: body}
}

// registration is what a lease says of its holder, as flags.
type registration struct {
	service, address string
	ttl              time.Duration
	tags             []string
	meta             map[string]string
}

func (r *registration) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.service, "service", "", "the service that it belongs to")
	f.StringVar(&r.address, "address", "", "where it can be reached, HOST:PORT, HOST or :PORT")
	f.DurationVar(&r.ttl, "ttl", 0, "how long it may be silent (the cluster's default unless set, 10s)")
	f.StringArrayVar(&r.tags, "tag", nil, "a tag; repeat for more")
	f.StringToStringVar(&r.meta, "meta", nil, "KEY=VALUE; repeat for more")
}

func (r *registration) body() (*wire.Registration, error) {
	host, port, err := splitAddress(r.address)
	if err != nil {
		return nil, err
	}
	return &wire.Registration{
		Service: r.service, Address: host, Port: port,
		Tags: r.tags, Meta: r.meta, TTLMS: r.ttl.Milliseconds(),
	}, nil
}
