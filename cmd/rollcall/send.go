package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/clientsdk"
)

// sendCommand puts one message into a mailbox.
type sendCommand struct {
	connection
	output
	from, messageID, file string
	ttl                   time.Duration
	binary                bool
}

func newSend() *cobra.Command {
	var c sendCommand
	cmd := &cobra.Command{
		Use:   "send ID [BODY|-]",
		Short: "Send a message to an id, whether it is alive or not",
		Long: "Send a message to an id, whether it is alive or not: it waits in the id's mailbox until it is acknowledged or\n" +
			"expires. BODY is JSON; what is not JSON is sent as a JSON string. With - it is read from standard input, with\n" +
			"--file from a file; the last line feed of a text does not count. --binary sends the bytes as they are.\n" +
			"The same --message-id takes effect once, so that a send whose outcome is unknown can be repeated.",
		Example: "  rollcall send web-1 '{\"invoice\":12}' --from billing\n  rollcall send web-1 hello\n  rollcall send web-1 --binary --file photo.jpg",
		Args:    arguments(1, 2, "ID [BODY|-]"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0], args[1:]) },
	}
	c.connection.flags(cmd)
	c.output.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&c.from, "from", "", "who sends, for the reader")
	f.StringVar(&c.messageID, "message-id", "", "its UUID (one is made unless given)")
	f.DurationVar(&c.ttl, "ttl", 0, "how long it may wait, 1ms to 720h (24h unless set)")
	f.StringVar(&c.file, "file", "", "read the body from this file")
	f.BoolVar(&c.binary, "binary", false, "the body is bytes, not JSON")
	return cmd
}

func (c *sendCommand) run(cmd *cobra.Command, id string, args []string) error {
	raw, err := c.read(cmd, args)
	if err != nil {
		return err
	}
	message, err := c.message(raw)
	if err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.close()
	sent, err := r.Send(cmd.Context(), id, message)
	if err != nil {
		return fmt.Errorf("send message %s: %w", message.ID, err)
	}
	if c.json() {
		return printJSON(cmd.OutOrStdout(), sent)
	}
	printSent(cmd.OutOrStdout(), sent)
	return nil
}

// read returns the body as it was given.
func (c *sendCommand) read(cmd *cobra.Command, args []string) ([]byte, error) {
	switch given := len(args) > 0; {
	case given == (c.file != ""):
		return nil, wrongUsage("rollcall send wants BODY, - or --file")
	case !given:
		f, err := os.Open(c.file)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		defer f.Close()
		return readBounded(f)
	case args[0] == "-":
		return readBounded(cmd.InOrStdin())
	default:
		return []byte(args[0]), nil
	}
}

// readBounded refuses what no node would take.
func readBounded(in io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, wire.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if len(raw) > wire.MaxBody {
		return nil, fmt.Errorf("read the body: it is larger than %d bytes", wire.MaxBody)
	}
	return raw, nil
}

// message gives the body its form, and an id to name where it fails.
func (c *sendCommand) message(raw []byte) (clientsdk.Message, error) {
	m := clientsdk.Message{ID: c.messageID, From: c.from, TTL: c.ttl}
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
	if c.binary {
		m.Binary = append([]byte{}, raw...) // empty is not nil
		return m, nil
	}
	body, err := bodyJSON(raw)
	m.Body = body
	return m, err
}

// bodyJSON is the JSON that was given, or a string of the text that was.
func bodyJSON(raw []byte) (json.RawMessage, error) {
	switch {
	case !utf8.Valid(raw):
		return nil, wrongUsage("the body is no text; --binary sends bytes as they are")
	case json.Valid(raw):
		return raw, nil
	}
	text, err := json.Marshal(strings.TrimSuffix(string(raw), "\n"))
	if err != nil {
		return nil, fmt.Errorf("encode the body: %w", err)
	}
	return text, nil
}

func printSent(w io.Writer, s *wire.Sent) {
	if s.Duplicate {
		fmt.Fprintf(w, "%s was sent before, and is not again: offset %d, %s.\n", s.ID, s.Offset, s.State)
		return
	}
	fmt.Fprintf(w, "%s is sent: offset %d, revision %d.\n", s.ID, s.Offset, s.Revision)
}
