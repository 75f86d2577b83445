package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	errStopped = errors.New("stopped")
	errHeldUp  = errors.New("this node did not let go of its parts in time (does its disk hang?)")
)

// Bounds of a graceful stop.
const (
	transferWithin = 2 * time.Second
	leaveWithin    = 2 * time.Second
	finishWithin   = 5 * time.Second
	closeWithin    = 10 * time.Second
)

// stop ends the node so that its clients and peers notice as little as can be.
func (n *Node) stop() {
	n.log.Info("stopping")
	n.draining.Store(true)
	if n.store.IsLeader() {
		n.handOver()
	}
	if err := n.gossip.Leave(leaveWithin); err != nil {
		n.log.Warn("could not tell the others of leaving", "error", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	if err := n.api.Close(ctx); err != nil {
		n.log.Warn("watches and sessions were cut off", "error", err)
	}
	if err := n.http.Shutdown(ctx); err != nil {
		n.log.Warn("requests were cut off", "error", err)
	}
}

// handOver transfers the leadership, if there is somebody to take it.
func (n *Node) handOver() {
	if n.voters() < 2 {
		return
	}
	done := make(chan error, 1)
	n.workers.Go(func() { done <- n.store.Transfer("") })
	select {
	case err := <-done:
		if err != nil {
			n.log.Warn("could not transfer the leadership; the others elect", "error", err)
		}
	case <-time.After(transferWithin):
		n.log.Warn("transferring the leadership took too long; the others elect")
	}
}

// end closes the parts and waits for all that they run, but not for ever: a
// disk that hangs holds up Raft, and with it whoever waits for Raft. The
// process has to exit all the same, or it would never be started anew.
func (n *Node) end(parts *sync.WaitGroup) error {
	n.cutOff()
	ended := make(chan error, 1)
	go func() {
		err := n.closeParts()
		parts.Wait()
		n.workers.Wait()
		ended <- err
	}()
	timer := time.NewTimer(closeWithin)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return errHeldUp
	}
}

// cutOff ends what is left of clients' connections.
func (n *Node) cutOff() {
	_ = n.http.Close()
	if n.api == nil {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.api.Close(now)
	n.hub.Close()
}

// closeParts closes what was opened, the last first.
func (n *Node) closeParts() error {
	var errs []error
	closing := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", what, err))
		}
	}
	if n.http == nil && n.listener != nil {
		closing("HTTP listener", n.listener.Close())
	}
	if n.store != nil {
		closing("store", n.store.Close())
	}
	if n.gossip != nil {
		closing("gossip", n.gossip.Close())
	}
	if n.port != nil {
		closing("peer port", n.port.Close())
	}
	if n.dir != nil {
		closing("data directory", n.dir.Close())
	}
	return errors.Join(errs...)
}
