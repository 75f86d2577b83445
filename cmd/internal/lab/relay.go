//go:build linux

package lab

import (
	"container/heap"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Delay is what the relay does to the packets of one host: each waits for Base,
// give or take Jitter, so that they overtake each other, and Twice of them are
// delivered twice.
type Delay struct {
	Base, Jitter time.Duration
	Twice        float64 // 0 to 1
}

// maxDelayed is how many packets of one host wait at most; beyond it they are
// dropped, as a full queue does.
const maxDelayed = 4_096

// relay carries packets between the TUN devices of all hosts.
type relay struct {
	mu      sync.Mutex // guards what follows
	devices map[int]*os.File
	delays  map[int]Delay

	lines sync.WaitGroup
}

func newRelay() *relay {
	return &relay{devices: make(map[int]*os.File), delays: make(map[int]Delay)}
}

func (r *relay) set(number int, by Delay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.delays[number] = by
}

// add starts to carry what a host sends.
func (r *relay) add(number int, device *os.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.devices[number] = device
	arrived := make(chan []byte, 64)
	r.lines.Go(func() {
		defer close(arrived)
		for {
			packet := make([]byte, mtu+64)
			n, err := device.Read(packet)
			if err != nil {
				return
			}
			arrived <- packet[:n]
		}
	})
	r.lines.Go(func() { r.carry(number, arrived) })
}

// carry holds each packet for its time.
func (r *relay) carry(number int, arrived <-chan []byte) {
	var waiting parcels
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case packet, ok := <-arrived:
			if !ok {
				return
			}
			r.hold(&waiting, number, packet)
		case <-timer.C:
		}
		for len(waiting) > 0 && !waiting[0].due.After(time.Now()) {
			r.deliver(heap.Pop(&waiting).(parcel).packet)
		}
		if len(waiting) > 0 {
			timer.Reset(time.Until(waiting[0].due))
		}
	}
}

func (r *relay) hold(waiting *parcels, number int, packet []byte) {
	r.mu.Lock()
	by := r.delays[number]
	r.mu.Unlock()
	copies := 1
	if rand.Float64() < by.Twice {
		copies = 2
	}
	for range copies {
		if len(*waiting) < maxDelayed {
			jitter := time.Duration((2*rand.Float64() - 1) * float64(by.Jitter))
			heap.Push(waiting, parcel{time.Now().Add(by.Base + jitter), packet})
		}
	}
}

// deliver writes an IPv4 packet to the device of its destination, whose last
// byte is the host's number. What is for nobody is dropped.
func (r *relay) deliver(packet []byte) {
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return
	}
	r.mu.Lock()
	device := r.devices[int(packet[19])]
	r.mu.Unlock()
	if device != nil {
		_, _ = device.Write(packet)
	}
}

func (r *relay) close() {
	r.mu.Lock()
	for _, device := range r.devices {
		device.Close()
	}
	r.mu.Unlock()
	r.lines.Wait()
}

// parcel is a packet and when it leaves.
type parcel struct {
	due    time.Time
	packet []byte
}

// parcels is a heap, the earliest first.
type parcels []parcel

func (p parcels) Len() int           { return len(p) }
func (p parcels) Less(i, j int) bool { return p[i].due.Before(p[j].due) }
func (p parcels) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *parcels) Push(x any)        { *p = append(*p, x.(parcel)) }
func (p *parcels) Pop() any {
	old := *p
	last := old[len(old)-1]
	*p = old[:len(old)-1]
	return last
}
