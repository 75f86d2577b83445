package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strconv"
)

// watch reads server-sent events.
func (r *rollcall) watch(ctx context.Context, node int, class string, ready func(), seen func(change)) error {
	c, err := dialHTTP(ctx, r.hosts[node])
	if err != nil {
		return err
	}
	defer c.close()
	ask := fmt.Sprintf("GET /v1/watch?service=%s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", class, c.host)
	if _, err := c.nc.Write([]byte(ask)); err != nil {
		return err
	}
	status, _, err := c.head()
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%w: %d to a watch (%v)", errAnswer, status, err)
	}
	in := c.in
	if c.chunked {
		in = bufio.NewReader(httputil.NewChunkedReader(c.in))
	}
	err = readEvents(in, ready, seen)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readEvents reads until the stream ends. Its first event is the snapshot,
// empty here, and it tells that the watch began.
func readEvents(in *bufio.Reader, ready func(), seen func(change)) error {
	kind := ""
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read a watch: %w", err)
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			hear(kind, value, ready, seen)
		}
	}
}

func hear(kind string, data []byte, ready func(), seen func(change)) {
	switch kind {
	case "snapshot":
		ready()
	case "registered":
		seen(change{id: between(data, `"id":"`, `"`)})
	case "left", "expired":
		seen(change{id: between(data, `"id":"`, `"`), gone: true})
	}
}

// between returns what stands after the first of one and before the next of the
// other: enough for answers whose shape is known, and cheap.
func between(text []byte, before, after string) string {
	_, rest, _ := bytes.Cut(text, []byte(before))
	value, _, _ := bytes.Cut(rest, []byte(after))
	return string(value)
}

// countOf reads how many leases a list has, without its leases.
func countOf(list []byte) (int, error) {
	n, err := strconv.Atoi(between(list, `"count":`, `,`))
	if err != nil {
		return 0, fmt.Errorf("%w: a list without a count", errAnswer)
	}
	return n, nil
}
