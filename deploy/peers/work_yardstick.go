package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// yardsticks is what the machine does where a server has nothing to do.
func yardsticks() *work {
	return &work{
		name:    "machine",
		title:   "The machine",
		about:   "The same closed loop over 512 connections against servers that do nothing, in Go, and a write of 4 KiB with fdatasync, one after another.",
		columns: rates(),
		entries: []*entry{
			{machine, "an empty net/http server", "reads the body, answers 137 bytes", on(yardHTTP)},
			{machine, "a TCP echo of 128 bytes", "", on(yardEcho)},
			{machine, "the disk: 4 KiB and fdatasync", "on this machine's disk", on(yardDisk)},
		},
	}
}

func yardHTTP(ctx context.Context, b *bench, y *yard) (sample, error) {
	beat := []byte(`{"epoch":4711,"seq":1}`)
	out, err := closedLoop(ctx, y.nodes(), b.size.connections, b.duration, func(ctx context.Context, n int) (func(context.Context) error, func(), error) {
		c, err := dialHTTP(ctx, y.http)
		if err != nil {
			return nil, nil, err
		}
		request := c.compose("POST", fmt.Sprintf("/v1/leases/%s/heartbeat", idOf("yard", n)), beat)
		return posting(c, request), c.close, nil
	})
	return out.rate(), err
}

// posting sends the same request over and over.
func posting(c *httpConn, request []byte) func(context.Context) error {
	return func(context.Context) error {
		_, err := c.call(request)
		return err
	}
}

func yardEcho(ctx context.Context, b *bench, y *yard) (sample, error) {
	out, err := closedLoop(ctx, y.nodes(), b.size.connections, b.duration, func(ctx context.Context, _ int) (func(context.Context) error, func(), error) {
		nc, err := dial(ctx, y.echo)
		if err != nil {
			return nil, nil, err
		}
		return echoing(nc), func() { nc.Close() }, nil
	})
	return out.rate(), err
}

func echoing(nc net.Conn) func(context.Context) error {
	said, heard := make([]byte, 128), make([]byte, 128)
	return func(context.Context) error {
		if _, err := nc.Write(said); err != nil {
			return err
		}
		_, err := io.ReadFull(nc, heard)
		return err
	}
}

func yardDisk(ctx context.Context, b *bench, y *yard) (sample, error) {
	f, err := os.Create(filepath.Join(y.dir, "yardstick"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	page := make([]byte, 4<<10)
	out, err := closedLoop(ctx, nil, 1, min(b.duration, time.Second), func(context.Context, int) (func(context.Context) error, func(), error) {
		return func(context.Context) error {
			if _, err := f.Write(page); err != nil {
				return err
			}
			return datasync(f)
		}, func() {}, nil
	})
	got := out.rate()
	got[3] = unknown // no server
	return got, err
}
