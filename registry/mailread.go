package registry

import "time"

// Mailbox counts what is in the mailbox of an id; all zero for one never used.
func (s *State) Mailbox(ns, id string, now uint64) Mailbox { return Mailbox{} }

// Messages returns pending messages of a mailbox in offset order: those after
// an offset, and before them those at or before it that were nacked and are
// due again at now (cluster time). A nacked message that is not due is left out.
func (s *State) Messages(ns, id string, after uint64, limit int, now uint64) MessagePage {
	return MessagePage{Next: after}
}

// Message returns what is known of a message, ended ones too while their
// tombstone is kept.
func (s *State) Message(ns, id string, message MessageID) (Message, bool) { return Message{}, false }

// DeadLetters returns dead letters in offset order, those after an offset.
func (s *State) DeadLetters(ns, id string, after uint64, limit int) []Message { return nil }

// Record returns a record of the durable image that no Flush has handed out
// yet.
func (s *State) Record(kind Kind, key []byte) ([]byte, bool) { return nil, false }

// DecodeBody decodes a record of KindBody. Data aliases it. The error is
// [ErrMalformed].
func DecodeBody(record []byte) (Body, error) { return Body{}, ErrMalformed }

// ClusterNow estimates the cluster time: that of the last entry, and the lease
// clock's advance since. It is for readers; nothing committed depends on it.
func (r *Replica) ClusterNow(mono time.Duration) uint64 { return r.clusterMS }

// Overdue tells whether the time of a message, tombstone or dead letter is
// over, so that an entry should be committed for it.
func (r *Replica) Overdue(mono time.Duration) bool { return false }
