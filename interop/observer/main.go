// A bystander of the mesh, built on an unmodified asyncmachine-go v0.19.1: releases from v0.15 on freeze for seconds
// over every message but `updates`, and learn no remote machine whatever they are told. It exposes one machine, counts
// what passes on the topic, and answers `count` on stdin with one JSON object per line. The interop tests run their
// scenarios beside it: it must neither fall out of the topic because of us nor make anybody else miss anything.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/vmihailenco/msgpack/v5"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub"
	"github.com/pancsta/asyncmachine-go/pkg/pubsub/states"
)

// How long each step of the start may take.
const startLimit = 20 * time.Second

var topicStates = states.TopicStates

func main() {
	name := flag.String("name", "bystander", "id of the exposed machine")
	topicName := flag.String("topic", "mesh", "topic to join")
	connect := flag.String("connect", "", "multiaddr of a peer of the topic, ending in /p2p/<peer id>")
	flag.Parse()
	address, err := ma.NewMultiaddr(*connect)
	if err == nil && flag.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	heard, err := join(context.Background(), *topicName, *name, address)
	if err != nil {
		report("error", map[string]any{"message": err.Error()})
		os.Exit(1)
	}
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		if commands.Text() == "count" {
			report("count", map[string]any{"heard": heard.byType()})
		}
	}
	select {} // stdin ended: keep listening
}

// join returns once the topic is joined.
func join(ctx context.Context, topicName, name string, address ma.Multiaddr) (*tally, error) {
	schema := am.Schema{"Exception": {Multi: true}, "Start": {}}
	machine := am.New(ctx, schema, &am.Opts{Id: name})
	if err := machine.VerifyStates(am.S{"Exception", "Start"}); err != nil {
		return nil, err
	}
	machine.Add1("Start", nil)
	topic, err := pubsub.NewTopic(ctx, topicName, name, []*am.Machine{machine}, nil)
	if err != nil {
		return nil, err
	}
	listen, err := ma.NewMultiaddr("/ip4/127.0.0.1/udp/0/quic-v1")
	if err != nil {
		return nil, err
	}
	topic.ListenAddrs, topic.ConnAddrs = []ma.Multiaddr{listen}, []ma.Multiaddr{address}
	if topic.Start() == am.Canceled {
		return nil, errors.New("start refused")
	}
	if err := reached(topic, topicStates.Connected); err != nil {
		return nil, err
	}
	topic.Join()
	if err := reached(topic, topicStates.Joined); err != nil {
		return nil, err
	}
	messages, err := topic.T.Subscribe()
	if err != nil {
		return nil, err
	}
	heard := &tally{counts: map[string]int{}}
	go func() {
		for {
			message, err := messages.Next(ctx)
			if err != nil {
				return
			}
			if !message.Local {
				heard.note(message.Data)
			}
		}
	}()
	report("joined", map[string]any{"topic": topicName})
	return heard, nil
}

// reached waits for a state of the topic's own machine.
func reached(topic *pubsub.Topic, state string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	<-topic.Mach.When1(state, ctx)
	// A context that ends closes the channel, too: what counts is the state itself.
	if !topic.Mach.Is1(state) {
		return fmt.Errorf("no %s in %s", state, startLimit)
	}
	return nil
}

// tally counts messages by type.
type tally struct {
	lock   sync.Mutex
	counts map[string]int
}

func (t *tally) note(payload []byte) {
	var message pubsub.Msg
	if msgpack.Unmarshal(payload, &message) != nil {
		message.Type = "unreadable"
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.counts[string(message.Type)]++
}

func (t *tally) byType() map[string]int {
	t.lock.Lock()
	defer t.lock.Unlock()
	counts := make(map[string]int, len(t.counts))
	for kind, count := range t.counts {
		counts[kind] = count
	}
	return counts
}

// report prints one JSON object as one line.
func report(event string, fields map[string]any) {
	fields["event"] = event
	line, err := json.Marshal(fields)
	if err != nil {
		line = []byte(`{"event":"error","message":"unprintable line"}`)
	}
	fmt.Println(string(line))
}
