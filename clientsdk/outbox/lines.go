package outbox

import (
	"slices"
	"time"
)

// lines is who waits for what, in memory: the records' keys by mailbox. A
// mailbox that refuses holds up its own line only.
type lines struct {
	byTo  map[string]*line
	pause pause // of all: the cluster cannot be reached
}

// line is one mailbox's records, the oldest first.
type line struct {
	keys  []uint64
	pause pause
}

// pause is until when something rests, and after how many failures.
type pause struct {
	failures int
	until    time.Time
}

// join puts a record at the end of its line.
func (l *lines) join(to string, key uint64) {
	if l.byTo[to] == nil {
		l.byTo[to] = new(line)
	}
	l.byTo[to].keys = append(l.byTo[to].keys, key)
}

// leave takes a record out of its line.
func (l *lines) leave(to string, key uint64) {
	waiting := l.byTo[to]
	i, found := slices.BinarySearch(waiting.keys, key)
	if !found {
		return
	}
	waiting.keys = slices.Delete(waiting.keys, i, i+1)
	waiting.pause = pause{}
	if len(waiting.keys) == 0 {
		delete(l.byTo, to)
	}
}

// pauseOf is the pause of one mailbox; one where nothing waits has none to keep.
func (l *lines) pauseOf(to string) *pause {
	if waiting := l.byTo[to]; waiting != nil {
		return &waiting.pause
	}
	return new(pause)
}

// next returns the oldest record that need not rest. Where there is none it
// returns 0 and when to ask again, the zero time for never.
func (l *lines) next(now time.Time) (key uint64, again time.Time) {
	if l.pause.until.After(now) {
		return 0, l.pause.until
	}
	for _, waiting := range l.byTo {
		until := waiting.pause.until
		switch {
		case until.After(now):
			if again.IsZero() || until.Before(again) {
				again = until
			}
		case key == 0 || waiting.keys[0] < key:
			key = waiting.keys[0]
		}
	}
	return key, again
}
