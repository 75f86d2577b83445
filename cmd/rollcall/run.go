package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// leaveWithin bounds the goodbye after the command has ended.
const leaveWithin = 5 * time.Second

type runCommand struct {
	connection
	registration
	id           string
	checks       []string
	wait         time.Duration
	exclusive    bool
	reclaim      bool
	stopWhenLost bool

	errOut io.Writer
	binary string // of CMD
	args   []string
}

func newRun() *cobra.Command {
	c := &runCommand{}
	cmd := &cobra.Command{
		Use:   "run [flags] -- CMD [ARGUMENT]...",
		Short: "Run a command and hold a lease for exactly as long as it runs",
		Long: "Register a lease, run CMD with ROLLCALL_ID and ROLLCALL_EPOCH in its environment, renew the lease while CMD runs\n" +
			"(and, with --check, is well), and end it when CMD ends. Signals go to CMD; the exit code is CMD's, 128 + the signal\n" +
			"that ended it, 127 when it is not found, 126 when it cannot be run.\n\n" +
			"With --check, CMD is started first and registered once it is well, so it is not told an epoch.",
		Example: "  rollcall run --service web --id web-1 --address :8080 --check http://127.0.0.1:8080/healthz -- ./web",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUsage("run wants a command: rollcall run --service web -- CMD")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	c.connection.flags(cmd)
	c.registration.flags(cmd)
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows CMD is CMD's
	f.StringVar(&c.id, "id", "", "id of the lease; the cluster makes one unless set")
	f.StringArrayVar(&c.checks, "check", nil, "renew only while tcp://HOST:PORT or http://… answers; of several one is enough")
	f.DurationVar(&c.wait, "wait", time.Minute, "how long to try to register before giving up")
	f.BoolVar(&c.exclusive, "exclusive", false, "do not take the id over while it is alive")
	f.BoolVar(&c.reclaim, "reclaim", false, "register again when the id was taken over or evicted")
	f.BoolVar(&c.stopWhenLost, "stop-when-lost", false, "end CMD (SIGTERM) when the lease is lost for good")
	return cmd
}

func (c *runCommand) run(cmd *cobra.Command, args []string) error {
	binary, err := exec.LookPath(args[0])
	if err != nil {
		return notRunnable(err)
	}
	c.errOut, c.binary, c.args = cmd.ErrOrStderr(), binary, args
	registration, err := c.sdkRegistration()
	if err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	code, err := c.held(cmd.Context(), r, registration)
	if err != nil {
		return err
	}
	return &exitError{code: code}
}

// held runs the command under a lease. The keeping outlives ctx, which signals
// end: they are the command's, and its end is that of the lease.
func (c *runCommand) held(ctx context.Context, r *remote, registration clientsdk.Registration) (int, error) {
	lease := r.Start(context.WithoutCancel(ctx), registration)
	granted, followed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(followed)
		c.follow(lease, granted)
	}()
	defer func() {
		c.leave(lease)
		<-followed
	}()
	// A command that is checked has to run before it can be well.
	if len(c.checks) == 0 {
		if err := c.await(ctx, lease, granted); err != nil {
			return 0, err
		}
	}
	return c.supervise(lease)
}

// notRunnable gives a command that cannot be started the exit codes of shells.
func notRunnable(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return &exitError{126, fmt.Errorf("run: %w", err)}
	}
	return &exitError{127, fmt.Errorf("run: %w", err)}
}

func (c *runCommand) sdkRegistration() (clientsdk.Registration, error) {
	lease, err := c.registration.body()
	if err != nil {
		return clientsdk.Registration{}, err
	}
	if lease.Address == "" && lease.Port != 0 {
		lease.Address = ownAddress(c.addr[0])
	}
	health, err := parseChecks(c.checks)
	if err != nil {
		return clientsdk.Registration{}, err
	}
	return clientsdk.Registration{
		ID: c.id, Service: lease.Service, Address: lease.Address, Port: lease.Port, Tags: lease.Tags, Meta: lease.Meta,
		TTL: c.ttl, Exclusive: c.exclusive, Reclaim: c.reclaim, Health: health,
	}, nil
}

// await waits for the first grant.
func (c *runCommand) await(ctx context.Context, lease *clientsdk.Lease, granted <-chan struct{}) error {
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	select {
	case <-granted:
		return nil
	case <-lease.Done():
		return lease.Err()
	case <-ctx.Done():
		return errors.New("interrupted before the lease was registered")
	case <-timer.C:
		return fmt.Errorf("not registered within %v: %w", c.wait, lease.Status().Err)
	}
}

// follow says on standard error what happens to the lease, until its keeping
// ends, and closes granted at the first grant.
func (c *runCommand) follow(lease *clientsdk.Lease, granted chan<- struct{}) {
	epoch := uint64(0)
	for s := range lease.States() {
		switch {
		case s.State == clientsdk.Connected && s.Epoch != epoch:
			first := epoch == 0
			epoch = s.Epoch
			fmt.Fprintf(c.errOut, "rollcall: %s is registered at %s: epoch %d, TTL %s\n", lease.ID(), strings.Join(c.addr, ","), epoch, lease.TTL())
			if first {
				close(granted)
			}
		case s.State == clientsdk.Connected:
			fmt.Fprintf(c.errOut, "rollcall: %s is connected again\n", lease.ID())
		case s.Err != nil && !errors.Is(s.Err, clientsdk.ErrLeft):
			fmt.Fprintf(c.errOut, "rollcall: %s: %v\n", s.State, s.Err)
		}
	}
}

// supervise runs the command to its end and returns its exit code.
func (c *runCommand) supervise(lease *clientsdk.Lease) (int, error) {
	child := exec.Command(c.binary, c.args[1:]...)
	child.Args[0] = c.args[0]
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.Env = append(os.Environ(), "ROLLCALL_ADDR="+strings.Join(c.addr, ","))
	if id := lease.ID(); id != "" {
		child.Env = append(child.Env, "ROLLCALL_ID="+id)
	}
	if epoch := lease.Epoch(); epoch != 0 {
		child.Env = append(child.Env, "ROLLCALL_EPOCH="+strconv.FormatUint(epoch, 10))
	}
	var lost <-chan struct{}
	if c.stopWhenLost {
		lost = lease.Done()
	}
	return supervise(child, lost)
}

func (c *runCommand) leave(lease *clientsdk.Lease) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	if _, err := lease.Leave(ctx); err != nil && !errors.Is(err, clientsdk.ErrNotHeld) {
		fmt.Fprintf(c.errOut, "rollcall: could not leave, the lease runs out by itself: %v\n", err)
	}
}
