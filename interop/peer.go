package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub/states"
)

// How long each step of the start may take.
const startLimit = 20 * time.Second

var topicStates = states.TopicStates

// peer is one topic peer with one exposed machine.
type peer struct {
	topic   *pubsub.Topic
	machine *am.Machine
	mirrors *mirrors
}

// startPeer returns when the peer listens, is connected and has joined.
func startPeer(ctx context.Context, opts options) (*peer, error) {
	machine, err := newWorker(ctx, opts.name)
	if err != nil {
		return nil, err
	}
	topic, err := pubsub.NewTopic(ctx, opts.topic, opts.name, []*am.Machine{machine}, nil)
	if err != nil {
		return nil, err
	}
	topic.ListenAddrs, topic.ConnAddrs = opts.listen, opts.connect
	topic.Mach.OnError(func(_ *am.Machine, err error) {
		report("error", fields{"message": err.Error(), "fatal": false})
	})

	if topic.Start() == am.Canceled {
		return nil, errors.New("start refused: no address to listen on")
	}
	if err := await(topic, topicStates.Started); err != nil {
		return nil, err
	}
	own := ""
	for _, addr := range *topic.Addrs.Load() {
		_, own, _ = strings.Cut(addr.String(), "/p2p/")
		report("address", fields{"address": addr.String(), "peer": own})
	}
	if len(opts.connect) == 0 {
		topic.Mach.Add1(topicStates.Connected, nil) // upstream waits for a dial that a first peer never makes
	}
	if err := await(topic, topicStates.Connected); err != nil {
		return nil, err
	}
	topic.Join()
	if err := await(topic, topicStates.Joined); err != nil {
		return nil, err
	}
	watched, err := watchMirrors(ctx, topic, own)
	if err != nil {
		return nil, err
	}
	report("joined", fields{"topic": opts.topic, "peer": own})
	return &peer{topic, machine, watched}, nil
}

// newWorker builds the exposed machine, already started and ready.
func newWorker(ctx context.Context, id string) (*am.Machine, error) {
	schema := am.Schema{
		"Exception": {Multi: true},
		"Start":     {},
		"Ready":     {Require: am.S{"Start"}},
		"Busy":      {Require: am.S{"Ready"}},
	}
	machine := am.New(ctx, schema, &am.Opts{Id: id, Tags: []string{"kind:go"}})
	if err := machine.VerifyStates(am.S{"Exception", "Start", "Ready", "Busy"}); err != nil {
		return nil, err
	}
	machine.Add(am.S{"Start", "Ready"}, nil)
	return machine, nil
}

// await returns when the topic's own machine has reached the state, or with its error.
func await(topic *pubsub.Topic, state string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	reached := topic.Mach.When1(state, ctx)
	failed := topic.Mach.WhenErr(ctx)
	select {
	case <-reached:
	case <-failed:
	case <-ctx.Done():
	}
	// A context that ends closes the channels too: what counts is the state itself.
	if topic.Mach.Is1(state) {
		return nil
	}
	if err := topic.Mach.Err(); err != nil {
		return fmt.Errorf("waiting for %s: %w", state, err)
	}
	return fmt.Errorf("waiting for %s: nothing happened in %s", state, startLimit)
}

func (p *peer) mutate(op, state string) {
	if !slices.Contains(p.machine.StateNames(), state) {
		report("error", fields{"message": "no state " + state, "fatal": false})
		return
	}
	var result am.Result
	switch op {
	case "add":
		result = p.machine.Add1(state, nil)
	case "rm":
		result = p.machine.Remove1(state, nil)
	default:
		result = p.machine.Toggle1(state, nil)
	}
	report("own", fields{
		"machine": p.machine.Id(), "op": op, "state": state, "result": result.String(),
		"clock": p.machine.Time(nil), "active": p.machine.ActiveStates(),
	})
}

func (p *peer) list() {
	report("list", fields{"machines": p.mirrors.snapshot()})
}

// quit leaves the topic and ends the process.
func (p *peer) quit() {
	p.topic.Mach.Remove1(topicStates.Start, nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	<-p.topic.Mach.WhenNot1(topicStates.Joined, ctx)
	os.Exit(0)
}
