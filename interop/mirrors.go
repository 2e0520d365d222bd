package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub"
	"github.com/pancsta/asyncmachine-go/pkg/rpc"
)

// How many peers' ids are kept to name the owners of mirrors.
const maxOwners = 1000

// mirrors reports the machines that the topic learns and their clocks.
type mirrors struct {
	topic *pubsub.Topic
	own   string
	wake  chan struct{}

	lock   sync.Mutex
	owners []string
	known  map[*rpc.Worker]string // mirror -> owner
}

// watchMirrors starts reporting.
func watchMirrors(ctx context.Context, topic *pubsub.Topic, own string) (*mirrors, error) {
	m := &mirrors{topic: topic, own: own, wake: make(chan struct{}, 1), known: map[*rpc.Worker]string{}}
	messages, err := topic.T.Subscribe()
	if err != nil {
		return nil, err
	}
	if err := topic.Mach.BindTracer(&infoTracer{learned: m.kick}); err != nil {
		return nil, err
	}
	go func() {
		for {
			message, err := messages.Next(ctx)
			if err != nil {
				return
			}
			m.noteOwners(message.GetFrom().String(), message.Data)
		}
	}()
	go func() {
		for range m.wake {
			m.refresh()
		}
	}()
	return m, nil
}

// kick asks for a look at the topic's mirrors; any number of kicks before it are one.
func (m *mirrors) kick() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// noteOwners remembers who may own a mirror: authors, and the peers an info message speaks of.
func (m *mirrors) noteOwners(author string, payload []byte) {
	ids := []string{author}
	var info pubsub.MsgInfo
	if msgpack.Unmarshal(payload, &info) == nil {
		for id := range info.PeerInfo {
			ids = append(ids, id)
		}
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, id := range ids {
		if id != m.own && len(m.owners) < maxOwners && !slices.Contains(m.owners, id) {
			m.owners = append(m.owners, id)
			m.kick() // its mirrors may have been learned before its name
		}
	}
}

// refresh reports mirrors not seen before. The topic tells only per peer whose they are.
func (m *mirrors) refresh() {
	m.lock.Lock()
	owners := slices.Clone(m.owners)
	m.lock.Unlock()
	for _, owner := range owners {
		for _, worker := range m.listOf(owner) {
			m.learn(worker, owner)
		}
	}
}

func (m *mirrors) listOf(owner string) []*rpc.Worker {
	answer := make(chan []*rpc.Worker, 1)
	args := &pubsub.A{WorkersCh: answer, ListFilters: &pubsub.ListFilters{PeerId: owner}}
	if m.topic.Mach.Add1(topicStates.ListMachines, pubsub.Pass(args)) == am.Canceled {
		m.kick()
		return nil
	}
	select {
	case workers := <-answer:
		return workers
	case <-time.After(time.Second):
		m.kick()
		return nil
	}
}

func (m *mirrors) learn(worker *rpc.Worker, owner string) {
	m.lock.Lock()
	_, seen := m.known[worker]
	m.known[worker] = owner
	m.lock.Unlock()
	if seen {
		return
	}
	_ = worker.BindTracer(&clockTracer{changed: func(clock am.Time) {
		report("clock", fields{"peer": owner, "machine": sourceID(worker), "clock": clock})
	}})
	report("machine", describe(worker, owner))
}

// snapshot lists all mirrors as they are now.
func (m *mirrors) snapshot() []fields {
	m.lock.Lock()
	defer m.lock.Unlock()
	list := make([]fields, 0, len(m.known))
	for worker, owner := range m.known {
		list = append(list, describe(worker, owner))
	}
	return list
}

func describe(worker *rpc.Worker, owner string) fields {
	return fields{
		"peer": owner, "machine": sourceID(worker), "states": worker.StateNames(),
		"clock": worker.Time(nil), "active": worker.ActiveStates(),
	}
}

// sourceID is the machine's id on its owner; the mirror's own id is made up locally.
func sourceID(worker *rpc.Worker) string {
	for _, tag := range worker.Tags() {
		if id, ok := strings.CutPrefix(tag, "src-id:"); ok {
			return id
		}
	}
	return worker.Id()
}

// infoTracer calls back after each handled message that may have brought mirrors.
type infoTracer struct {
	*am.NoOpTracer
	learned func()
}

func (t *infoTracer) TransitionEnd(tx *am.Transition) {
	if slices.Contains(tx.CalledStates(), topicStates.MsgInfo) {
		t.learned()
	}
}

// clockTracer calls back with a mirror's new clock.
type clockTracer struct {
	*am.NoOpTracer
	changed func(clock am.Time)
}

func (t *clockTracer) TransitionEnd(tx *am.Transition) { t.changed(tx.TimeAfter) }
