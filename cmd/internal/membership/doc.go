// Package membership founds a cluster once and keeps Raft's configuration in
// step with who is here.
//
// It does not find nodes (gossip does), prove who they are (peer does) or
// replicate anything (raftstore does). What gossip says is a hint: before a node
// is added or its address is changed, a call over the peer port has reached the
// very server that is meant.
//
// # Founding
//
// Nodes that were started with --bootstrap-expect N found a cluster when N of
// them see each other, all fresh and none an edge. The one of the lowest name
// stands as a candidate: it notes a new cluster id on its own disk and asks the
// others for a promise. A promise is durable before it is given, and it is given
// once: a node that promised, or stands itself, refuses all others until the
// candidate itself says that it has given up. No time-out frees a promise,
// because a silent candidate may already have founded. With N-1 promises the
// candidate notes that it belongs to its cluster and bootstraps Raft as the
// single voter; then it leads, and adds the others as it adds any node.
//
// Two candidates need two disjoint sets of N nodes. So fewer than 2N fresh nodes
// found one cluster at most, whatever they see of each other.
//
// # Joining
//
// The leader adopts every live node that belongs to no cluster, adds it as a
// non-voter and makes it a voter when it has caught up and Voters says that one
// more is wanted. Plan is the whole of that thinking.
//
// # Names
//
// A node has a name and, with each data directory, an incarnation. When two live
// processes claim one name, the one that has the better right to it (it belongs
// to a cluster; it started first) tells the other to end. Nobody else does: only
// a live process can prove that the name is taken, gossip may be late.
package membership
