//go:build race

package raftstore

// raceDetector says that the race detector is at work, ten times slower.
const raceDetector = true
