package api

import (
	"encoding/base64"

	"github.com/seed-b4c92e43/rollcall/api/wire"
	"github.com/seed-b4c92e43/rollcall/registry"
)

// isFrom is the rule of who a message says that it is from.
func isFrom(text string) string { return isWords(text, 0, wire.MaxFrom) }

// isReason is the rule of why a message is given back.
func isReason(text string) string { return isWords(text, 0, wire.MaxReason) }

// letter takes the members of a wire.NewMessage whose body has at most so many
// bytes: JSON as the compact text of it, or what Base64 stands for.
func (f *fields) letter(most int) registry.Send {
	c := registry.Send{TTL: uint64(wire.MessageTTL.Milliseconds())}
	if text, ok := f.text("id", isUUID); ok {
		c.Message, _ = parseUUID(text)
	} else {
		c.Message = newMessageID()
	}
	c.Body.From, _ = f.text("from", isFrom)
	c.Body.Data, c.Body.Binary = f.content(most)
	if ttl, ok := f.integer("ttl_ms", uint64(wire.MinMessageTTL.Milliseconds()), uint64(wire.MaxMessageTTL.Milliseconds())); ok {
		c.TTL = ttl
	}
	return c
}

// content takes body or body_b64, exactly one of which must be there.
func (f *fields) content(most int) (data []byte, binary bool) {
	v, isJSON := f.take("body")
	text, isBinary := f.takeKind("body_b64", kindText)
	switch {
	case isJSON && isBinary:
		f.fail("body_b64", "body is there too: want one of them")
	case isJSON:
		data = f.jsonContent(v)
	case isBinary:
		data = f.binaryContent(text.text)
	default:
		f.require("body", false)
	}
	if len(data) > most && f.problem == nil {
		f.problem = tooLarge(int64(most))
	}
	return data, isBinary
}

func (f *fields) jsonContent(v value) []byte {
	data, ok := appendJSON(nil, v)
	if !ok {
		f.fail("body", "has something in it that JSON does not have")
	}
	return data
}

func (f *fields) binaryContent(text string) []byte {
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		f.fail("body_b64", "want standard Base64 with its padding")
	}
	return data
}

// messageIDs takes the ids of messages, each once.
func (f *fields) messageIDs(name string) ([]registry.MessageID, bool) {
	v, ok := f.takeKind(name, kindList)
	if !ok {
		return nil, false
	}
	if len(v.list) == 0 || len(v.list) > wire.MaxMessageIDs {
		f.fail(name, "%d ids: want 1 to %d", len(v.list), wire.MaxMessageIDs)
		return nil, false
	}
	ids := make([]registry.MessageID, len(v.list))
	for i, item := range v.list {
		id, ok := parseUUID(item.text)
		if item.kind != kindText || !ok {
			f.fail(name, "number %d: %s", i, isUUID(""))
			return nil, false
		}
		ids[i] = id
	}
	return ids, true
}

// acknowledgement takes the members of a wire.Ack.
func (f *fields) acknowledgement() registry.Ack {
	var c registry.Ack
	var upTo, ids bool
	c.Epoch, _ = f.integer("epoch", 1, wire.Unknown)
	c.UpTo, upTo = f.integer("up_to", 0, wire.Unknown)
	c.Messages, ids = f.messageIDs("ids")
	switch {
	case upTo && ids:
		f.fail("ids", "up_to is there too: want one of them")
	case !upTo && !ids:
		f.fail("up_to", "up_to and ids are missing: want one of them")
	}
	return c
}

// rejection takes the members of a wire.Nack.
func (f *fields) rejection() registry.Nack {
	var c registry.Nack
	var ok bool
	c.Epoch, _ = f.integer("epoch", 1, wire.Unknown)
	c.Messages, ok = f.messageIDs("ids")
	f.require("ids", ok)
	attempt, _ := f.integer("attempt", 1, 1<<32-1)
	c.Attempt = uint32(attempt)
	c.Reason, _ = f.text("reason", isReason)
	return c
}
