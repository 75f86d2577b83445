package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// maxPageBytes bounds the bodies of one page of messages; one message is
// always let in.
const maxPageBytes = 4 << 20

// fitting returns how many of the messages one page may hold.
func fitting(messages []registry.Message) int {
	bytes := 0
	for i := range messages {
		if bytes += int(messages[i].Size); bytes > maxPageBytes && i > 0 {
			return i
		}
	}
	return len(messages)
}

// letters fetches the bodies of messages, outside the view that named them.
// What has ended since is left out.
func (s *Server) letters(box registry.Identity, messages []registry.Message) ([]wire.Message, error) {
	all := make([]wire.Message, 0, len(messages))
	for i := range messages {
		m, there, err := s.open(box, &messages[i])
		if err != nil {
			return nil, err
		}
		if there {
			all = append(all, m)
		}
	}
	return all, nil
}

// open shows a message with its body. It is false for one that has ended.
func (s *Server) open(box registry.Identity, m *registry.Message) (wire.Message, bool, error) {
	record, found, err := s.node.Record(registry.KindBody, m.Key[:])
	if err == nil && !found {
		return wire.Message{}, false, s.missing(box, m)
	}
	if err != nil {
		return wire.Message{}, false, fmt.Errorf("read the body of message %s: %w", showUUID(m.ID), err)
	}
	body, err := registry.DecodeBody(record)
	if err != nil {
		return wire.Message{}, false, fmt.Errorf("decode the body of message %s: %w", showUUID(m.ID), err)
	}
	shown := showMessage(m, &body)
	if m.Attempts > 0 {
		if shown.Reason, err = s.reason(m); err != nil {
			return wire.Message{}, false, err
		}
	}
	return shown, true, nil
}

// missing returns an error for a message that should have a body: one that has
// not ended since it was seen.
func (s *Server) missing(box registry.Identity, seen *registry.Message) (err error) {
	s.node.View(func(replica *registry.Replica, _ time.Duration) {
		m, known := replica.Message(box.NS, box.ID, seen.ID)
		if known && m.Offset == seen.Offset && (m.State == registry.MessagePending || m.State == registry.MessageDead) {
			err = fmt.Errorf("message %s of %s/%s has no body", showUUID(m.ID), box.NS, box.ID)
		}
	})
	return err
}

// reason returns why a message was given back last, "" where none was said.
func (s *Server) reason(m *registry.Message) (string, error) {
	record, _, err := s.node.Record(registry.KindReason, m.Key[:])
	if err != nil {
		return "", fmt.Errorf("read the reason of message %s: %w", showUUID(m.ID), err)
	}
	if len(record) == 0 {
		return "", nil
	}
	text, err := registry.DecodeReason(record)
	if err != nil {
		return "", fmt.Errorf("the reason of message %s: %w", showUUID(m.ID), err)
	}
	return text, nil
}

func showMessage(m *registry.Message, body *registry.Body) wire.Message {
	shown := wire.Message{
		ID:         showUUID(m.ID),
		Offset:     m.Offset,
		From:       body.From,
		EnqueuedAt: wire.Time(body.Wall),
		Attempts:   m.Attempts,
	}
	if body.Binary {
		shown.BodyB64 = new(base64.StdEncoding.EncodeToString(body.Data))
	} else {
		shown.Body = json.RawMessage(body.Data)
	}
	return shown
}
