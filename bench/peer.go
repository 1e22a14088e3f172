package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A peer is a program that somebody else's library is linked into, as a contestant in a
// process of its own: it may need another version of a dependency, or come from a
// checkout that no module proxy serves. It reads lines of JSON from its standard input
// and answers each with one on its standard output, until the input ends:
//
//	← {"dsn": …, "connections": 16, "query": …, "setting": …, "targets": [{"tenant": …, "id": …}, …]}
//	→ {}
//	← {"workers": 16, "milliseconds": 100}
//	→ {"operations": 4711, "seconds": 0.1002}
//	← {"workers": 1, "operations": 2000}
//	→ {"operations": 2000, "seconds": 0.42}
//
// An operation executes query with the id of a target chosen at random, as the target's
// tenant, and reads the text that it returns; setting is what the policy of the table reads
// the tenant from. An answer with a field "error" ends the run.
type peer struct {
	name string
	args []string
}

// peers are the values of the flag -peer.
type peers []peer

// String implements [flag.Value].
func (p *peers) String() string { return "" }

// Set implements [flag.Value].
func (p *peers) Set(value string) error {
	name, command, _ := strings.Cut(value, "=")
	args := strings.Fields(command)
	if name == "" || len(args) == 0 {
		return errors.New("want NAME=COMMAND")
	}
	*p = append(*p, peer{name, args})
	return nil
}

// client compares the peers with what pgx does by hand.
func (p peers) client() client {
	c := pgxClient()
	c.name = "peers"
	c.ways = []string{unscoped, fair, perTx, perLease}
	for _, peer := range p {
		c.ways = append(c.ways, peer.name)
	}
	c.ways = append(c.ways, ours)
	return c
}

// find returns the peer with a name, or nil.
func (p peers) find(name string) *peer {
	for i := range p {
		if p[i].name == name {
			return &p[i]
		}
	}
	return nil
}

// introduction is the first line to a peer.
type introduction struct {
	DSN         string       `json:"dsn"`
	Connections int          `json:"connections"`
	Query       string       `json:"query"`
	Setting     string       `json:"setting"`
	Targets     []peerTarget `json:"targets"`
}

type peerTarget struct {
	Tenant string `json:"tenant"`
	ID     int64  `json:"id"`
}

// load is how much a peer is to do: for some time, or a number of operations.
type load struct {
	Workers      int   `json:"workers"`
	Milliseconds int64 `json:"milliseconds,omitempty"`
	Operations   int   `json:"operations,omitempty"`
}

// answer is what a peer did.
type answer struct {
	Operations int     `json:"operations"`
	Seconds    float64 `json:"seconds"`
	Error      string  `json:"error"`
}

// start starts the peer's process on a server.
func (p *peer) start(ctx context.Context, f *field, dsn string) (contestant, error) {
	ctx, kill := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	cmd.Stderr, cmd.WaitDelay = os.Stderr, 10*time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		kill()
		return contestant{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		kill()
		return contestant{}, err
	}
	if err := cmd.Start(); err != nil {
		kill()
		return contestant{}, err
	}
	lines := bufio.NewReader(out)
	dsn, _, _ = strings.Cut(dsn, " pool_") // of pgxpool alone
	hello := introduction{DSN: dsn, Connections: f.workers, Query: readItem, Setting: "app.current_tenant_id"}
	r := rand.New(rand.NewPCG(1, 2))
	for range min(1000, f.rows) {
		t := f.pick(r)
		hello.Targets = append(hello.Targets, peerTarget{t.tenant.ID.String(), t.id})
	}
	c := contestant{
		way: p.name,
		run: func(l load) (answer, error) { return ask(in, lines, l) },
		close: func() {
			_ = in.Close() // a well-behaved peer ends
			late := time.AfterFunc(5*time.Second, kill)
			_ = cmd.Wait()
			late.Stop()
			kill()
		},
	}
	if _, err := ask(in, lines, hello); err != nil {
		c.close()
		return contestant{}, err
	}
	return c, nil
}

func ask(in io.Writer, lines *bufio.Reader, question any) (a answer, err error) {
	if err := json.NewEncoder(in).Encode(question); err != nil {
		return a, fmt.Errorf("the peer does not listen: %w", err)
	}
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("the peer does not answer: %w", err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("the peer's answer %q: %w", line, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("the peer says: %s", a.Error)
	}
	return a, nil
}
