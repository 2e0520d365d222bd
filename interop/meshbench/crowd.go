package main

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ps "github.com/libp2p/go-libp2p-pubsub"
	ma "github.com/multiformats/go-multiaddr"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub/states"
	"github.com/pancsta/asyncmachine-go/pkg/rpc"
)

const (
	// Exposed by every peer.
	machinesPerPeer = 3
	// Links that a peer opens to peers before it: six at each on average.
	dials = 3
	// For a peer to start, and for all links to stand.
	startLimit   = 20 * time.Second
	connectLimit = 2 * time.Minute
	// Identify follows the handshake.
	identified = 2 * time.Second
	// Messages that the counting subscription may hold.
	subscriptionBuffer = 1 << 14
	// Between looks for machines that were not known before.
	relist = 5 * time.Second
)

var topicStates = states.TopicStates

// stateNames in the order of their clocks.
var stateNames = am.S{"Exception", "Foo", "Bar"}

const bar = 2

// member is a peer and what it exposes.
type member struct {
	topic    *pubsub.Topic
	machines []*am.Machine
	messages atomic.Uint64
	bytes    atomic.Uint64
}

// crowd is all of them.
type crowd struct {
	members []*member
	known   *known
	ledger  *ledger
}

// connect returns when every link stands; nobody has joined yet.
func connect(ctx context.Context, size int) (*crowd, error) {
	c := &crowd{known: newKnown(size), ledger: newLedger(size)}
	links := make([]int, size)
	for number, others := range graph(size) {
		var addrs []ma.Multiaddr
		for _, other := range others {
			links[number]++
			links[other]++
			addrs = append(addrs, (*c.members[other].topic.Addrs.Load())[0])
		}
		m, err := startMember(ctx, number, addrs, c.known)
		if err != nil {
			return nil, err
		}
		c.members = append(c.members, m)
	}
	deadline := time.Now().Add(connectLimit)
	for number, m := range c.members {
		for m.topic.ConnCount() < links[number] {
			if time.Now().After(deadline) {
				return nil, fmt.Errorf("peer %d has %d links of %d", number, m.topic.ConnCount(), links[number])
			}
			time.Sleep(poll)
		}
	}
	time.Sleep(identified)
	report("connected", "", figures{})
	return c, nil
}

func startMember(ctx context.Context, number int, addrs []ma.Multiaddr, known *known) (*member, error) {
	m := &member{}
	for at := range machinesPerPeer {
		machine, err := newMachine(ctx, fmt.Sprintf("bench-%d-%d", number, at))
		if err != nil {
			return nil, err
		}
		m.machines = append(m.machines, machine)
	}
	topic, err := pubsub.NewTopic(ctx, "mesh-bench", fmt.Sprint(number), m.machines, nil)
	if err != nil {
		return nil, err
	}
	m.topic = topic
	listen, err := ma.NewMultiaddr("/ip4/127.0.0.1/udp/0/quic-v1")
	if err != nil {
		return nil, err
	}
	topic.ListenAddrs, topic.ConnAddrs = []ma.Multiaddr{listen}, addrs
	counter := &counter{topic: topic, known: known}
	if err := topic.Mach.BindTracer(counter); err != nil {
		return nil, err
	}
	topic.Start()
	if err := await(ctx, topic, topicStates.Started); err != nil {
		return nil, fmt.Errorf("peer %d: %w", number, err)
	}
	if len(addrs) == 0 {
		topic.Mach.Add1(topicStates.Connected, nil) // upstream waits for a dial that a first peer never makes
	}
	if err := await(ctx, topic, topicStates.Connected); err != nil {
		return nil, fmt.Errorf("peer %d: %w", number, err)
	}
	go m.count(ctx)
	return m, nil
}

func newMachine(ctx context.Context, id string) (*am.Machine, error) {
	schema := am.Schema{"Exception": {Multi: true}, "Foo": {Require: am.S{"Bar"}}, "Bar": {}}
	machine := am.New(ctx, schema, &am.Opts{Id: id, Tags: []string{"kind:bench"}})
	return machine, machine.VerifyStates(stateNames)
}

func await(ctx context.Context, topic *pubsub.Topic, state string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	<-topic.Mach.When1(state, ctx)
	if !topic.Mach.Is1(state) {
		return fmt.Errorf("waiting for %s: nothing happened in %s", state, startLimit)
	}
	return nil
}

// count counts what the topic delivers, once it is joined.
func (m *member) count(ctx context.Context) {
	<-m.topic.Mach.When1(topicStates.Joined, ctx)
	messages, err := m.topic.T.Subscribe(ps.WithBufferSize(subscriptionBuffer))
	if err != nil {
		return
	}
	_, own, _ := strings.Cut((*m.topic.Addrs.Load())[0].String(), "/p2p/")
	for {
		message, err := messages.Next(ctx)
		if err != nil {
			return
		}
		if message.GetFrom().String() != own {
			m.messages.Add(1)
			m.bytes.Add(uint64(len(message.Data)))
		}
	}
}

