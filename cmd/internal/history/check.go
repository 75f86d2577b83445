package history

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// ErrAnswer is returned when an answer is not of the contract.
var ErrAnswer = errors.New("an answer is none")

// ErrViolation is returned when no order of the operations explains the answers.
var ErrViolation = errors.New("the history is not linearizable")

// ErrUndecided is returned when the time was over before that was known.
var ErrUndecided = errors.New("the history is not decided")

// partition is all that happened to one lease or mailbox.
type partition struct {
	kind, id string
	model    porcupine.Model
	ops      []*Op
}

// Check tells whether all answers so far can be true, within a time. Of what
// cannot, the error names up to three leases or mailboxes, and a picture of each
// as HTML in dir, which is made when it is needed. The time passes by the clock
// of the caller's synctest bubble: call it outside.
func (r *Recorder) Check(dir string, within time.Duration) error {
	until := time.Now().Add(within)
	leases, boxes, all, fault := r.snapshot()
	var found []error
	if fault != nil {
		found = append(found, fmt.Errorf("%w: %w", ErrAnswer, fault))
	}
	if err := rules(all); err != nil {
		found = append(found, fmt.Errorf("%w: %w", ErrViolation, err))
	}
	pictures := 0
	for _, p := range partitions(leases, boxes) {
		err := p.check(dir, until)
		found = append(found, err)
		if errors.Is(err, ErrUndecided) {
			break
		}
		if err != nil {
			if pictures++; pictures == maxPictures {
				break
			}
		}
	}
	return errors.Join(found...)
}

const maxPictures = 3

// partitions returns leases and mailboxes, each kind by id.
func partitions(leases, boxes map[string][]*Op) (list []*partition) {
	for _, id := range slices.Sorted(maps.Keys(leases)) {
		name(leases[id])
		list = append(list, &partition{"lease", id, leaseModel, merge(settle(shadowed(leases[id])))})
	}
	for _, id := range slices.Sorted(maps.Keys(boxes)) {
		ops := merge(settle(boxes[id]))
		list = append(list, &partition{"mailbox", id, newBox(ops).model(), ops})
	}
	return list
}

func (p *partition) check(dir string, until time.Time) error {
	switch ask(p.model, p.ops, until) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("%s %s: %w: %d operations, see %v", p.kind, p.id, ErrUndecided, len(p.ops), p.write(dir))
	}
	_ = p.write(dir)
	short := p.shortest(until)
	picture, err := p.paint(dir, short, until)
	if err != nil {
		return fmt.Errorf("%s %s: %w, and its picture: %w", p.kind, p.id, ErrViolation, err)
	}
	last := short[len(short)-1]
	return fmt.Errorf("%s %s: %w: after %d operations, at %v, not %v; see %s", p.kind, p.id, ErrViolation, len(short), last.until, last, picture)
}

// ask lets porcupine decide. Less than no time is left as a moment: 0 would be
// for ever.
func ask(m porcupine.Model, ops []*Op, until time.Time) porcupine.CheckResult {
	if fewer := certain(ops); len(fewer) < len(ops) && legal(m, fewer, until) == porcupine.Ok {
		return porcupine.Ok
	}
	return legal(m, ops, until)
}

func legal(m porcupine.Model, ops []*Op, until time.Time) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(m, operations(ops), max(time.Until(until), time.Millisecond))
}

func operations(ops []*Op) []porcupine.Operation {
	list := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		list[i] = porcupine.Operation{ClientId: o.client, Input: o, Call: o.call, Return: o.ret}
	}
	return list
}

// shortest returns what happened up to the first answer that cannot be, ordered
// by return. An operation that had not returned by then is open.
func (p *partition) shortest(until time.Time) []*Op {
	byReturn := slices.SortedStableFunc(slices.Values(p.ops), func(a, b *Op) int { return cmp.Compare(a.ret, b.ret) })
	n := sort.Search(len(byReturn), func(n int) bool {
		return ask(p.model, prefix(byReturn, n+1), until) == porcupine.Illegal
	})
	return prefix(byReturn, min(n+1, len(byReturn)))
}

// prefix returns the first n operations, and before them, as open ones, those
// that had begun when they ended.
func prefix(byReturn []*Op, n int) []*Op {
	last := byReturn[n-1].ret
	var ops []*Op
	for _, o := range byReturn[n:] {
		if o.call < last && !o.kind.reads() && o.kind != ending {
			begun := new(*o)
			begun.ret, begun.until, begun.verdict = never, forever, open
			begun.answer = answer{holding: holding{epoch: o.answer.epoch}}
			ops = append(ops, begun)
		}
	}
	return append(ops, byReturn[:n]...)
}

// paint writes the picture of a violation and returns its path.
func (p *partition) paint(dir string, ops []*Op, until time.Time) (string, error) {
	_, info := porcupine.CheckOperationsVerbose(p.model, operations(ops), max(time.Until(until), time.Second))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := p.path(dir, ".html")
	return path, porcupine.VisualizePath(p.model, info, path)
}

func (p *partition) path(dir, ext string) string {
	return filepath.Join(dir, p.kind+"-"+strings.NewReplacer("/", "_", ":", "_").Replace(p.id)+ext)
}

// write lists operations in a file, ordered by call, and returns its path or why
// there is none.
func (p *partition) write(dir string) any {
	var text strings.Builder
	for _, o := range slices.SortedFunc(slices.Values(p.ops), func(a, b *Op) int { return cmp.Compare(a.call, b.call) }) {
		fmt.Fprintf(&text, "%d to %d, %v to %v, client %d: %v\n", o.call, o.ret, o.from, o.until, o.client, o)
	}
	path := p.path(dir, ".txt")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(text.String()), 0o644)); err != nil {
		return err
	}
	return path
}
