package raftstore

// turn is a lock that is held while the disk is waited for. Unlike a mutex it lets
// a testing/synctest bubble see that its goroutines wait, so that a slow disk can
// be tested in virtual time.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) Lock() { t <- struct{}{} }

func (t turn) Unlock() { <-t }
