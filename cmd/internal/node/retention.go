package node

import "github.com/seed-b4c92e43/rollcall/registry"

// retention is what this node, when it leads, has every replica keep.
func (c *Config) retention() registry.Retention {
	m := &c.Mail
	return registry.Retention{
		CertificateMS:  uint64(c.CertificateAge.Milliseconds()),
		CertificateMax: uint32(c.CertificateMax),
		EventMS:        uint64(c.EventAge.Milliseconds()),
		EventMax:       uint32(c.EventMax),
		EventBytes:     uint64(c.EventBytes),
		Mail: registry.MailLimits{
			Messages:    uint32(m.Messages),
			Bytes:       uint64(m.Bytes),
			TotalBytes:  uint64(m.TotalBytes),
			MaxAttempts: uint32(m.MaxAttempts),
			TombstoneMS: uint64(m.TombstoneAge.Milliseconds()),
			Tombstones:  uint32(m.Tombstones),
			Dead:        uint32(m.Dead),
			DeadMS:      uint64(m.DeadAge.Milliseconds()),
		},
	}
}
