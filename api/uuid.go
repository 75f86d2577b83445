package api

import (
	"github.com/google/uuid"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// parseUUID reads a message id: 36 characters, of any case.
func parseUUID(text string) (registry.MessageID, bool) {
	if len(text) != 36 {
		return registry.MessageID{}, false
	}
	id, err := uuid.Parse(text)
	return registry.MessageID(id), err == nil
}

func showUUID(id registry.MessageID) string { return uuid.UUID(id).String() }

// newMessageID makes an id that sorts by time (UUID version 7).
func newMessageID() registry.MessageID {
	return registry.MessageID(uuid.Must(uuid.NewV7())) // its random source never fails
}

// isUUID is the rule of message ids.
func isUUID(text string) string {
	if _, ok := parseUUID(text); !ok {
		return "want a UUID such as 018f4e2c-7b1a-7c3e-9d2f-0a1b2c3d4e5f"
	}
	return ""
}
