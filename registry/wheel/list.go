package wheel

// node returns the place of an item, which it makes if there is none yet.
func (w *Wheel) node(item uint32) *node {
	for int(item>>chunkBits) >= len(w.nodes) {
		w.nodes = append(w.nodes, new([chunkSize]node))
	}
	return &w.nodes[item>>chunkBits][item%chunkSize]
}

// link appends an item that is nowhere to a list.
func (w *Wheel) link(item uint32, to int) {
	n, l := w.node(item), &w.lists[to]
	n.list, n.prev, n.next = uint16(to)+1, l.tail, 0
	if l.tail == 0 {
		l.head = item + 1
	} else {
		w.node(l.tail - 1).next = item + 1
	}
	l.tail = item + 1
	if to < firedList {
		w.length++
	}
	if to < levelSize {
		w.bits |= 1 << to
	}
}

// unlink takes an item out of its list.
func (w *Wheel) unlink(item uint32) {
	n := w.node(item)
	from := int(n.list) - 1
	l := &w.lists[from]
	if n.prev == 0 {
		l.head = n.next
	} else {
		w.node(n.prev - 1).next = n.next
	}
	if n.next == 0 {
		l.tail = n.prev
	} else {
		w.node(n.next - 1).prev = n.prev
	}
	n.list = 0
	if from < firedList {
		w.length--
	}
	if from < levelSize && l.head == 0 {
		w.bits &^= 1 << from
	}
}
