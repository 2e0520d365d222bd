// The twin in Go of crates/peer/benches/mesh: unmodified peers of an asyncmachine-go release, many in one process, over
// QUIC on the loopback, through the same scenarios with the same graph of links and the same changes.
//
//	meshbench PEERS LIMIT [each:SECONDS | ten:SECONDS | rest:SECONDS]...
//
// All peers join at once over links that stand already. Progress goes to stderr, one JSON object per phase to stdout.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// Between phases.
	settle = 5 * time.Second
	// For what was changed last to be seen by everybody.
	stragglers = 15 * time.Second
	poll       = 20 * time.Millisecond
)

// phase is one thing to measure after the join.
type phase struct {
	kind    string
	seconds time.Duration
}

func main() {
	peers, limit, phases, err := parse(os.Args[1:])
	if err == nil {
		err = run(peers, limit, phases)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parse(words []string) (peers int, limit time.Duration, phases []phase, err error) {
	usage := errors.New("usage: meshbench PEERS LIMIT [each:SECONDS | ten:SECONDS | rest:SECONDS]...")
	if len(words) < 2 {
		return 0, 0, nil, usage
	}
	peers, err = strconv.Atoi(words[0])
	if err != nil || peers < 2 {
		return 0, 0, nil, usage
	}
	if limit, err = time.ParseDuration(words[1] + "s"); err != nil {
		return 0, 0, nil, usage
	}
	for _, word := range words[2:] {
		kind, text, _ := strings.Cut(word, ":")
		seconds, err := time.ParseDuration(text + "s")
		if err != nil || (kind != "each" && kind != "ten" && kind != "rest") {
			return 0, 0, nil, usage
		}
		phases = append(phases, phase{kind, seconds})
	}
	return peers, limit, phases, nil
}

func run(peers int, limit time.Duration, phases []phase) error {
	before := rss()
	c, err := connect(context.Background(), peers)
	if err != nil {
		return err
	}
	join(c, limit, before)
	if len(phases) > 0 {
		c.watchClocks()
	}
	for _, p := range phases {
		if p.kind == "rest" {
			rest(c, p.seconds)
		} else {
			change(c, p)
		}
	}
	return nil
}

// join measures from the first join until everybody knows everything.
func join(c *crowd, limit time.Duration, before float64) {
	report("begin", "join", figures{})
	used := now()
	start := time.Now()
	for _, m := range c.members {
		go m.topic.Join()
	}
	c.known.wait(limit)
	cpu, loopback := used.since()
	messages, bytes := c.received()
	peers := float64(len(c.members))
	report("done", "join", figures{
		"ms_90": c.known.time(0, start), "ms_99": c.known.time(1, start), "ms_100": c.known.time(2, start),
		"missing": float64(c.known.missing()), "pairs": float64(c.known.pairs),
		"messages": messages / peers, "bytes": bytes / peers,
		"wire_bytes": loopback / peers, "cpu_ms": milliseconds(cpu), "rss": (rss() - before) / peers,
	})
}

// change changes machines for that long, then waits for the rest of the lags.
func change(c *crowd, p phase) {
	time.Sleep(settle)
	report("begin", p.kind, figures{})
	c.ledger.begin()
	used, spoken := now(), c.published()
	start := time.Now()
	next := schedule(p.kind, len(c.members))
	for {
		after, peer := next()
		if after >= p.seconds {
			break
		}
		time.Sleep(time.Until(start.Add(after)))
		c.ledger.change(peer, c.members[peer].machines[0])
	}
	time.Sleep(time.Until(start.Add(p.seconds)))
	cpu, loopback := used.since()
	said := c.published() - spoken
	for deadline := time.Now().Add(stragglers); c.ledger.unseen() > 0 && time.Now().Before(deadline); {
		time.Sleep(poll)
	}
	lags := c.ledger.lags()
	peers, seconds := float64(len(c.members)), p.seconds.Seconds()
	report("done", p.kind, figures{
		"changes": float64(c.ledger.changes()),
		"p50_ms":  percentile(lags, 50), "p99_ms": percentile(lags, 99), "max_ms": percentile(lags, 100),
		"seen": float64(len(lags)), "lost": float64(c.ledger.unseen()),
		"messages_per_s": said / seconds, "cpu_share": cpu.Seconds() / seconds / peers,
		"wire_bytes_per_s": loopback / peers / seconds,
	})
}

// rest measures what it costs when nothing happens.
func rest(c *crowd, seconds time.Duration) {
	time.Sleep(3 * settle)
	report("begin", "rest", figures{})
	used, spoken := now(), c.published()
	time.Sleep(seconds)
	cpu, loopback := used.since()
	said := c.published() - spoken
	peers := float64(len(c.members))
	report("done", "rest", figures{
		"messages_per_s": said / seconds.Seconds(), "cpu_share": cpu.Seconds() / seconds.Seconds() / peers,
		"wire_bytes_per_s": loopback / peers / seconds.Seconds(),
	})
}

type figures map[string]float64

// report prints what is going on; what could not be measured is null.
func report(event, phase string, f figures) {
	line := map[string]any{event: phase, "pid": os.Getpid()}
	for name, value := range f {
		line[name] = value
		if math.IsNaN(value) {
			line[name] = nil
		}
	}
	text, err := json.Marshal(line)
	if err != nil {
		text = []byte("{}")
	}
	fmt.Println(string(text))
	fmt.Fprintf(os.Stderr, "   %s %s\n", event, phase)
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
