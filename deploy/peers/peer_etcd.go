package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// etcd is three processes of Debian's.
type etcd struct {
	processes []*process
	hosts     []string // for clients
	renewed   []lease  // that every way of renewing shares; nil until then
}

func startEtcd(ctx context.Context, b *bench) (server, error) {
	e := &etcd{}
	var members []string
	for n := range 3 {
		e.hosts = append(e.hosts, b.place.port(2*n))
		members = append(members, fmt.Sprintf("e%d=http://%s", n, b.place.port(2*n+1)))
	}
	for n := range 3 {
		if err := e.start(b.place, n, strings.Join(members, ",")); err != nil {
			return e, err
		}
	}
	return e, waitReady(ctx, e.processes, e.ready)
}

// start starts one member with the settings that it has by itself.
func (e *etcd) start(at *place, n int, members string) error {
	dir, err := at.fresh("etcd")
	if err != nil {
		return err
	}
	name, client, peer := fmt.Sprintf("e%d", n), "http://"+at.port(2*n), "http://"+at.port(2*n+1)
	p, err := start(at.dir, name, "etcd", "--name", name, "--data-dir", dir, "--logger", "zap", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
		"--initial-cluster", members, "--initial-cluster-state", "new")
	if err == nil {
		e.processes = append(e.processes, p)
	}
	return err
}

// ready wants every member to answer a read that a majority confirms.
func (e *etcd) ready(ctx context.Context) error {
	for n := range e.hosts {
		c, err := e.dial(ctx, n)
		if err != nil {
			return err
		}
		_, err = c.Get(ctx, "ready")
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// dial makes a client with one connection to one member.
func (e *etcd) dial(ctx context.Context, node int) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: []string{"http://" + e.hosts[node]}, Context: ctx, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
	})
}

func (e *etcd) nodes() []*process { return e.processes }

func (e *etcd) leader(ctx context.Context) (int, error) {
	for n, host := range e.hosts {
		c, err := e.dial(ctx, n)
		if err != nil {
			return 0, err
		}
		status, err := c.Status(ctx, host)
		c.Close()
		if err != nil {
			return 0, err
		}
		if status.Leader == status.Header.MemberId {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: etcd has no leader", errAnswer)
}

func (e *etcd) writer(ctx context.Context, node int) (writer, error) {
	c, err := e.dial(ctx, node)
	if err != nil {
		return nil, err
	}
	return &etcdWriter{c}, nil
}

// etcdWriter writes over one gRPC connection.
type etcdWriter struct{ client *clientv3.Client }

func (w *etcdWriter) close() { w.client.Close() }

// grant is what etcd needs two entries for: a lease, and a key that ends with
// it.
func (w *etcdWriter) grant(ctx context.Context, id string, ttl time.Duration) (lease, error) {
	granted, err := w.client.Grant(ctx, int64(ttl/time.Second))
	if err != nil {
		return lease{}, err
	}
	class, _, _ := strings.Cut(id, "-")
	_, err = w.client.Put(ctx, id, valueOf(class), clientv3.WithLease(granted.ID))
	return lease{id, int64(granted.ID)}, err
}

func (w *etcdWriter) end(ctx context.Context, l lease) error {
	_, err := w.client.Revoke(ctx, clientv3.LeaseID(l.number))
	return err
}

// renew sends all over one stream to the leader.
func (e *etcd) renew(ctx context.Context, leases []lease, _ time.Duration) ([]time.Time, error) {
	leader, err := e.leader(ctx)
	if err != nil {
		return nil, err
	}
	p, end, err := e.openStream(ctx, leader, leases)
	if err != nil {
		return nil, err
	}
	defer end()
	return once(ctx, p, len(leases))
}

func (e *etcd) lister(ctx context.Context, node int, class string, how consistency) (func(context.Context) (int, error), func(), error) {
	c, err := e.dial(ctx, node)
	if err != nil {
		return nil, nil, err
	}
	options := []clientv3.OpOption{clientv3.WithPrefix()}
	if how == local {
		options = append(options, clientv3.WithSerializable())
	}
	return func(ctx context.Context) (int, error) {
		got, err := c.Get(ctx, class+"-", options...)
		if err != nil {
			return 0, err
		}
		return len(got.Kvs), nil
	}, func() { c.Close() }, nil
}

// watch reads one stream, without the client's own watcher over it, which would
// need more goroutines.
func (e *etcd) watch(ctx context.Context, node int, class string, ready func(), seen func(change)) error {
	c, err := e.dial(ctx, node)
	if err != nil {
		return err
	}
	defer c.Close()
	stream, err := pb.NewWatchClient(c.ActiveConnection()).Watch(ctx)
	if err != nil {
		return err
	}
	from, end := class+"-", clientv3.GetPrefixRangeEnd(class+"-")
	ask := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
		CreateRequest: &pb.WatchCreateRequest{Key: []byte(from), RangeEnd: []byte(end)},
	}}
	if err := stream.Send(ask); err != nil {
		return err
	}
	err = readWatch(stream, ready, seen)
	if ctx.Err() != nil {
		return nil
	}
	return err
}
