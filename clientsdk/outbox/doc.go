// Package outbox keeps messages that could not be sent yet in a local file,
// and sends them in order once the cluster can be reached.
//
// [Outbox.Put] returns when a message is on this machine's disk, whether there
// is a cluster or not. [Outbox.Run] sends what waits, the oldest first and each
// mailbox's in order, under the UUID that it was put away with: after a crash
// between the sending and the noting of it the cluster sees a duplicate. What
// the cluster refuses too often is set aside and reported, and lies in the file
// until somebody retries or discards it.
//
// It is no queue for readers: what was delivered is in the mailbox, and gone
// from here.
package outbox
