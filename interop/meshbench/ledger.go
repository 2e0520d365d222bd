package main

import (
	"math"
	"slices"
	"sync"
	"time"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
)

// ledger is all changes of a phase and all sightings.
type ledger struct {
	lock  sync.Mutex
	done  [][]made
	seen  [][]int // by observer and owner
	delay []time.Duration
}

// made is a change: the state's tick after it, and when.
type made struct {
	tick uint64
	at   time.Time
}

func newLedger(peers int) *ledger {
	l := &ledger{done: make([][]made, peers), seen: make([][]int, peers)}
	for i := range l.seen {
		l.seen[i] = make([]int, peers)
	}
	return l
}

// begin forgets the phase before.
func (l *ledger) begin() {
	l.lock.Lock()
	defer l.lock.Unlock()
	clear(l.done)
	l.delay = nil
	for _, seen := range l.seen {
		clear(seen)
	}
}

// change changes a machine. Observers wait for the lock, so none sees it before it is noted.
func (l *ledger) change(peer int, machine *am.Machine) {
	l.lock.Lock()
	defer l.lock.Unlock()
	at := time.Now()
	machine.Toggle1("Bar", nil)
	l.done[peer] = append(l.done[peer], made{machine.Time(nil)[bar], at})
}

// saw notes that an observer has this tick of an owner's state: all changes up to it are seen.
func (l *ledger) saw(observer, owner int, tick uint64) {
	now := time.Now()
	l.lock.Lock()
	defer l.lock.Unlock()
	seen := &l.seen[observer][owner]
	for *seen < len(l.done[owner]) && l.done[owner][*seen].tick <= tick {
		l.delay = append(l.delay, now.Sub(l.done[owner][*seen].at))
		*seen++
	}
}

func (l *ledger) changes() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.count()
}

func (l *ledger) count() int {
	count := 0
	for _, done := range l.done {
		count += len(done)
	}
	return count
}

// unseen is how many pairs there are of a change and a peer that has not seen it.
func (l *ledger) unseen() int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.count()*(len(l.done)-1) - len(l.delay)
}

// lags is all sightings, shortest first.
func (l *ledger) lags() []time.Duration {
	l.lock.Lock()
	defer l.lock.Unlock()
	lags := slices.Clone(l.delay)
	slices.Sort(lags)
	return lags
}

// percentile is the lag, in milliseconds, that so many percent do not exceed.
func percentile(lags []time.Duration, percent int) float64 {
	if len(lags) == 0 {
		return math.NaN()
	}
	return milliseconds(lags[max((len(lags)*percent+99)/100, 1)-1])
}

// schedule says when who changes, in order, without end.
func schedule(kind string, peers int) func() (time.Duration, int) {
	random := random(2)
	next := []int{0}
	if kind == "each" {
		next = make([]int, peers)
		for i := range next {
			next[i] = random.below(3000)
		}
	}
	return func() (time.Duration, int) {
		at := 0
		for i, due := range next {
			if due < next[at] {
				at = i
			}
		}
		due, pause, peer := next[at], 100, 0
		if kind == "each" {
			pause, peer = 1000+random.below(2000), at
		} else {
			peer = random.below(peers)
		}
		next[at] = due + pause
		return time.Duration(due) * time.Millisecond, peer
	}
}

// random gives numbers that are the same in every run and in the twin (Knuth's MMIX generator).
type random uint64

func (r *random) below(end int) int {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int(uint64(*r>>33) % uint64(end))
}