// received is what all peers got so far.
func (c *crowd) received() (messages, bytes float64) {
	for _, m := range c.members {
		messages += float64(m.messages.Load())
		bytes += float64(m.bytes.Load())
	}
	return messages, bytes
}

// published is how many messages the topic carried so far: each reaches everybody but its author.
func (c *crowd) published() float64 {
	messages, _ := c.received()
	return messages / float64(len(c.members)-1)
}

// graph says whom each peer dials: random ones before it, the same in every run and in the twin.
func graph(size int) [][]int {
	random := random(1)
	graph := make([][]int, size)
	for peer := range graph {
		for len(graph[peer]) < min(peer, dials) {
			if other := random.below(peer); !slices.Contains(graph[peer], other) {
				graph[peer] = append(graph[peer], other)
			}
		}
	}
	return graph
}

// watchClocks follows every mirror of a first machine, also of those that are learned late.
func (c *crowd) watchClocks() {
	for observer, m := range c.members {
		go func() {
			watched := map[*rpc.Worker]bool{}
			for len(watched) < len(c.members)-1 {
				for _, worker := range m.list() {
					if owner, first := ownerOf(worker); first && !watched[worker] {
						watched[worker] = true
						c.ledger.saw(observer, owner, worker.Time(nil)[bar])
						_ = worker.BindTracer(&follower{observer: observer, owner: owner, ledger: c.ledger})
					}
				}
				time.Sleep(relist)
			}
		}()
	}
}

// list asks the topic for all mirrors; none when it is too busy to answer.
func (m *member) list() []*rpc.Worker {
	answer := make(chan []*rpc.Worker, 1)
	m.topic.Mach.Add1(topicStates.ListMachines, pubsub.Pass(&pubsub.A{WorkersCh: answer}))
	select {
	case workers := <-answer:
		return workers
	case <-time.After(relist):
		return nil
	}
}

// ownerOf is the peer of this bench whose machine that is, and whether it is its first.
func ownerOf(worker *rpc.Worker) (owner int, first bool) {
	for _, tag := range worker.Tags() {
		if id, ok := strings.CutPrefix(tag, "src-id:"); ok {
			var number int
			_, err := fmt.Sscanf(id, "bench-%d-%d", &owner, &number)
			return owner, err == nil && number == 0
		}
	}
	return 0, false
}

// follower notes a mirror's clocks.
type follower struct {
	*am.NoOpTracer
	observer, owner int
	ledger          *ledger
}

func (f *follower) TransitionEnd(tx *am.Transition) {
	f.ledger.saw(f.observer, f.owner, tx.TimeAfter[bar])
}

// counter notes how many machines a peer knows, after each introduction it handled. It runs where the topic's own handlers
// run, so it may look at their map; asking by ListMachines would fill the queue that upstream drops messages by.
type counter struct {
	*am.NoOpTracer
	topic *pubsub.Topic
	known *known
	last  int
}

func (c *counter) TransitionEnd(tx *am.Transition) {
	if !slices.Contains(tx.CalledStates(), topicStates.MsgInfo) {
		return
	}
	count := 0
	for peers := reflect.ValueOf(c.topic).Elem().FieldByName("workers").MapRange(); peers.Next(); {
		count += peers.Value().Len()
	}
	c.known.learned(count - c.last)
	c.last = count
}

// known is how many pairs of a peer and a foreign machine are known, and since when so many.
type known struct {
	lock  sync.Mutex
	pairs int
	now   int
	marks [3]int
	times [3]time.Time
	all   chan struct{}
}

func newKnown(peers int) *known {
	pairs := peers * (peers - 1) * machinesPerPeer
	return &known{pairs: pairs, marks: [3]int{(pairs*90 + 99) / 100, (pairs*99 + 99) / 100, pairs}, all: make(chan struct{})}
}

func (k *known) learned(more int) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.now += more
	for i, mark := range k.marks {
		if k.now >= mark && k.times[i].IsZero() {
			k.times[i] = time.Now()
			if i == 2 {
				close(k.all)
			}
		}
	}
}

func (k *known) wait(limit time.Duration) {
	select {
	case <-k.all:
	case <-time.After(limit):
	}
}

// time until that mark was reached, in milliseconds.
func (k *known) time(mark int, start time.Time) float64 {
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.times[mark].IsZero() {
		return math.NaN()
	}
	return milliseconds(k.times[mark].Sub(start))
}

func (k *known) missing() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.pairs - k.now
}
