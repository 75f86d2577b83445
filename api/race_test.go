//go:build race

package api_test

// raceDetector says that the race detector is at work, ten times slower and
// with another heap.
const raceDetector = true
