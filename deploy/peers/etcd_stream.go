package main

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// etcdStream renews leases in turn over one stream of one connection.
type etcdStream struct {
	stream pb.Lease_LeaseKeepAliveClient
	leases []lease
	next   int
}

func (e *etcd) openStream(ctx context.Context, node int, leases []lease) (pipe, func(), error) {
	c, err := e.dial(ctx, node)
	if err != nil {
		return nil, nil, err
	}
	stream, err := pb.NewLeaseClient(c.ActiveConnection()).LeaseKeepAlive(ctx)
	if err != nil {
		c.Close()
		return nil, nil, err
	}
	return &etcdStream{stream: stream, leases: leases}, func() { c.Close() }, nil
}

func (s *etcdStream) send() error {
	l := s.leases[s.next]
	s.next = (s.next + 1) % len(s.leases)
	return s.stream.Send(&pb.LeaseKeepAliveRequest{ID: l.number})
}

func (s *etcdStream) flush() error { return nil } // gRPC writes by itself

// receive wants a TTL: etcd answers 0 for a lease that it does not know.
func (s *etcdStream) receive() error {
	answer, err := s.stream.Recv()
	if err != nil {
		return err
	}
	if answer.TTL <= 0 {
		return fmt.Errorf("%w: lease %d is not known", errAnswer, answer.ID)
	}
	return nil
}

func readWatch(stream pb.Watch_WatchClient, ready func(), seen func(change)) error {
	for {
		answer, err := stream.Recv()
		switch {
		case err != nil:
			return fmt.Errorf("read a watch: %w", err)
		case answer.Canceled:
			return fmt.Errorf("%w: the watch was cancelled: %s", errAnswer, answer.CancelReason)
		case answer.Created:
			ready()
		}
		for _, event := range answer.Events {
			seen(change{id: string(event.Kv.Key), gone: event.Type == mvccpb.Event_DELETE})
		}
	}
}
