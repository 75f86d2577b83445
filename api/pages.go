package api

import (
	"sync"
	"time"

	"github.com/seed-b4c92e43/rollcall/registry"
)

const (
	// maxPages bounds the memory of the pages that are kept, in bytes.
	maxPages = 16 << 20
	// pageCost is what a page takes beside its body and its key, in bytes.
	pageCost = 256
	// pageAge is how long a page may be answered with: expires_in_ms and the hints
	// in it are never older than a tick of the lease clock.
	pageAge = registry.TickEvery
)

// pages keeps what lists are answered with, so that requests that ask the same
// at once, or shortly after, share one encoding. A page answers while the
// replica has applied nothing since, and for pageAge at most.
type pages struct {
	most int // bytes

	mu    sync.Mutex
	byKey map[string]*page
	kept  []*page // that are made, the oldest first
	bytes int     // of kept
}

// sight is a moment at which somebody looked at the replica.
type sight struct {
	version registry.Version
	mono    time.Duration
}

// page is one answer. What stands below ready is written by its maker before
// ready is closed, and never after.
type page struct {
	key   string
	ready chan struct{}
	users int // requests, and the cache; its owner is pages.mu

	seen     sight // zero where the maker failed
	revision uint64
	tag      string
	text     *pageText // nil where only the tag was asked for
}

// pageText is memory for a body, which is used again.
type pageText struct{ body []byte }

// maxText is up to what size the memory of a body is used again.
const maxText = 1 << 20

var pageTexts = sync.Pool{New: func() any { return new(pageText) }}

func newPages(most int) *pages { return &pages{most: most, byKey: make(map[string]*page)} }

// get returns a page that answers a request that looked at the replica now, and
// whether it was there. It is made by the first who asks; the others wait for
// it. enough tells whether a page has what is asked for. The caller releases the
// page when its body was sent.
func (ps *pages) get(key []byte, now sight, enough func(*page) bool, fill func(*page)) (p *page, shared bool) {
	for {
		p, mine := ps.join(key, now, enough)
		if mine {
			ps.make(p, fill)
			return p, false
		}
		<-p.ready // its maker waits for nothing but the replica's lock
		if p.answers(now) && enough(p) {
			return p, true
		}
		ps.release(p)
	}
}

// join returns the page of that key for one more user: the one that is there,
// or a new one that is the caller's to make.
func (ps *pages) join(key []byte, now sight, enough func(*page) bool) (p *page, mine bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.byKey[string(key)]; p != nil && (!p.isReady() || p.answers(now) && enough(p)) {
		p.users++
		return p, false
	}
	p = &page{key: string(key), ready: make(chan struct{}), users: 2}
	ps.byKey[p.key] = p
	return p, true
}

// make fills a page in and keeps it.
func (ps *pages) make(p *page, fill func(*page)) {
	defer func() {
		close(p.ready)
		ps.mu.Lock()
		defer ps.mu.Unlock()
		ps.kept = append(ps.kept, p)
		ps.bytes += p.size()
		ps.trim(p.seen.mono)
	}()
	fill(p)
}

// trim forgets the oldest pages: those that are too old to answer, and as many
// as are too much.
func (ps *pages) trim(now time.Duration) {
	for len(ps.kept) > 0 && (ps.bytes > ps.most || now-ps.kept[0].seen.mono >= pageAge) {
		p := ps.kept[0]
		ps.kept[0] = nil
		ps.kept = ps.kept[1:]
		ps.bytes -= p.size()
		if ps.byKey[p.key] == p {
			delete(ps.byKey, p.key)
		}
		ps.part(p)
	}
}

// release ends the use of a page, nil or not.
func (ps *pages) release(p *page) {
	if p == nil {
		return
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.part(p)
}

func (ps *pages) part(p *page) {
	if p.users--; p.users == 0 && p.text != nil && cap(p.text.body) <= maxText {
		pageTexts.Put(p.text)
	}
}

func (p *page) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// answers tells whether a page is as good as one that is made now.
func (p *page) answers(now sight) bool {
	return p.seen.version.Reaches(now.version) && now.mono-p.seen.mono < pageAge
}

// size is what a page counts against the bound.
func (p *page) size() int {
	size := len(p.key) + pageCost
	if p.text != nil {
		size += cap(p.text.body)
	}
	return size
}

// newText returns memory for a body of some bytes: of a small one just that.
func newText(size int) *pageText {
	if size < maxText/16 {
		return &pageText{make([]byte, 0, size)}
	}
	t := pageTexts.Get().(*pageText)
	t.body = t.body[:0]
	if cap(t.body) < size {
		t.body = make([]byte, 0, size)
	}
	return t
}
