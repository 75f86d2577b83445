package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

// yardArgument makes this program the servers that do nothing, on the address
// that follows and the port after it.
const yardArgument = "yardsticks"

// yardAnswer is as long as rollcall's answer to a heartbeat.
var yardAnswer = make([]byte, 137)

// yard is the machine itself: an empty HTTP server and a TCP echo.
type yard struct {
	process *process
	http    string
	echo    string
	dir     string // on the disk that all servers write to
}

func startYard(ctx context.Context, b *bench) (server, error) {
	y := &yard{http: b.place.port(0), echo: b.place.port(1), dir: b.place.dir}
	self, err := os.Executable()
	if err != nil {
		return y, err
	}
	if y.process, err = start(b.place.dir, "yardsticks", self, yardArgument, y.http+","+y.echo); err != nil {
		return y, err
	}
	return y, waitReady(ctx, y.nodes(), func(ctx context.Context) error {
		nc, err := dial(ctx, y.echo) // it listens last
		if err != nil {
			return err
		}
		return nc.Close()
	})
}

func (y *yard) nodes() []*process {
	if y.process == nil {
		return nil
	}
	return []*process{y.process}
}

// serveYardsticks serves until it is killed.
func serveYardsticks(addresses string) {
	web, echo, _ := strings.Cut(addresses, ",")
	go func() { log.Fatal(http.ListenAndServe(web, http.HandlerFunc(answerNothing))) }()
	l, err := net.Listen("tcp", echo)
	if err != nil {
		log.Fatal(err)
	}
	for {
		nc, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go echoBack(nc)
	}
}

func answerNothing(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // who hung up is not answered
	_, _ = w.Write(yardAnswer)
}

func echoBack(nc net.Conn) {
	defer nc.Close()
	buffer := make([]byte, 4<<10)
	for {
		n, err := nc.Read(buffer)
		if err != nil {
			return
		}
		if _, err := nc.Write(buffer[:n]); err != nil {
			return
		}
	}
}
