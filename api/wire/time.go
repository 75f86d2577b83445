package wire

import (
	"fmt"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// MarshalText writes RFC 3339 UTC with milliseconds.
func (t Time) MarshalText() ([]byte, error) {
	return time.UnixMilli(int64(t)).UTC().AppendFormat(nil, timeLayout), nil
}

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return fmt.Errorf("time %q: %w", b, err)
	}
	*t = Time(at.UnixMilli())
	return nil
}

// Time returns the instant.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }
