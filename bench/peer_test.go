package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// asPeer is the environment variable that makes a peer of the test binary.
const asPeer = "STRATUM_BENCH_AS_PEER"

// serveAsPeer is a whole peer: pgx with a transaction for each query.
func serveAsPeer(in io.Reader, out io.Writer) error {
	lines, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	var hello introduction
	if err := lines.Decode(&hello); err != nil {
		return err
	}
	ctx := context.Background()
	cfg, err := pgxpool.ParseConfig(hello.DSN)
	if err != nil {
		return err
	}
	cfg.MaxConns = int32(hello.Connections)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := answers.Encode(answer{}); err != nil {
		return err
	}
	for {
		var l load
		if err := lines.Decode(&l); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		start, a := time.Now(), answer{}
		for a.Error == "" && (a.Operations < l.Operations || time.Since(start).Milliseconds() < l.Milliseconds) {
			target := hello.Targets[rand.IntN(len(hello.Targets))]
			if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, "select set_config($1, $2, true)", hello.Setting, target.Tenant); err != nil {
					return err
				}
				return tx.QueryRow(ctx, hello.Query, target.ID).Scan(new(string))
			}); err != nil {
				a.Error = err.Error()
			}
			a.Operations++
		}
		a.Seconds = time.Since(start).Seconds()
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func TestPeersThatFail(t *testing.T) {
	f := &field{options: options{rows: 1}}
	f.tenants = append(f.tenants, &core.Tenant{})
	for command, want := range map[string]string{
		"/no/such/program":            "no such file",
		"true":                        "the peer does not",
		"echo hello":                  "the peer's answer",
		`echo {"error":"out_of_tea"}`: "the peer says: out_of_tea",
	} {
		var p peers
		if err := p.Set("theirs=" + command); err != nil {
			t.Fatal(err)
		}
		if _, err := p[0].start(t.Context(), f, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
}
