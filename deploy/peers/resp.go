package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
)

// redisConn is one connection that sends one kind of command over and over, for
// keys in turn, as lean as the driver of `rollcall bench`. Of the protocol
// (RESP 2) it knows what it needs: a command is an array of strings, and each
// answer one line that is an integer.
type redisConn struct {
	nc   net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	asks [][]byte // one a key
	next int
}

// dialRedis connects one of several workers, each with keys of its own.
func dialRedis(ctx context.Context, host string, asks [][]byte) (*redisConn, error) {
	nc, err := dial(ctx, host)
	if err != nil {
		return nil, err
	}
	return &redisConn{nc: nc, in: bufio.NewReader(nc), out: bufio.NewWriterSize(nc, 16<<10), asks: asks}, nil
}

// command encodes one.
func command(words ...string) []byte {
	out := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, word := range words {
		out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(word), word)
	}
	return out
}

func (c *redisConn) close() { c.nc.Close() }

func (c *redisConn) send() error {
	ask := c.asks[c.next]
	c.next = (c.next + 1) % len(c.asks)
	_, err := c.out.Write(ask)
	return err
}

func (c *redisConn) flush() error { return c.out.Flush() }

// receive wants 1: the key was there.
func (c *redisConn) receive() error {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Equal(line, []byte(":1\r\n")) {
		return fmt.Errorf("%w: %s", errAnswer, strconv.Quote(string(line)))
	}
	return nil
}

// step is one command and its answer.
func (c *redisConn) step(context.Context) error {
	if err := c.send(); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	return c.receive()
}
