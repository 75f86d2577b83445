package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/seed-b4c92e43/rollcall/api/wire"
)

// printMessages prints two lines a message, so that a page and a stream look
// the same: what it is, and its body.
func printMessages(w io.Writer, page *wire.MessagesPage) {
	if g := page.Gap; g != nil {
		fmt.Fprintf(w, "gap: %s dropped unread (%s)\n", offsets(g), printable(g.Cause))
	}
	for i := range page.Messages {
		m := &page.Messages[i]
		fmt.Fprintln(w, printable(messageLine(m)))
		fmt.Fprintln(w, "   ", printable(bodyText(m)))
	}
}

func offsets(g *wire.Gap) string {
	if g.From == g.To {
		return fmt.Sprintf("offset %d was", g.From)
	}
	return fmt.Sprintf("offsets %d to %d were", g.From, g.To)
}

func messageLine(m *wire.Message) string {
	line := []string{fmt.Sprint(m.Offset), instant(m.EnqueuedAt), m.ID}
	if m.From != "" {
		line = append(line, "from "+m.From)
	}
	if m.Attempts > 0 {
		line = append(line, "nacked "+times(uint64(m.Attempts)))
	}
	return strings.Join(line, "  ")
}

// bodyText is the body's JSON, or its bytes as text if they are, else in
// base64.
func bodyText(m *wire.Message) string {
	if m.BodyB64 == nil {
		return string(m.Body)
	}
	raw, err := base64.StdEncoding.DecodeString(*m.BodyB64)
	if err != nil || !utf8.Valid(raw) {
		return "base64 " + *m.BodyB64
	}
	return string(raw)
}
