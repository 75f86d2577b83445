// Package peer is the one port between nodes: it says hello, proves who is
// there, and carries Raft's streams and ours.
//
// It does not find nodes (that is gossip), decide who belongs to a cluster
// (membership), retry or keep connections alive: whoever dials sees every
// failure and decides what to do about it.
//
// # What travels
//
// Every connection begins with a hello of the dialler and an answer of the
// acceptor, both of this form, big-endian:
//
//	magic "rcpp" | version 1 | kind or verdict, 1 byte | length, 2 bytes | JSON
//
// The hello says who dials, in which cluster it is, and whom it expects to find
// (a server id, or nobody in particular). The answer says who accepts, or who
// refuses and why. A node that was wiped has a new incarnation and therefore
// another server id: what is meant for its predecessor never reaches it.
//
// After the hello, a Raft connection carries what raft.NetworkTransport writes;
// a call carries one request frame and one answer frame; a stream carries frames
// both ways until it is closed. A frame is
//
//	length of the payload, 4 bytes | type, 1 byte | id, 8 bytes | payload
//
// # Trust
//
// The hello names the node; it does not prove it. The proof belongs to the
// Network underneath, which may wrap every connection in mutual TLS.
package peer
