//go:build race

package node

// raceDetector says that the race detector is at work, ten times slower.
const raceDetector = true
