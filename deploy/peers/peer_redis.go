package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is one process of Debian's.
type redisServer struct {
	process *process
	host    string
}

// startRedis starts it with its log on, and flushed as given. Images of the
// whole are off: they would be made while something is measured.
func startRedis(fsync string) func(context.Context, *bench) (server, error) {
	return func(ctx context.Context, b *bench) (server, error) {
		r := &redisServer{host: b.place.port(0)}
		dir, err := b.place.fresh("redis")
		if err != nil {
			return r, err
		}
		_, port, _ := strings.Cut(r.host, ":")
		r.process, err = start(b.place.dir, "redis", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", dir,
			"--appendonly", "yes", "--appendfsync", fsync, "--save", "")
		if err != nil {
			return r, err
		}
		return r, waitReady(ctx, r.nodes(), func(ctx context.Context) error {
			c := r.dial()
			defer c.Close()
			return c.Ping(ctx).Err()
		})
	}
}

// dial makes a client with one connection.
func (r *redisServer) dial() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: r.host, Protocol: 2, PoolSize: 1, MaxRetries: -1, ReadTimeout: time.Minute, DisableIdentity: true,
	})
}

func (r *redisServer) nodes() []*process {
	if r.process == nil {
		return nil
	}
	return []*process{r.process}
}

func (r *redisServer) leader(context.Context) (int, error) { return 0, nil }

func (r *redisServer) writer(ctx context.Context, _ int) (writer, error) {
	c := r.dial()
	return &redisWriter{c}, c.Ping(ctx).Err()
}

// redisWriter writes over one connection. A lease is a key with a TTL.
type redisWriter struct{ client *redis.Client }

func (w *redisWriter) close() { w.client.Close() }

func (w *redisWriter) grant(ctx context.Context, id string, ttl time.Duration) (lease, error) {
	class, _, _ := strings.Cut(id, "-")
	return lease{id: id}, w.client.Set(ctx, id, valueOf(class), ttl).Err()
}

func (w *redisWriter) end(ctx context.Context, l lease) error { return w.client.Del(ctx, l.id).Err() }

func (r *redisServer) renew(ctx context.Context, leases []lease, ttl time.Duration) ([]time.Time, error) {
	c, err := dialRedis(ctx, r.host, renewals(leases, ttl))
	if err != nil {
		return nil, err
	}
	defer c.close()
	return once(ctx, c, len(leases))
}

// renewals are the commands that renew leases.
func renewals(leases []lease, ttl time.Duration) [][]byte {
	var out [][]byte
	for _, l := range leases {
		out = append(out, command("PEXPIRE", l.id, strconv.FormatInt(ttl.Milliseconds(), 10)))
	}
	return out
}

// lister finds the keys, then their values: what a list is in Redis.
func (r *redisServer) lister(_ context.Context, _ int, class string, _ consistency) (func(context.Context) (int, error), func(), error) {
	c := r.dial()
	return func(ctx context.Context) (int, error) {
		var keys []string
		for cursor := uint64(0); ; {
			some, next, err := c.Scan(ctx, cursor, class+"-*", 1000).Result()
			if err != nil {
				return 0, err
			}
			keys = append(keys, some...)
			if cursor = next; cursor == 0 {
				break
			}
		}
		if len(keys) == 0 {
			return 0, nil // MGET wants one
		}
		values, err := c.MGet(ctx, keys...).Result()
		return len(values), err
	}, func() { c.Close() }, nil
}

// watch subscribes to the notifications of the keys (keyspace events), which
// are off unless somebody asks.
func (r *redisServer) watch(ctx context.Context, _ int, class string, ready func(), seen func(change)) error {
	c := r.dial()
	defer c.Close()
	if err := c.ConfigSet(ctx, "notify-keyspace-events", "KEA").Err(); err != nil {
		return err
	}
	const channel = "__keyspace@0__:"
	s := c.PSubscribe(ctx, channel+class+"-*")
	defer s.Close()
	defer context.AfterFunc(ctx, func() { s.Close() })()
	for {
		message, err := s.ReceiveTimeout(ctx, 0)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a subscription: %w", err)
		}
		switch m := message.(type) {
		case *redis.Subscription:
			ready()
		case *redis.Message:
			tell(strings.TrimPrefix(m.Channel, channel), m.Payload, seen)
		}
	}
}

func tell(id, event string, seen func(change)) {
	switch event {
	case "set":
		seen(change{id: id})
	case "del", "expired":
		seen(change{id: id, gone: true})
	}
}
