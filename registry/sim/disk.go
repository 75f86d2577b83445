package sim

import (
	"slices"

	"github.com/seed-b4c92e43/rollcall/registry"
)

// disk is a node's durable image: records by kind and key, and the packed
// renewals with what they cover. Each save is one transaction.
type disk struct {
	records map[string][]byte
	packed  []byte
	index   uint64
	saves   int
}

// save flushes what changed, and now and then packs the renewals.
func (n *node) save() {
	w := n.w
	n.after(w.random.about(w.p.save), evSave)
	if n.replica.Index() < n.disk.index || n.applied < n.replica.Index() {
		return // still replaying
	}
	d := &n.disk
	if d.saves > 0 && w.options.Bugs.PackAhead {
		d.packed = n.replica.Renewals()
		return
	}
	if d.records == nil {
		d.records = make(map[string][]byte)
	}
	n.replica.Flush(func(k registry.Kind, key, value []byte) {
		name := string(append([]byte{byte(k)}, key...))
		if value == nil {
			delete(d.records, name)
		} else {
			d.records[name] = value
		}
	})
	d.index = n.replica.Index()
	if d.saves%max(1, int(w.p.pack/w.p.save)) == 0 {
		d.packed = n.replica.Renewals()
	}
	d.saves++
}

// load gives a new process what the disk holds.
func (n *node) load() {
	d := &n.disk
	if d.records == nil {
		return
	}
	names := make([]string, 0, len(d.records))
	for name := range d.records {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := n.replica.Load(registry.Kind(name[0]), []byte(name[1:]), d.records[name]); err != nil {
			n.w.fail("promise 11: %s cannot load its image: %v", n.name, err)
			return
		}
	}
	if err := n.replica.LoadRenewals(d.packed); err != nil {
		n.w.fail("promise 11: %s cannot load its renewals: %v", n.name, err)
		return
	}
	if err := n.replica.Loaded(); err != nil {
		n.w.fail("promise 11: %s cannot finish its load: %v", n.name, err)
		return
	}
	n.w.ghost.loaded(n)
}
