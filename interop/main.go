// A Go peer of the mesh, built on an unmodified release of asyncmachine-go: it exposes one machine, reports every
// machine and clock it learns as one JSON object per line, and takes commands on stdin. The interop tests drive it,
// and people can start it by hand:
//
//	go run . -topic mesh -connect /ip4/127.0.0.1/udp/8701/quic-v1/p2p/<relay> -every 2s
//
// Commands: `add STATE`, `rm STATE`, `toggle STATE`, `list`, `quit`. The end of stdin does not end the peer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// options are the flags as meant.
type options struct {
	name    string
	topic   string
	listen  []ma.Multiaddr
	connect []ma.Multiaddr
	every   time.Duration
}

func main() {
	opts, err := parseFlags()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	p, err := startPeer(context.Background(), opts)
	if err != nil {
		report("error", fields{"message": err.Error(), "fatal": true})
		os.Exit(1)
	}
	if opts.every > 0 {
		go func() {
			for range time.Tick(opts.every) {
				p.mutate("toggle", "Busy")
			}
		}()
	}
	runCommands(p)
	select {} // stdin ended: keep serving
}

func parseFlags() (options, error) {
	name := flag.String("name", "go-worker", "id of the exposed machine")
	topic := flag.String("topic", "mesh", "topic to join")
	listen := flag.String("listen", "/ip4/127.0.0.1/udp/0/quic-v1", "comma separated QUIC multiaddrs to listen on")
	connect := flag.String("connect", "", "comma separated multiaddrs ending in /p2p/<peer id>; none: wait for others")
	every := flag.Duration("every", 0, "toggle the state Busy at this interval")
	flag.Parse()
	if flag.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	listenAddrs, err := parseAddrs(*listen)
	if err != nil {
		return options{}, err
	}
	connectAddrs, err := parseAddrs(*connect)
	if err != nil {
		return options{}, err
	}
	return options{*name, *topic, listenAddrs, connectAddrs, *every}, nil
}

func parseAddrs(list string) ([]ma.Multiaddr, error) {
	var parsed []ma.Multiaddr
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", text, err)
		}
		parsed = append(parsed, addr)
	}
	return parsed, nil
}

func runCommands(p *peer) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0:
		case len(words) == 2 && (words[0] == "add" || words[0] == "rm" || words[0] == "toggle"):
			p.mutate(words[0], words[1])
		case len(words) == 1 && words[0] == "list":
			p.list()
		case len(words) == 1 && words[0] == "quit":
			p.quit()
		default:
			report("error", fields{"message": "unknown command: " + lines.Text(), "fatal": false})
		}
	}
}

// fields of one reported line.
type fields map[string]any

var reportLock sync.Mutex

// report prints one JSON object as one line.
func report(event string, f fields) {
	f["event"] = event
	f["at_ms"] = time.Now().UnixMilli()
	line, err := json.Marshal(f)
	if err != nil {
		line = []byte(`{"event":"error","message":"unprintable line","fatal":false}`)
	}
	reportLock.Lock()
	defer reportLock.Unlock()
	fmt.Println(string(line))
}
