//go:build race

package sim

// raceDetector says that the race detector is at work, ten times slower: a run of a
// seed has one goroutine and nothing for it to find.
const raceDetector = true
